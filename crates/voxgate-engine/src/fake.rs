//! A deterministic engine without a model, for tests and for servers built without native engines.
//!
//! It "speaks" a quiet tone whose length follows the text, in chunks of [`CHUNK_MS`]. Words in double
//! brackets make it misbehave on purpose:
//!
//! | in the text | what happens |
//! |---|---|
//! | `[[fail]]` | [`EngineError::Internal`] after the first chunk |
//! | `[[panic]]` | a panic after the first chunk |
//! | `[[unsupported]]` | [`EngineError::UnsupportedScript`] before any audio |
//! | `[[slow]]` | 50 ms of waiting before each chunk |
//!
//! A text without a letter or digit is [`EngineError::NothingToSpeak`], and Han, Kana, Hangul, Arabic or
//! Hebrew letters are [`EngineError::UnsupportedScript`], as a real English voice would have it.

use std::f32::consts::TAU;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::speech::{
    EngineError, Gender, PcmSink, SpeechEngine, SpeechRequest, SpeechStats, VoiceInfo,
};

/// Name of the engine.
pub const ENGINE_NAME: &str = "fake";
/// Native rate of the fake voices in hertz.
pub const SAMPLE_RATE_HZ: u32 = 24_000;
/// Audio per spoken character at speed 1, in milliseconds: about the pace of English speech.
pub const MS_PER_CHARACTER: u64 = 60;
/// Audio pushed at once, in milliseconds.
pub const CHUNK_MS: u64 = 100;
/// Peak amplitude of the tone: about −20 LUFS.
const AMPLITUDE: f32 = 0.14;
const SLOW_CHUNK: Duration = Duration::from_millis(50);

/// What the fake engine has done so far; read it with [`FakeEngine::counts`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FakeCounts {
    /// Calls of `synthesize`.
    pub started: u64,
    /// Calls that spoke the whole text.
    pub finished: u64,
    /// Calls that stopped because the listener was gone.
    pub cancelled: u64,
    /// Chunks pushed over all calls.
    pub chunks: u64,
}

/// The engine; see the module documentation.
#[derive(Debug)]
pub struct FakeEngine {
    voices: Vec<VoiceInfo>,
    /// One second of each voice; made once, so that measurements of the server do not measure sines.
    tones: Vec<Vec<f32>>,
    delay_per_chunk: Duration,
    started: AtomicU64,
    finished: AtomicU64,
    cancelled: AtomicU64,
    chunks: AtomicU64,
}

impl Default for FakeEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeEngine {
    /// An engine that answers at once, with the voices `fake_anna`, `fake_bert` and `fake_clare`.
    #[must_use]
    pub fn new() -> Self {
        let voices = vec![
            voice("fake_anna", "Anna", "en-US", Gender::Female, "warm"),
            voice("fake_bert", "Bert", "en-US", Gender::Male, "calm"),
            voice("fake_clare", "Clare", "en-GB", Gender::Female, "bright"),
        ];
        Self {
            tones: (0..voices.len()).map(tone).collect(),
            voices,
            delay_per_chunk: Duration::ZERO,
            started: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            chunks: AtomicU64::new(0),
        }
    }

    /// Waits this long before each chunk, as a model would compute.
    #[must_use]
    pub fn with_delay_per_chunk(mut self, delay: Duration) -> Self {
        self.delay_per_chunk = delay;
        self
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> FakeCounts {
        FakeCounts {
            started: self.started.load(Ordering::SeqCst),
            finished: self.finished.load(Ordering::SeqCst),
            cancelled: self.cancelled.load(Ordering::SeqCst),
            chunks: self.chunks.load(Ordering::SeqCst),
        }
    }

    /// Length of the audio a text of this many characters yields.
    #[must_use]
    pub fn duration_ms(characters: usize, speed: f32) -> u64 {
        ((characters as u64 * MS_PER_CHARACTER) as f64 / f64::from(speed.clamp(0.5, 2.0))) as u64
    }
}

/// A second of the tone of the voice with this number. Each has a pitch of its own, so that tests can hear which one spoke.
fn tone(voice: usize) -> Vec<f32> {
    let hertz = 220.0 + 55.0 * voice as f32;
    (0..SAMPLE_RATE_HZ)
        .map(|n| AMPLITUDE * (TAU * hertz * n as f32 / SAMPLE_RATE_HZ as f32).sin())
        .collect()
}

fn voice(id: &str, name: &str, language: &str, gender: Gender, style: &str) -> VoiceInfo {
    VoiceInfo {
        id: id.to_owned(),
        name: name.to_owned(),
        language: language.to_owned(),
        gender,
        styles: vec![style.to_owned()],
        engine: ENGINE_NAME.to_owned(),
        licence: "CC0-1.0".to_owned(),
        sample_rate_hz: SAMPLE_RATE_HZ,
    }
}

/// The script of the first letter an English voice could not read, if there is one.
fn foreign_script(text: &str) -> Option<&'static str> {
    text.chars().find_map(|c| match u32::from(c) {
        0x0590..=0x05FF => Some("Hebrew"),
        0x0600..=0x06FF => Some("Arabic"),
        0x3040..=0x30FF => Some("Kana"),
        0x3400..=0x9FFF => Some("Han"),
        0xAC00..=0xD7AF => Some("Hangul"),
        _ => None,
    })
}

impl SpeechEngine for FakeEngine {
    fn name(&self) -> &str {
        ENGINE_NAME
    }

    fn voices(&self) -> &[VoiceInfo] {
        &self.voices
    }

    fn synthesize(
        &self,
        request: &SpeechRequest,
        sink: &mut dyn PcmSink,
    ) -> Result<SpeechStats, EngineError> {
        let started = Instant::now();
        self.started.fetch_add(1, Ordering::SeqCst);
        let (index, voice) = self
            .voices
            .iter()
            .enumerate()
            .find(|(_, voice)| voice.id == request.voice)
            .ok_or_else(|| EngineError::UnknownVoice(request.voice.clone()))?;
        let script = if request.text.contains("[[unsupported]]") {
            Some("Han")
        } else {
            foreign_script(&request.text)
        };
        if let Some(script) = script {
            return Err(EngineError::UnsupportedScript {
                script: script.to_owned(),
                language: voice.language.clone(),
            });
        }
        if !request.text.chars().any(char::is_alphanumeric) {
            return Err(EngineError::NothingToSpeak);
        }

        let delay = if request.text.contains("[[slow]]") {
            self.delay_per_chunk.max(SLOW_CHUNK)
        } else {
            self.delay_per_chunk
        };
        let characters = request.text.chars().count();
        let total = Self::duration_ms(characters, request.speed) * u64::from(SAMPLE_RATE_HZ) / 1000;
        let chunk_len = CHUNK_MS * u64::from(SAMPLE_RATE_HZ) / 1000;
        let tone = &self.tones[index];
        let mut chunk = Vec::with_capacity(chunk_len as usize);
        let mut position = 0;
        while position < total {
            if !delay.is_zero() {
                std::thread::sleep(delay);
            }
            let end = (position + chunk_len).min(total);
            chunk.clear();
            let from = (position % u64::from(SAMPLE_RATE_HZ)) as usize;
            let (rest, samples) = (&tone[from..], (end - position) as usize);
            chunk.extend_from_slice(&rest[..samples.min(rest.len())]);
            // Less than a second is spoken at once, so the tone begins anew once at most.
            chunk.extend_from_slice(&tone[..samples - chunk.len()]);
            position = end;
            if sink.cancelled() || sink.push(&chunk).is_break() {
                self.cancelled.fetch_add(1, Ordering::SeqCst);
                return Err(EngineError::Cancelled);
            }
            self.chunks.fetch_add(1, Ordering::SeqCst);
            if request.text.contains("[[fail]]") {
                return Err(EngineError::Internal("asked to fail".to_owned()));
            }
            assert!(!request.text.contains("[[panic]]"), "asked to panic");
        }
        self.finished.fetch_add(1, Ordering::SeqCst);
        Ok(SpeechStats {
            sentences: 1,
            phonemes: u32::try_from(characters).unwrap_or(u32::MAX),
            model_time: started.elapsed(),
            text_time: Duration::ZERO,
        })
    }
}

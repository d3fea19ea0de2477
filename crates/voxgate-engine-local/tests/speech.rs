//! The real models, checked as audio. `VOXGATE_TEST_MODELS` names the models folder (as `voxgate models pull` fills it);
//! a missing variable or file is a failure that says so.
#![cfg(feature = "native")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use voxgate_audio::measure::{Measurement, measure};
use voxgate_engine::bench::TEXTS;
use voxgate_engine::{EngineError, PcmSink, SpeechEngine, SpeechRequest, SpeechStats, VoiceInfo};
use voxgate_engine_local::{LocalConfig, LocalEngines};

const KOKORO: &str = "af_heart";
const PIPER: &str = "en_US-joe-medium";
/// Loudness every voice must stay within, in LUFS.
const LEVELS: std::ops::RangeInclusive<f64> = -26.0..=-14.0;
const LONGEST_SILENCE_MS: u128 = 1_500;
/// Durations in seconds of [`TEXTS`] as the models' own Python packages (kokoro-onnx 0.5.0, piper-tts 1.8.0, which
/// use espeak-ng's phonemes) speak them with the same voices.
const EXPECTED: [(&str, [f64; 3]); 2] =
    [(KOKORO, [2.05, 9.54, 30.76]), (PIPER, [2.08, 8.36, 29.48])];

/// Takes samples until `limit` of them have come.
struct Recorder {
    samples: Vec<f32>,
    limit: usize,
}

impl PcmSink for Recorder {
    fn push(&mut self, samples: &[f32]) -> ControlFlow<()> {
        self.samples.extend_from_slice(samples);
        if self.samples.len() < self.limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn cancelled(&self) -> bool {
        self.samples.len() >= self.limit
    }
}

/// The engines, loaded once for all tests.
fn engines() -> &'static [Arc<dyn SpeechEngine>] {
    static ENGINES: OnceLock<Vec<Arc<dyn SpeechEngine>>> = OnceLock::new();
    ENGINES.get_or_init(|| {
        let models_dir = std::env::var_os("VOXGATE_TEST_MODELS").expect(
            "set VOXGATE_TEST_MODELS to a folder with the default models (`voxgate models pull` fills one; `make test` does both)",
        );
        let config = LocalConfig {
            models_dir: PathBuf::from(models_dir),
            kokoro: true,
            piper_voices: vec![PIPER.to_owned()],
            threads: 0,
        };
        match LocalEngines::load(&config) {
            Ok(engines) => engines,
            Err(error) => panic!("VOXGATE_TEST_MODELS is set, but: {error}"),
        }
    })
}

fn find(voice: &str) -> (&'static dyn SpeechEngine, &'static VoiceInfo) {
    engines()
        .iter()
        .find_map(|engine| Some((&**engine, engine.voices().iter().find(|v| v.id == voice)?)))
        .unwrap_or_else(|| panic!("no voice {voice}"))
}

fn say(
    engine: &dyn SpeechEngine,
    voice: &str,
    text: &str,
    speed: f32,
    limit: usize,
) -> (Vec<f32>, Result<SpeechStats, EngineError>) {
    let request = SpeechRequest {
        text: text.to_owned(),
        voice: voice.to_owned(),
        speed,
    };
    let mut recorder = Recorder {
        samples: Vec::new(),
        limit,
    };
    let result = engine.synthesize(&request, &mut recorder);
    (recorder.samples, result)
}

/// Speaks the whole text and checks what must hold for every recording.
fn checked(
    engine: &dyn SpeechEngine,
    voice: &VoiceInfo,
    text: &str,
    speed: f32,
) -> (Vec<f32>, Measurement) {
    let (samples, result) = say(engine, &voice.id, text, speed, usize::MAX);
    let stats = result.unwrap();
    assert!(stats.phonemes > 0 && stats.sentences > 0, "{stats:?}");
    let measured = measure(&samples, voice.sample_rate_hz);
    let context = format!("{} at speed {speed}: {measured:?}", voice.id);
    assert_eq!(measured.non_finite_samples, 0, "{context}");
    assert_eq!(measured.clipped_samples, 0, "{context}");
    assert!(measured.peak < 0.99, "{context}");
    assert!(
        measured.longest_inner_silence.as_millis() <= LONGEST_SILENCE_MS,
        "{context}"
    );
    let loudness = measured.loudness_lufs.unwrap();
    assert!(LEVELS.contains(&loudness), "{context}");
    (samples, measured)
}

#[test]
fn known_texts_last_as_long_as_expected() {
    for (voice, expected) in EXPECTED {
        let (engine, info) = find(voice);
        for (text, expected) in TEXTS.iter().zip(expected) {
            let (_, measured) = checked(engine, info, text.text, 1.0);
            let seconds = measured.duration.as_secs_f64();
            let off = (seconds / expected - 1.0).abs();
            assert!(
                off <= 0.15,
                "{voice} {}: {seconds:.2} s instead of {expected} s",
                text.length
            );
        }
    }
}

#[test]
fn every_english_kokoro_voice_speaks_at_a_good_level() {
    let (engine, _) = find(KOKORO);
    assert_eq!(
        engine.voices().len(),
        28,
        "the voice set has 28 English voices"
    );
    for voice in engine.voices() {
        let (_, measured) = checked(engine, voice, TEXTS[0].text, 1.0);
        let seconds = measured.duration.as_secs_f64();
        assert!(
            (1.4..=4.5).contains(&seconds),
            "{}: {seconds:.2} s",
            voice.id
        );
    }
}

#[test]
fn the_same_request_gives_the_same_samples_alone_and_side_by_side() {
    for voice in [PIPER, KOKORO] {
        let (engine, _) = find(voice);
        let speak = || say(engine, voice, TEXTS[0].text, 1.0, usize::MAX).0;
        let first = speak();
        let (second, third) = std::thread::scope(|scope| {
            let second = scope.spawn(speak);
            let third = scope.spawn(speak);
            (second.join().unwrap(), third.join().unwrap())
        });
        assert!(
            first == second && first == third,
            "{voice} differs between runs"
        );
    }
}

#[test]
fn speed_changes_the_length_and_nothing_else() {
    for voice in [PIPER, KOKORO] {
        let (engine, info) = find(voice);
        let seconds = |speed| {
            checked(engine, info, TEXTS[0].text, speed)
                .1
                .duration
                .as_secs_f64()
        };
        let normal = seconds(1.0);
        let slow = seconds(0.5) / normal;
        let fast = seconds(2.0) / normal;
        assert!(
            (1.5..=2.4).contains(&slow),
            "{voice}: slow speech is {slow:.2} times as long"
        );
        assert!(
            (0.4..=0.7).contains(&fast),
            "{voice}: fast speech is {fast:.2} times as long"
        );
    }
}

#[test]
fn hard_texts_are_spoken_or_refused_but_never_fail() {
    for voice in [PIPER, KOKORO] {
        let (engine, info) = find(voice);
        for text in ["", " \n\t ", "...", "?!", "\u{0}\u{7}"] {
            assert_eq!(
                say(engine, voice, text, 1.0, usize::MAX).1,
                Err(EngineError::NothingToSpeak),
                "{text:?}"
            );
        }
        let refused = say(engine, voice, "今日は良い天気ですね", 1.0, usize::MAX).1;
        assert!(
            matches!(refused, Err(EngineError::UnsupportedScript { .. })),
            "{refused:?}"
        );
        for text in [
            "I",
            "A…",
            "Yes!",
            "$5",
            "wait... what?",
            "<speak>Hi</speak>",
            "x".repeat(90).as_str(),
        ] {
            let (samples, result) = say(engine, voice, text, 1.0, usize::MAX);
            assert!(result.is_ok(), "{text:?}: {result:?}");
            let measured = measure(&samples, info.sample_rate_hz);
            assert_eq!(
                (measured.non_finite_samples, measured.clipped_samples),
                (0, 0),
                "{text:?}"
            );
            assert!(measured.peak > 0.02, "{text:?} is silent: {measured:?}");
            assert!(
                measured.longest_inner_silence.as_millis() <= LONGEST_SILENCE_MS,
                "{text:?}"
            );
        }
        let unknown = say(engine, "nobody", "Hello.", 1.0, usize::MAX).1;
        assert_eq!(unknown, Err(EngineError::UnknownVoice("nobody".to_owned())));
    }
}

#[test]
fn a_listener_that_leaves_stops_the_engine_within_a_clause() {
    for voice in [PIPER, KOKORO] {
        let (engine, info) = find(voice);
        let begun = std::time::Instant::now();
        let (samples, result) = say(engine, voice, &TEXTS[2].text.repeat(20), 1.0, 1);
        assert_eq!(result, Err(EngineError::Cancelled), "{voice}");
        assert!(
            samples.len() <= info.sample_rate_hz as usize,
            "{voice} went on pushing"
        );
        assert!(
            begun.elapsed().as_secs() < 60,
            "{voice} went on for {:?}",
            begun.elapsed()
        );
    }
}

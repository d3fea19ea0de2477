//! Kokoro-82M v1.0: one model, one small style table per voice.
//!
//! Owns the model's vocabulary, its running and the edits its graph needs. Deterministic: the same
//! phonemes, voice and speed give the same samples.

mod edits;
mod generator;
mod model;
mod vocabulary;
mod voices;

use std::path::Path;
use std::sync::Arc;
use std::thread;

use rten::ThreadPool;
use voxgate_engine::{EngineError, PcmSink, SpeechEngine, SpeechRequest, SpeechStats, VoiceInfo};
use voxgate_text::{Frontend, Language};

use super::{ClauseSink, Finish, clamp_speed, speak, text_error};
use crate::error::LoadError;
use crate::local::joined;
use model::KokoroModel;
use voices::Style;

/// What `voxgate models pull` calls the model.
pub const MODEL_NAME: &str = "kokoro-v1.0-int8";
/// What `voxgate models pull` calls the voices.
pub const VOICES_NAME: &str = "kokoro-voices";
const MODEL_FILE: &str = "model.onnx";
const ENGINE_NAME: &str = "kokoro";
const SAMPLE_RATE_HZ: u32 = 24_000;
/// The longest sequence the model was trained on, without the pads.
const MAX_TOKENS: usize = 510;
const _: () = assert!(voxgate_text::MAX_CLAUSE_PHONEMES <= MAX_TOKENS);

/// The engine with all English voices found on disk.
pub(crate) struct KokoroEngine {
    model: KokoroModel,
    voices: Vec<VoiceInfo>,
    /// In the order of `voices`.
    styles: Vec<Style>,
    american: Frontend,
    british: Frontend,
}

impl KokoroEngine {
    /// Loads model, voices and lexicons, each on a thread of its own.
    pub(crate) fn load(models_dir: &Path, threads: Arc<ThreadPool>) -> Result<Self, LoadError> {
        let path = models_dir.join(MODEL_NAME).join(MODEL_FILE);
        let (model, voices, american, british) = thread::scope(|scope| {
            let voices = scope.spawn(|| voices::load(&models_dir.join(VOICES_NAME)));
            let american = scope.spawn(|| Frontend::new(Language::EnUs));
            let british = scope.spawn(|| Frontend::new(Language::EnGb));
            let model = KokoroModel::load(&path, MODEL_NAME, &threads);
            (model, joined(voices), joined(american), joined(british))
        });
        let model = model?;
        let (voices, styles) = voices?.into_iter().unzip();
        Ok(Self {
            model,
            voices,
            styles,
            american: american.map_err(|error| LoadError::Text(error.to_string()))?,
            british: british.map_err(|error| LoadError::Text(error.to_string()))?,
        })
    }

    /// Speaks one clause and answers how many of its phonemes the model knows.
    fn speak(
        &self,
        style: &Style,
        speed: f32,
        phonemes: &str,
        clause: &mut ClauseSink<'_, '_>,
    ) -> Result<u32, EngineError> {
        let (known, mut tokens): (String, Vec<i32>) = phonemes
            .chars()
            .filter_map(|phoneme| Some((phoneme, vocabulary::token(phoneme)?)))
            .take(MAX_TOKENS)
            .unzip();
        let count = tokens.len();
        tokens.insert(0, vocabulary::PAD);
        tokens.push(vocabulary::PAD);
        self.model
            .speak(tokens, known, style.row(count), speed, clause)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }
}

impl SpeechEngine for KokoroEngine {
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
        let (voice, style) = self
            .voices
            .iter()
            .zip(&self.styles)
            .find(|(voice, _)| voice.id == request.voice)
            .ok_or_else(|| EngineError::UnknownVoice(request.voice.clone()))?;
        let frontend = match Language::from_bcp47(&voice.language) {
            Some(Language::EnGb) => &self.british,
            _ => &self.american,
        };
        let finish = Finish {
            rate_hz: SAMPLE_RATE_HZ,
            gain: style.gain,
            speed: clamp_speed(request.speed),
        };
        let parts = frontend
            .clauses(&request.text)
            .map(|clause| clause.map(Into::into).map_err(text_error));
        speak(parts, &finish, sink, |phonemes, clause| {
            self.speak(style, finish.speed, phonemes, clause)
        })
    }
}

//! Text to speech with local models. What the engines share: clause by clause, in order, bounded memory.

pub(crate) mod graph;
mod join;
pub(crate) mod kokoro;
mod level;
pub(crate) mod piper;
mod plain;
mod runtime;

use std::time::Instant;

use voxgate_engine::{EngineError, PcmSink, SpeechStats};
use voxgate_text::TextError;

use join::Joiner;

/// How a voice's samples become output.
pub(crate) struct Finish {
    /// Native rate of the samples in hertz.
    pub(crate) rate_hz: u32,
    /// Fixed gain of the voice.
    pub(crate) gain: f32,
    /// Speaking rate asked for, already within bounds.
    pub(crate) speed: f32,
}

/// One clause as the model sees it.
pub(crate) struct Spoken {
    /// Samples as the model made them.
    pub(crate) samples: Vec<f32>,
    /// Symbols given to the model.
    pub(crate) phonemes: u32,
}

/// The engine-independent part of a clause.
pub(crate) struct Part {
    /// What the model reads: phonemes, or characters.
    pub(crate) symbols: String,
    pub(crate) pause_after_ms: u32,
    pub(crate) sentence_end: bool,
}

impl From<voxgate_text::Clause> for Part {
    fn from(clause: voxgate_text::Clause) -> Self {
        Self {
            symbols: clause.phonemes,
            pause_after_ms: clause.pause_after_ms,
            sentence_end: clause.sentence_end,
        }
    }
}

/// Speaks parts as they are made: one is synthesised, joined to what was said before and pushed, then the next is asked for.
pub(crate) fn speak(
    parts: impl Iterator<Item = Result<Part, EngineError>>,
    finish: &Finish,
    sink: &mut dyn PcmSink,
    mut voice: impl FnMut(&str) -> Result<Spoken, EngineError>,
) -> Result<SpeechStats, EngineError> {
    let mut stats = SpeechStats::default();
    let mut joiner = Joiner::new(sink, finish.rate_hz, finish.gain, finish.speed);
    let mut parts = parts;
    let mut anything = false;
    loop {
        if joiner.cancelled() {
            return Err(EngineError::Cancelled);
        }
        let begun = Instant::now();
        let next = parts.next();
        stats.text_time += begun.elapsed();
        let Some(part) = next else { break };
        let part = part?;
        anything = true;

        let begun = Instant::now();
        let spoken = voice(&part.symbols)?;
        stats.model_time += begun.elapsed();
        stats.phonemes = stats.phonemes.saturating_add(spoken.phonemes);
        stats.sentences += u32::from(part.sentence_end);
        if joiner
            .clause(spoken.samples, part.pause_after_ms)
            .is_break()
        {
            return Err(EngineError::Cancelled);
        }
    }
    if anything {
        stats.sentences = stats.sentences.max(1);
        Ok(stats)
    } else {
        Err(EngineError::NothingToSpeak)
    }
}

/// The front end's refusal in the engine's words.
pub(crate) fn text_error(error: TextError) -> EngineError {
    match error {
        TextError::UnsupportedScript { script, language } => {
            EngineError::UnsupportedScript { script, language }
        }
        TextError::Internal(reason) => EngineError::Internal(reason),
    }
}

/// Speaking rates the engines accept.
pub(crate) fn clamp_speed(speed: f32) -> f32 {
    if speed.is_finite() {
        speed.clamp(0.5, 2.0)
    } else {
        1.0
    }
}

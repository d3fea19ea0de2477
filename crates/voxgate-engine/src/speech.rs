//! The speech engine trait and the plain types that cross it.
//!
//! An engine turns one request into mono samples and pushes them to a sink, on whatever thread it is
//! called from. It owns no queue, no encoder and no clock; those belong to the pool.

use std::fmt;
use std::ops::{ControlFlow, Range};
use std::time::Duration;

/// The gender a voice is heard as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gender {
    /// Heard as a woman.
    Female,
    /// Heard as a man.
    Male,
    /// Neither, or not stated by the voice's maker.
    Neutral,
}

impl Gender {
    /// The lower-case word used in configuration and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Gender::Female => "female",
            Gender::Male => "male",
            Gender::Neutral => "neutral",
        }
    }
}

impl fmt::Display for Gender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One voice as an engine offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceInfo {
    /// Stable identifier, unique among all engines of a server, for example `af_heart`.
    pub id: String,
    /// Name for people, for example `Heart`.
    pub name: String,
    /// BCP-47 language tag, for example `en-US`.
    pub language: String,
    /// The gender the voice is heard as.
    pub gender: Gender,
    /// Short style words such as `warm` or `narration`; may be empty.
    pub styles: Vec<String>,
    /// Name of the engine that speaks it, equal to [`SpeechEngine::name`].
    pub engine: String,
    /// Licence of the voice as an SPDX expression, or the maker's words where there is none.
    pub licence: String,
    /// Native sample rate in hertz of the samples the engine pushes.
    pub sample_rate_hz: u32,
}

/// What to say, with which voice, how fast.
#[derive(Debug, Clone, PartialEq)]
pub struct SpeechRequest {
    /// Text as written by people; the engine normalises it.
    pub text: String,
    /// The engine's voice id ([`VoiceInfo::id`]), never an alias.
    pub voice: String,
    /// Speaking rate, 1.0 being the voice's own; 0.5 to 2.0.
    pub speed: f32,
}

/// When the symbols of one clause are heard, as the model itself timed them. Samples count from the first one pushed for
/// the request, at the voice's native rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClauseTiming {
    /// Bytes of the request's text that the clause speaks. Clauses come in the order of the text; a clause too long for
    /// one run of the model comes in several parts of the same range.
    pub source: Range<usize>,
    /// What the model read, without symbols it does not know: phonemes in the voice's alphabet, or characters. Words are
    /// separated by blanks.
    pub symbols: String,
    /// The sample at which each character of `symbols` begins; never descending.
    pub starts: Vec<u64>,
    /// The sample at which the last one ends.
    pub end: u64,
}

/// Where an engine pushes samples, and how it learns that nobody listens any more.
pub trait PcmSink {
    /// Takes mono samples in −1.0..=1.0 at the voice's native rate. May block while the listener is slow.
    /// [`ControlFlow::Break`] means: stop now and return [`EngineError::Cancelled`].
    fn push(&mut self, samples: &[f32]) -> ControlFlow<()>;

    /// True once the listener is gone; engines ask between costly steps.
    fn cancelled(&self) -> bool;

    /// Takes the timing of a clause, once, before the clause's first sample. Engines that know no durations never call
    /// it; listeners that need none leave it as it is.
    fn clause(&mut self, timing: ClauseTiming) {
        let _ = timing;
    }
}

/// What one synthesis did, for metering and timing headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpeechStats {
    /// Sentences (or the pieces the engine split the text into) that were spoken.
    pub sentences: u32,
    /// Phonemes, or characters for an engine without phonemes.
    pub phonemes: u32,
    /// Time inside the model.
    pub model_time: Duration,
    /// Time spent turning text into phonemes.
    pub text_time: Duration,
}

/// A speech model with its voices. Shared by all worker threads; calls block.
pub trait SpeechEngine: Send + Sync + 'static {
    /// Short lower-case name, for example `kokoro`; used in logs, metrics and voice lists.
    fn name(&self) -> &str;

    /// The voices that can be asked for, in the order to list them.
    fn voices(&self) -> &[VoiceInfo];

    /// Speaks the whole text, pushing samples in order as soon as they exist.
    ///
    /// # Errors
    /// [`EngineError`] as named on its variants. Samples pushed before an error stay pushed.
    fn synthesize(
        &self,
        request: &SpeechRequest,
        sink: &mut dyn PcmSink,
    ) -> Result<SpeechStats, EngineError>;
}

/// Why a text was not spoken (to its end).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The text is written in a script the voice cannot read. The caller's fault.
    #[error("the voice's language {language} cannot read text in {script} script")]
    UnsupportedScript {
        /// Name of the script, for example `Han`.
        script: String,
        /// BCP-47 tag of the voice's language.
        language: String,
    },
    /// The engine has no such voice. The caller's fault.
    #[error("unknown voice {0:?}")]
    UnknownVoice(String),
    /// Nothing in the text can be spoken: it is empty, or punctuation only. The caller's fault.
    #[error("the text holds nothing that can be spoken")]
    NothingToSpeak,
    /// The listener went away, stopped reading, or the pool is shutting down.
    #[error("speech was cancelled")]
    Cancelled,
    /// The audio could not be encoded as asked. The message is meant for the caller: it says what to do.
    #[error("{0}")]
    Encoding(String),
    /// A fault of the engine. The message is for the log, never for the caller.
    #[error("engine fault: {0}")]
    Internal(String),
}

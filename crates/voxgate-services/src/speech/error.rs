//! How a synthesis is refused.

use std::time::Duration;

use voxgate_domain::{Refusal, Refuse};
use voxgate_engine::EngineError;

use crate::Fault;
use crate::fault::store_errors_are_faults;
use crate::gate::GateError;
use crate::idempotency::IdempotencyError;

/// A text that was not spoken.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The gate did not let it in.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// Its idempotency key stands in its way.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// No voice of this name.
    #[error("no voice {0:?}")]
    VoiceNotFound(String),
    /// The text is in a script the voice cannot read.
    #[error("{language} voices cannot read {script}")]
    UnsupportedScript {
        /// The script.
        script: String,
        /// The voice's language.
        language: String,
    },
    /// Nothing in the text can be spoken.
    #[error("nothing to speak")]
    NothingToSpeak,
    /// The text is too long.
    #[error("{characters} characters, at most {max}")]
    TextTooLong {
        /// Its length in characters.
        characters: u64,
        /// The longest allowed.
        max: u64,
    },
    /// The speed is out of range.
    #[error("speed {0} is not between 0.5 and 2.0")]
    InvalidSpeed(f32),
    /// The format cannot be had at this sample rate.
    #[error("{0}")]
    InvalidOutput(String),
    /// Every engine is occupied and the queue is full.
    #[error("all engines are busy")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The format needs a program that is not installed; the text says which and what to do.
    #[error("{0}")]
    EncoderUnavailable(String),
    /// No voices are loaded; the text says what to do.
    #[error("{0}")]
    NoVoices(String),
    /// The engine stopped delivering.
    #[error("the engine stopped delivering")]
    Stalled,
    /// The synthesis was cancelled, because the server stops or the client is gone.
    #[error("cancelled")]
    Cancelled,
    /// The engine failed.
    #[error("engine fault: {0}")]
    Engine(String),
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for SpeechError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Gate(error) => error.refusal(),
            Self::Idempotency(error) => error.refusal(),
            Self::VoiceNotFound(_) => Refusal::NotFound,
            Self::UnsupportedScript { .. } | Self::NothingToSpeak => Refusal::Invalid {
                field: Some("text"),
            },
            Self::TextTooLong { max, .. } => Refusal::TooLarge {
                field: "text",
                max: *max,
            },
            Self::InvalidSpeed(_) => Refusal::Invalid {
                field: Some("speed"),
            },
            Self::InvalidOutput(_) => Refusal::Invalid {
                field: Some("sample_rate_hz"),
            },
            Self::Busy { retry_after } => Refusal::Busy {
                retry_after: *retry_after,
            },
            Self::EncoderUnavailable(_) | Self::NoVoices(_) | Self::Cancelled => {
                Refusal::Unavailable
            }
            Self::Stalled | Self::Engine(_) => Refusal::Internal,
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Gate(error) => error.code(),
            Self::Idempotency(error) => error.code(),
            Self::VoiceNotFound(_) => "voice_not_found",
            Self::UnsupportedScript { .. } => "unsupported_script",
            Self::NothingToSpeak => "nothing_to_speak",
            Self::TextTooLong { .. } => "text_too_long",
            Self::InvalidSpeed(_) => "invalid_speed",
            Self::InvalidOutput(_) => "invalid_output",
            Self::Busy { .. } => "busy",
            Self::EncoderUnavailable(_) => "encoder_unavailable",
            Self::NoVoices(_) => "no_voices",
            Self::Stalled => "engine_stalled",
            Self::Cancelled => "cancelled",
            Self::Engine(_) => "engine_failed",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Gate(error) => error.public_message(),
            Self::Idempotency(error) => error.public_message(),
            Self::VoiceNotFound(_) => "Voice not found".into(),
            Self::UnsupportedScript { script, language } => {
                format!("The text is in {script} script, which a voice for {language} cannot read")
            }
            Self::NothingToSpeak => "The text contains nothing that can be spoken".into(),
            Self::TextTooLong { max, .. } => {
                format!("The text must not be longer than {max} characters")
            }
            Self::InvalidSpeed(_) => "The speed must be between 0.5 and 2.0".into(),
            Self::InvalidOutput(reason)
            | Self::EncoderUnavailable(reason)
            | Self::NoVoices(reason) => reason.clone(),
            Self::Busy { .. } => "All engines are busy, please try again".into(),
            Self::Cancelled => "The request was cancelled".into(),
            Self::Stalled | Self::Engine(_) => "Speech synthesis failed".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

impl From<EngineError> for SpeechError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::UnsupportedScript { script, language } => {
                Self::UnsupportedScript { script, language }
            }
            EngineError::UnknownVoice(voice) => Self::VoiceNotFound(voice),
            EngineError::NothingToSpeak => Self::NothingToSpeak,
            EngineError::Cancelled => Self::Cancelled,
            EngineError::Encoding(reason) => Self::EncoderUnavailable(reason),
            EngineError::Internal(reason) => Self::Engine(reason),
        }
    }
}

store_errors_are_faults!(SpeechError);

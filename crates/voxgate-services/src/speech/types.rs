//! What goes into and comes out of a synthesis.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use voxgate_audio::AudioFormat;
use voxgate_domain::{Micros, Quantities, RequestId};
use voxgate_engine::{SpeechOutcome, SpeechPool, VoiceRegistry};

use super::SpeechError;
use crate::gate::LimitsView;

/// What speaks: handed over once models are loaded.
#[derive(Clone)]
pub struct SpeechEngines {
    /// The threads.
    pub pool: SpeechPool,
    /// The voices and their aliases.
    pub voices: VoiceRegistry,
}

/// One text to be spoken.
#[derive(Debug, Clone)]
pub struct SpeechCommand {
    /// The text.
    pub text: String,
    /// A voice id or an alias.
    pub voice: String,
    /// The wanted format.
    pub format: AudioFormat,
    /// The wanted sample rate.
    pub sample_rate_hz: u32,
    /// 0.5 to 2.0; 1.0 is the voice's own pace.
    pub speed: f32,
    /// The dialect it came in, as in `aethex`; kept in the usage history.
    pub dialect: &'static str,
    /// The route it came by, as in `/tts/tts`; kept in the usage history.
    pub endpoint: &'static str,
    /// The caller's idempotency key: a repetition with the same key and content gets the first answer and costs nothing.
    pub idempotency_key: Option<String>,
}

/// An answered synthesis.
#[derive(Debug)]
pub struct Spoken {
    /// What was spoken.
    pub meta: SpokenMeta,
    /// The audio.
    pub body: SpokenBody,
}

/// What was spoken.
#[derive(Debug, Clone)]
pub struct SpokenMeta {
    /// The id of the request in the usage history.
    pub request_id: RequestId,
    /// The id of the voice.
    pub voice_id: String,
    /// The format of the audio.
    pub format: AudioFormat,
    /// Its sample rate.
    pub sample_rate_hz: u32,
    /// Words charged.
    pub words: u64,
    /// Characters of the text.
    pub characters: u64,
    /// Where the caller's limits stood after this request was counted.
    pub limits: LimitsView,
    /// Whether this is the kept answer to an earlier request with the same idempotency key.
    pub replayed: bool,
}

/// What a synthesis would cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The most it can cost; what would be held.
    pub micros: Micros,
    /// What it would be charged for. The audio is an upper estimate.
    pub quantities: Quantities,
    /// The model that would speak, as price lists name it.
    pub model: String,
}

/// The audio of an answered synthesis.
pub enum SpokenBody {
    /// The whole file; settled, and recorded where the end of this process cannot lose it.
    Complete {
        /// The encoded audio, with true sizes in its header where the format has them.
        bytes: Bytes,
        /// What it took; nothing, for an answer that was kept.
        outcome: Option<SpeechOutcome>,
    },
    /// The beginning of a long file; the rest follows as it is made. Dropping `rest` before its end cancels the engine,
    /// records the request as failed and gives back the words that were not delivered.
    Stream {
        /// What has been collected so far.
        first: Bytes,
        /// What follows. An error item ends it; the file is then cut short and the transport should say so.
        rest: BoxStream<'static, Result<Bytes, SpeechError>>,
    },
}

impl std::fmt::Debug for SpokenBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete { bytes, outcome } => f
                .debug_struct("Complete")
                .field("bytes", &bytes.len())
                .field("outcome", outcome)
                .finish(),
            Self::Stream { first, .. } => f
                .debug_struct("Stream")
                .field("first", &first.len())
                .finish_non_exhaustive(),
        }
    }
}

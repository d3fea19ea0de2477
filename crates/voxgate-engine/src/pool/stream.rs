//! The listener's end of a job.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::speech::{EngineError, SpeechStats};

/// What a worker sends up, in order: pieces, then exactly one of the other two.
pub(super) enum Message {
    Piece(Bytes),
    Failed(EngineError),
    Finished(SpeechOutcome),
}

/// How a finished job went. All times are wall time on the engine thread unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpeechOutcome {
    /// From admission to the start of work.
    pub queue: Duration,
    /// From admission until the first encoded bytes were ready to send.
    pub first_audio: Duration,
    /// Inside the engine, without encoding and without waiting for the listener.
    pub engine: Duration,
    /// Inside resampler and encoder.
    pub encode: Duration,
    /// Length of the spoken audio in milliseconds.
    pub audio_ms: u64,
    /// Encoded bytes sent.
    pub bytes: u64,
    /// What the engine counted.
    pub stats: SpeechStats,
}

/// Encoded audio as it is made. Dropping it abandons the job: a waiting one is never started,
/// a running one stops at the engine's next step.
#[derive(Debug)]
pub struct SpeechStream {
    messages: mpsc::Receiver<Message>,
    outcome: Option<SpeechOutcome>,
    ended: bool,
}

impl SpeechStream {
    pub(super) fn new(messages: mpsc::Receiver<Message>) -> Self {
        Self {
            messages,
            outcome: None,
            ended: false,
        }
    }

    /// The next piece of the encoded file; `None` after its last byte or after an error was returned.
    ///
    /// # Errors
    /// The engine's or the encoder's error, once; the pieces before it are then an incomplete file.
    ///
    /// # Cancel safety
    /// A dropped future loses nothing: the piece is delivered by the next call.
    pub async fn next(&mut self) -> Option<Result<Bytes, EngineError>> {
        if self.ended {
            return None;
        }
        match self.messages.recv().await {
            Some(Message::Piece(bytes)) => Some(Ok(bytes)),
            Some(Message::Failed(error)) => {
                self.ended = true;
                Some(Err(error))
            }
            Some(Message::Finished(outcome)) => {
                self.ended = true;
                self.outcome = Some(outcome);
                None
            }
            None => {
                self.ended = true;
                Some(Err(EngineError::Internal(
                    "the engine thread dropped the job".to_owned(),
                )))
            }
        }
    }

    /// How the job went: present once [`Self::next`] has returned `None` without an error before it.
    #[must_use]
    pub fn outcome(&self) -> Option<&SpeechOutcome> {
        self.outcome.as_ref()
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Message::Piece(bytes) => write!(f, "Piece({} bytes)", bytes.len()),
            Message::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Message::Finished(outcome) => f.debug_tuple("Finished").field(outcome).finish(),
        }
    }
}

//! The one error type of the crate.

use crate::format::AudioFormat;

/// Why audio could not be encoded, decoded or described.
///
/// Every message is one sentence that may be shown to the person who asked for the audio.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The output rate is not one of [`SUPPORTED_SAMPLE_RATES`](crate::SUPPORTED_SAMPLE_RATES).
    #[error(
        "the sample rate {0} Hz is not supported; choose 8000, 16000, 22050, 24000, 44100 or 48000"
    )]
    UnsupportedSampleRate(u32),
    /// The input rate (an engine's own) is outside 4 kHz to 192 kHz.
    #[error("audio at {0} Hz cannot be resampled; the source must have 4000 to 192000 Hz")]
    UnsupportedInputRate(u32),
    /// A program or library that this format needs is not installed.
    #[error("{format} needs {tool}, which is not installed here; {remedy}")]
    ToolMissing {
        /// The format asked for.
        format: AudioFormat,
        /// What is missing.
        tool: &'static str,
        /// How to install it, as the rest of a sentence.
        remedy: &'static str,
    },
    /// An encoder, or the process that does its work, reported a failure.
    #[error("the {format} encoder failed: {detail}")]
    Encoder {
        /// The format asked for.
        format: AudioFormat,
        /// What the encoder said.
        detail: String,
    },
    /// The encoder was used after `finish`.
    #[error("the encoder has already been finished")]
    Finished,
    /// The bytes are not a file this crate can decode.
    #[error("the audio cannot be decoded: {0}")]
    Malformed(String),
}

impl AudioError {
    pub(crate) fn encoder(format: AudioFormat, detail: impl std::fmt::Display) -> Self {
        Self::Encoder {
            format,
            detail: detail.to_string(),
        }
    }
}

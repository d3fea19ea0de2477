//! Audio between an engine's samples and a client's bytes: formats, resampling, encoders, measurements.
//!
//! The crate is synchronous and does no I/O of its own; the one exception is AAC (and MP3 where libmp3lame is not
//! installed), which is encoded by an `ffmpeg` child process. Everything is mono: an engine speaks with one voice, and
//! every wire format of the product is one channel. It knows nothing of engines, requests or HTTP beyond the media type
//! of a format.
//!
//! ```
//! use voxgate_audio::{AudioFormat, Encoder, OutputSpec};
//!
//! let spec = OutputSpec::new(AudioFormat::Wav, 16_000)?;
//! let mut encoder = Encoder::new(spec, 24_000)?;
//! let mut bytes = Vec::new();
//! encoder.push(&[0.0; 24_000], &mut bytes)?;
//! let summary = encoder.finish(&mut bytes)?;
//! voxgate_audio::finalise(AudioFormat::Wav, &mut bytes);
//! assert_eq!(summary.duration_ms, 1_000);
//! assert_eq!(bytes.len(), 44 + 16_000 * 2);
//! # Ok::<(), voxgate_audio::AudioError>(())
//! ```

pub mod decode;
mod encode;
mod error;
mod format;
pub mod measure;
mod resample;

pub use encode::{EncodedSummary, Encoder, finalise, wav};
pub use error::AudioError;
pub use format::{AudioFormat, OutputSpec, SUPPORTED_SAMPLE_RATES, UnknownFormat};
pub use resample::Resampler;

/// The version of the MP3 encoder library in use, or why there is none; for diagnosis.
///
/// # Errors
/// Where libmp3lame is not installed.
pub fn mp3_encoder_version() -> Result<String, voxgate_lame::LameError> {
    voxgate_lame::version()
}

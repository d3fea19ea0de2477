//! MP3 through the system's libmp3lame, or through an `ffmpeg` process where the library is missing.
//!
//! The pure-Rust encoder crates were looked at and not taken: `oxideav-mp3` 0.1 (MIT) holds every frame back until the
//! end of the stream and has no masking model below 32 kHz, where speech lives; `shine-rs` is LGPL like LAME itself.

use voxgate_lame::{Lame, LameError};

use super::{Codec, ffmpeg::Ffmpeg};
use crate::{error::AudioError, format::AudioFormat};

/// An encoder for MP3, the best that this machine has.
pub(super) fn open(sample_rate_hz: u32) -> Result<Box<dyn Codec>, AudioError> {
    match Lame::new(sample_rate_hz, kbit_s(sample_rate_hz)) {
        Ok(lame) => Ok(Box::new(Mp3 { lame })),
        Err(LameError::NotInstalled(_)) => {
            match Ffmpeg::mp3(sample_rate_hz, kbit_s(sample_rate_hz)) {
                Ok(ffmpeg) => Ok(Box::new(ffmpeg)),
                Err(AudioError::ToolMissing { .. }) => Err(AudioError::ToolMissing {
                    format: AudioFormat::Mp3,
                    tool: "libmp3lame",
                    remedy: "install it (Debian and Ubuntu: `apt install libmp3lame0`, macOS: `brew install lame`) or install ffmpeg",
                }),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(AudioError::encoder(AudioFormat::Mp3, error)),
    }
}

/// Constant bit rate in kbit/s that is transparent for one voice at a sample rate.
fn kbit_s(sample_rate_hz: u32) -> u32 {
    match sample_rate_hz {
        0..=8_000 => 32,
        8_001..=16_000 => 48,
        16_001..=24_000 => 64,
        _ => 96,
    }
}

struct Mp3 {
    lame: Lame,
}

impl Codec for Mp3 {
    fn begin(&mut self, _out: &mut Vec<u8>) -> Result<(), AudioError> {
        Ok(())
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError> {
        self.lame
            .encode(samples, out)
            .map_err(|error| AudioError::encoder(AudioFormat::Mp3, error))
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        self.lame
            .finish(out)
            .map_err(|error| AudioError::encoder(AudioFormat::Mp3, error))
    }
}

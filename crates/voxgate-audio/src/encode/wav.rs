//! RIFF WAVE with 16-bit PCM: a header that can be streamed, and its correction once all bytes are known.

use super::{Codec, pcm::Pcm};
use crate::error::AudioError;

/// Bytes before the first sample.
pub const HEADER_BYTES: usize = 44;

/// What stands for both sizes while the length is not known. ffmpeg, browsers and sox read to the end of the stream.
const UNKNOWN_SIZE: u32 = u32::MAX;

pub(super) struct Wav {
    sample_rate_hz: u32,
}

impl Wav {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self { sample_rate_hz }
    }
}

impl Codec for Wav {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        out.extend_from_slice(&header(self.sample_rate_hz));
        Ok(())
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError> {
        Pcm.encode(samples, out)
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), AudioError> {
        Ok(())
    }
}

/// The 44-byte header of a mono 16-bit stream whose length is not known yet.
#[must_use]
pub fn header(sample_rate_hz: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        header[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"RIFF");
    put(&UNKNOWN_SIZE.to_le_bytes());
    put(b"WAVEfmt ");
    put(&16_u32.to_le_bytes());
    put(&1_u16.to_le_bytes()); // WAVE_FORMAT_PCM
    put(&1_u16.to_le_bytes()); // channels
    put(&sample_rate_hz.to_le_bytes());
    put(&(sample_rate_hz * 2).to_le_bytes()); // bytes a second
    put(&2_u16.to_le_bytes()); // bytes a frame
    put(&16_u16.to_le_bytes()); // bits a sample
    put(b"data");
    put(&UNKNOWN_SIZE.to_le_bytes());
    header
}

/// Writes the right sizes into the header of a complete file that [`header`] began. Bytes that are no such file, or one
/// longer than the format's 4 GiB, are left alone.
pub fn patch_header(complete: &mut [u8]) {
    if complete.len() < HEADER_BYTES || &complete[..4] != b"RIFF" || &complete[36..40] != b"data" {
        return;
    }
    let Ok(riff) = u32::try_from(complete.len() - 8) else {
        return;
    };
    let data = riff - (HEADER_BYTES as u32 - 8);
    complete[4..8].copy_from_slice(&riff.to_le_bytes());
    complete[40..44].copy_from_slice(&data.to_le_bytes());
}

//! Headerless 16-bit little-endian samples, and the quantiser that every 16-bit format shares.

use super::Codec;
use crate::error::AudioError;

/// Rounds a sample in −1.0..=1.0 to 16 bits: plain rounding, no dither. Speech at 16 bit has a noise floor far above the
/// quantiser's, and without dither the same samples give the same bytes.
pub(super) fn quantise(sample: f32) -> i16 {
    // `as` saturates, which is what a value beyond full scale needs.
    (sample * f32::from(i16::MAX)).round() as i16
}

pub(super) struct Pcm;

impl Codec for Pcm {
    fn begin(&mut self, _out: &mut Vec<u8>) -> Result<(), AudioError> {
        Ok(())
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError> {
        out.reserve(samples.len() * 2);
        out.extend(
            samples
                .iter()
                .flat_map(|&sample| quantise(sample).to_le_bytes()),
        );
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), AudioError> {
        Ok(())
    }
}

//! G.711 µ-law and A-law (ITU-T G.711, the algorithm of its reference code in ITU-T G.191).

use super::{Codec, pcm::quantise};
use crate::error::AudioError;

pub(super) struct G711 {
    compress: fn(i16) -> u8,
}

impl G711 {
    pub(super) fn ulaw() -> Self {
        Self {
            compress: linear_to_ulaw,
        }
    }

    pub(super) fn alaw() -> Self {
        Self {
            compress: linear_to_alaw,
        }
    }
}

impl Codec for G711 {
    fn begin(&mut self, _out: &mut Vec<u8>) -> Result<(), AudioError> {
        Ok(())
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError> {
        out.extend(
            samples
                .iter()
                .map(|&sample| (self.compress)(quantise(sample))),
        );
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), AudioError> {
        Ok(())
    }
}

/// A 16-bit sample as µ-law.
pub(super) fn linear_to_ulaw(sample: i16) -> u8 {
    // 14-bit magnitude, biased so that the segment is the position of the leading one; all bits inverted on the wire.
    const BIAS: u16 = 33;
    const CLIP: u16 = 0x1FFF;
    let negative = sample < 0;
    // One's complement for negatives, as the reference does: −1 and 0 are the two zeros.
    let magnitude = if negative { !sample } else { sample } as u16 >> 2;
    let biased = (magnitude + BIAS).min(CLIP);
    let segment = 10 - biased.leading_zeros().min(10) as u16;
    let segment = segment.clamp(0, 7);
    let mantissa = (biased >> (segment + 1)) & 0x0F;
    let code = (segment << 4 | mantissa) as u8;
    let sign = if negative { 0x00 } else { 0x80 };
    (!code & 0x7F) | sign
}

/// A 16-bit sample as A-law, even bits inverted as on the wire.
pub(super) fn linear_to_alaw(sample: i16) -> u8 {
    let negative = sample < 0;
    let magnitude = if negative { !sample } else { sample } as u16 >> 4;
    let code = if magnitude < 16 {
        magnitude
    } else {
        let segment = 12 - magnitude.leading_zeros() as u16;
        (segment << 4) | ((magnitude >> (segment - 1)) & 0x0F)
    } as u8;
    let sign = if negative { 0x00 } else { 0x80 };
    (code | sign) ^ 0x55
}

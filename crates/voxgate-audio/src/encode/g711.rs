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

/// The 16-bit sample a µ-law code stands for.
pub(crate) fn ulaw_to_linear(code: u8) -> i16 {
    let code = !code;
    let (segment, mantissa) = ((code >> 4) & 0x07, i16::from(code & 0x0F));
    let magnitude = (((mantissa << 1) + 33) << segment) - 33;
    let sample = magnitude << 2;
    if code & 0x80 == 0 { sample } else { -sample }
}

/// The 16-bit sample an A-law code stands for.
pub(crate) fn alaw_to_linear(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, mantissa) = ((code >> 4) & 0x07, i16::from(code & 0x0F));
    let magnitude = match segment {
        0 => (mantissa << 1) + 1,
        segment => ((mantissa << 1) + 33) << (segment - 1),
    };
    let sample = magnitude << 3;
    if code & 0x80 == 0 { -sample } else { sample }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_and_every_code_agree_with_an_independent_implementation() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(
                linear_to_ulaw(sample),
                audio_codec_algorithms::encode_ulaw(sample),
                "µ-law of {sample}"
            );
            assert_eq!(
                linear_to_alaw(sample),
                audio_codec_algorithms::encode_alaw(sample),
                "A-law of {sample}"
            );
        }
        for code in 0..=u8::MAX {
            assert_eq!(
                ulaw_to_linear(code),
                audio_codec_algorithms::decode_ulaw(code),
                "µ-law {code}"
            );
            assert_eq!(
                alaw_to_linear(code),
                audio_codec_algorithms::decode_alaw(code),
                "A-law {code}"
            );
        }
    }
}

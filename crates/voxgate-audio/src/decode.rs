//! Reading back what the encoders write without a codec: WAV, raw PCM and G.711. Enough for self-tests and for playing a
//! result; compressed formats are not decoded here.

use crate::{
    encode::g711::{alaw_to_linear, ulaw_to_linear},
    error::AudioError,
    format::AudioFormat,
};

/// Mono samples with their rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Samples in −1.0..=1.0.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub sample_rate_hz: u32,
}

/// Decodes `bytes` of `format`; headerless formats are taken to be at `sample_rate_hz`.
///
/// # Errors
/// [`AudioError::Malformed`] for bytes that are not such a file, and for formats that need a codec.
pub fn decode(
    format: AudioFormat,
    sample_rate_hz: u32,
    bytes: &[u8],
) -> Result<Decoded, AudioError> {
    let samples = match format {
        AudioFormat::Wav => return wav(bytes),
        AudioFormat::Pcm => pcm16(bytes),
        AudioFormat::Ulaw => bytes
            .iter()
            .map(|&code| to_float(ulaw_to_linear(code)))
            .collect(),
        AudioFormat::Alaw => bytes
            .iter()
            .map(|&code| to_float(alaw_to_linear(code)))
            .collect(),
        other => {
            return Err(AudioError::Malformed(format!(
                "{other} is not decoded in-process"
            )));
        }
    };
    Ok(Decoded {
        samples,
        sample_rate_hz,
    })
}

/// Reads a mono 16-bit WAV, also one whose sizes were never filled in.
fn wav(bytes: &[u8]) -> Result<Decoded, AudioError> {
    let malformed = |what: &str| AudioError::Malformed(format!("WAV: {what}"));
    if bytes.len() < 12 || &bytes[..4] != b"RIFF" || &bytes[8..12] != b"WAVE" {
        return Err(malformed("no RIFF WAVE header"));
    }
    let mut sample_rate_hz = None;
    let mut rest = &bytes[12..];
    while let Some((head, body)) = rest.split_at_checked(8) {
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let chunk = &body[..size.min(body.len())];
        match &head[..4] {
            b"fmt " if chunk.len() >= 16 => {
                let word = |at: usize| u16::from_le_bytes([chunk[at], chunk[at + 1]]);
                if (word(0), word(2), word(14)) != (1, 1, 16) {
                    return Err(malformed("only mono 16-bit PCM is read"));
                }
                sample_rate_hz = Some(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
            }
            b"data" => {
                let sample_rate_hz =
                    sample_rate_hz.ok_or_else(|| malformed("data before format"))?;
                return Ok(Decoded {
                    samples: pcm16(chunk),
                    sample_rate_hz,
                });
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = body
            .get(size.saturating_add(size & 1)..)
            .unwrap_or_default();
    }
    Err(malformed("no data chunk"))
}

fn pcm16(bytes: &[u8]) -> Vec<f32> {
    bytes
        .chunks_exact(2)
        .map(|pair| to_float(i16::from_le_bytes([pair[0], pair[1]])))
        .collect()
}

fn to_float(sample: i16) -> f32 {
    f32::from(sample) / 32_768.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Encoder, OutputSpec, finalise};

    #[test]
    fn what_was_encoded_comes_back() {
        let ramp: Vec<f32> = (-500..500).map(|n| n as f32 / 600.0).collect();
        for (format, tolerance) in [
            (AudioFormat::Wav, 0.0001),
            (AudioFormat::Pcm, 0.0001),
            (AudioFormat::Ulaw, 0.03),
            (AudioFormat::Alaw, 0.03),
        ] {
            let mut encoder = Encoder::new(OutputSpec::new(format, 8_000).unwrap(), 8_000).unwrap();
            let mut bytes = Vec::new();
            encoder.push(&ramp, &mut bytes).unwrap();
            encoder.finish(&mut bytes).unwrap();
            let streamed = decode(format, 8_000, &bytes).unwrap();
            finalise(format, &mut bytes);
            assert_eq!(decode(format, 8_000, &bytes).unwrap(), streamed, "{format}");
            assert_eq!(streamed.samples.len(), ramp.len());
            for (wanted, got) in ramp.iter().zip(&streamed.samples) {
                assert!(
                    (wanted - got).abs() <= tolerance,
                    "{format}: {wanted} came back as {got}"
                );
            }
        }
    }

    #[test]
    fn broken_files_are_errors() {
        for bytes in [
            &b""[..],
            b"RIFF",
            b"RIFF\0\0\0\0WAVE",
            b"RIFF\0\0\0\0WAVEdata\xff\xff\xff\xff",
            b"OggS.........",
        ] {
            assert!(
                matches!(
                    decode(AudioFormat::Wav, 8_000, bytes),
                    Err(AudioError::Malformed(_))
                ),
                "{bytes:?}"
            );
        }
        assert!(decode(AudioFormat::Mp3, 8_000, b"").is_err());
    }
}

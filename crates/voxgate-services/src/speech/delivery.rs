//! How much of a text has reached somebody who left in the middle of a stream.
//!
//! The engine does not say which words a byte belongs to, so it is an estimate: bytes to audio by the format's nominal
//! rate, audio to words by an unhurried pace. It only decides what an interrupted stream is charged, errs on the caller's
//! side (the pace is at the slow end), and is never more than the text has.

use voxgate_audio::{AudioFormat, OutputSpec};
use voxgate_domain::Quantities;

/// Words per second of speech at speed 1.0: 120 per minute; narration is 130 to 180.
const WORDS_PER_SECOND: f64 = 2.0;

/// What `bytes` of a stream amount to.
pub(super) fn estimate(bytes: u64, spec: OutputSpec, speed: f32, asked: &Quantities) -> Quantities {
    #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 bytes")]
    let seconds = bytes as f64 / bytes_per_second(spec);
    let spoken = floor(seconds * WORDS_PER_SECOND * f64::from(speed)).min(asked.words);
    let share = |of: u64| (of * spoken).checked_div(asked.words).unwrap_or(0);
    Quantities {
        words: spoken,
        characters: share(asked.characters),
        tokens_in: share(asked.tokens_in),
        audio_ms_out: floor(seconds * 1000.0),
        bytes_out: bytes,
        ..Quantities::default()
    }
}

/// The usual number of bytes for a second of audio; for compressed formats at the high end, so that no more audio is
/// supposed than there is.
fn bytes_per_second(spec: OutputSpec) -> f64 {
    let rate = f64::from(spec.sample_rate_hz);
    match spec.format {
        AudioFormat::Wav | AudioFormat::Pcm | AudioFormat::Flac => rate * 2.0,
        AudioFormat::Ulaw | AudioFormat::Alaw => rate,
        AudioFormat::Mp3 | AudioFormat::Aac => 16_000.0,
        AudioFormat::Opus => 8_000.0,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is finite and not negative, and the cast saturates"
)]
fn floor(value: f64) -> u64 {
    value.max(0.0).floor() as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_delivered_is_nothing_charged_and_never_more_than_all() {
        let asked = Quantities {
            words: 500,
            characters: 3000,
            tokens_in: 750,
            ..Quantities::default()
        };
        for format in AudioFormat::ALL {
            let spec = OutputSpec::new(format, 24_000).unwrap();
            assert_eq!(estimate(0, spec, 1.0, &asked), Quantities::default());
            let all = estimate(u64::MAX, spec, 2.0, &asked);
            assert_eq!((all.words, all.characters, all.tokens_in), (500, 3000, 750));
        }
        let spec = OutputSpec::new(AudioFormat::Wav, 24_000).unwrap();
        let ten_seconds = estimate(480_000, spec, 1.0, &asked);
        assert_eq!((ten_seconds.words, ten_seconds.characters), (20, 120));
        assert_eq!(ten_seconds.audio_ms_out, 10_000);
    }
}

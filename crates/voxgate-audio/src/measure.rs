//! What a recording is like: level, loudness, silence, clipping. For self-tests, benchmarks and tests, not for the
//! path of a request.

use std::time::Duration;

use ebur128::{EbuR128, Mode};

/// A window whose loudest sample is below this counts as silent: −50 dBFS, well under the noise floor of a spoken pause.
const SILENCE_PEAK: f32 = 0.003_162;

/// Length of the windows in which silence is looked for.
const WINDOW_MS: u32 = 10;

/// A sample at or beyond this is clipped: the last two steps of 16-bit full scale.
const CLIPPED: f32 = 32_766.0 / 32_768.0;

/// The measurements of one mono recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// Length of the recording.
    pub duration: Duration,
    /// The largest magnitude, 1.0 at full scale, NaN and infinities left out.
    pub peak: f32,
    /// Root mean square in dB below full scale; negative infinity for silence.
    pub rms_dbfs: f64,
    /// Integrated loudness by ITU-R BS.1770-4 in LUFS; `None` where the recording is silent or shorter than its 0.4 s
    /// window.
    pub loudness_lufs: Option<f64>,
    /// The longest pause between the first and the last sound, in steps of 10 ms.
    pub longest_inner_silence: Duration,
    /// Samples at full scale.
    pub clipped_samples: usize,
    /// Samples that are NaN or infinite.
    pub non_finite_samples: usize,
}

/// Measures mono samples at a rate in Hz. A rate of zero measures as an empty recording would.
#[must_use]
pub fn measure(samples: &[f32], sample_rate_hz: u32) -> Measurement {
    let finite = || samples.iter().copied().filter(|sample| sample.is_finite());
    let finite_count = finite().count();
    let energy: f64 = finite().map(|sample| f64::from(sample).powi(2)).sum();
    let duration = match sample_rate_hz {
        0 => Duration::ZERO,
        rate => Duration::from_secs_f64(samples.len() as f64 / f64::from(rate)),
    };
    Measurement {
        duration,
        peak: finite().fold(0.0, |peak, sample| peak.max(sample.abs())),
        rms_dbfs: 10.0 * (energy / finite_count.max(1) as f64).log10(),
        loudness_lufs: loudness(samples, sample_rate_hz),
        longest_inner_silence: longest_inner_silence(samples, sample_rate_hz),
        clipped_samples: finite().filter(|sample| sample.abs() >= CLIPPED).count(),
        non_finite_samples: samples.len() - finite_count,
    }
}

fn loudness(samples: &[f32], sample_rate_hz: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, sample_rate_hz, Mode::I).ok()?;
    let mut clean = Vec::with_capacity(samples.len().min(sample_rate_hz as usize));
    for piece in samples.chunks(sample_rate_hz.max(1) as usize) {
        clean.clear();
        clean.extend(
            piece
                .iter()
                .map(|&sample| if sample.is_finite() { sample } else { 0.0 }),
        );
        meter.add_frames_f32(&clean).ok()?;
    }
    meter
        .loudness_global()
        .ok()
        .filter(|loudness| loudness.is_finite())
}

fn longest_inner_silence(samples: &[f32], sample_rate_hz: u32) -> Duration {
    let window = (sample_rate_hz / (1_000 / WINDOW_MS)).max(1) as usize;
    let (mut longest, mut current, mut sounded) = (0_u32, 0_u32, false);
    for piece in samples.chunks(window) {
        // NaN compares false and so counts as silence, as the encoder makes of it.
        if piece.iter().any(|sample| sample.abs() >= SILENCE_PEAK) {
            if sounded {
                longest = longest.max(current);
            }
            (current, sounded) = (0, true);
        } else {
            current += 1;
        }
    }
    Duration::from_millis(u64::from(longest) * u64::from(WINDOW_MS))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::f32::consts::TAU;

    use super::*;

    fn tone(rate: u32, hz: f32, amplitude: f32, seconds: f32) -> Vec<f32> {
        (0..(rate as f32 * seconds) as usize)
            .map(|n| amplitude * (TAU * hz * n as f32 / rate as f32).sin())
            .collect()
    }

    #[test]
    fn a_full_scale_tone_at_997_hz_is_minus_3_lufs() {
        // The calibration point of BS.1770: 997 Hz at 0 dBFS in one channel reads −3.01 LKFS.
        let measured = measure(&tone(48_000, 997.0, 1.0, 3.0), 48_000);
        assert!(
            (measured.loudness_lufs.unwrap() + 3.01).abs() < 0.05,
            "{measured:?}"
        );
        assert!((measured.rms_dbfs + 3.01).abs() < 0.01, "{measured:?}");
        assert!(measured.clipped_samples > 0);
        let quieter = measure(&tone(24_000, 997.0, 0.1, 3.0), 24_000);
        assert!(
            (quieter.loudness_lufs.unwrap() + 23.01).abs() < 0.1,
            "{quieter:?}"
        );
        assert_eq!(quieter.clipped_samples, 0);
    }

    #[test]
    fn only_silence_between_sounds_counts() {
        let (beep, gap) = (tone(16_000, 440.0, 0.3, 0.2), vec![0.0; 16_000]);
        let recording = [
            gap.clone(),
            gap.clone(),
            beep.clone(),
            gap[..8_000].to_vec(),
            beep,
            gap,
        ]
        .concat();
        assert_eq!(
            measure(&recording, 16_000).longest_inner_silence,
            Duration::from_millis(500)
        );
    }

    #[test]
    fn empty_silent_and_broken_input_is_measured_too() {
        let empty = measure(&[], 24_000);
        assert_eq!((empty.peak, empty.loudness_lufs), (0.0, None));
        assert_eq!(measure(&[0.0; 48_000], 24_000).rms_dbfs, f64::NEG_INFINITY);
        let broken = measure(&[f32::NAN, 0.5, f32::INFINITY], 24_000);
        assert_eq!((broken.non_finite_samples, broken.peak), (2, 0.5));
        assert_eq!(measure(&[0.5], 0).duration, Duration::ZERO);
    }
}

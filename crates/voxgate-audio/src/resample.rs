//! Streaming sample-rate conversion of one channel.
//!
//! Synchronous FFT resampling (rubato), cut into fixed blocks that lie on a grid counted from the start of the stream.
//! The output therefore does not depend on how the input was cut into chunks: not by one bit.

use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::SequentialSlice};

use crate::error::AudioError;

/// Samples of the lower of the two rates in one FFT block. The block sets how steep the anti-alias filter is (512 keep
/// 93 % of the band) and how much audio waits for the block to fill (64 ms at 8 kHz, 11 ms at 48 kHz).
const BLOCK_AT_LOWER_RATE: usize = 512;

/// Converts mono samples from one rate to another, chunk by chunk.
///
/// The filter's delay is removed and the end is padded, so the output has exactly
/// `round(samples_in × output_rate / input_rate)` samples and lines up with the input. Equal rates copy.
pub struct Resampler {
    input_rate_hz: u32,
    output_rate_hz: u32,
    samples_in: u64,
    samples_out: u64,
    converter: Option<Converter>,
}

struct Converter {
    fft: Fft<f32>,
    /// Input waiting for a full block.
    pending: Vec<f32>,
    block_in: usize,
    block_out: Vec<f32>,
    /// Output samples of filter delay still to be dropped.
    delay_left: usize,
}

impl Resampler {
    /// A resampler between two rates in Hz.
    ///
    /// # Errors
    /// [`AudioError::UnsupportedInputRate`] where either rate is outside 4 kHz to 192 kHz.
    pub fn new(input_rate_hz: u32, output_rate_hz: u32) -> Result<Self, AudioError> {
        for rate in [input_rate_hz, output_rate_hz] {
            if !(4_000..=192_000).contains(&rate) {
                return Err(AudioError::UnsupportedInputRate(rate));
            }
        }
        let converter = if input_rate_hz == output_rate_hz {
            None
        } else {
            Some(Converter::new(input_rate_hz, output_rate_hz)?)
        };
        Ok(Self {
            input_rate_hz,
            output_rate_hz,
            samples_in: 0,
            samples_out: 0,
            converter,
        })
    }

    /// Takes samples and appends what can be converted so far to `out`.
    ///
    /// # Errors
    /// [`AudioError::Malformed`] if the FFT refuses its buffers, which their fixed sizes rule out.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        self.samples_in += samples.len() as u64;
        let before = out.len();
        match &mut self.converter {
            None => out.extend_from_slice(samples),
            Some(converter) => converter.push(samples, out)?,
        }
        self.samples_out += (out.len() - before) as u64;
        Ok(())
    }

    /// Flushes the filter: appends the samples still owed. The resampler then starts a new stream.
    ///
    /// # Errors
    /// As [`Resampler::push`].
    pub fn finish(&mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        if let Some(converter) = &mut self.converter {
            let due = scale_round(self.samples_in, self.output_rate_hz, self.input_rate_hz);
            let mut missing =
                usize::try_from(due - self.samples_out.min(due)).unwrap_or(usize::MAX);
            // What came out early cannot exceed what is due: a block leaves only once its whole input is in, and the
            // delay is then still inside. Silence pushes the rest out.
            while missing > 0 {
                let before = out.len();
                converter.pad_block(out)?;
                let produced = out.len() - before;
                if produced > missing {
                    out.truncate(before + missing);
                }
                missing -= produced.min(missing);
            }
            converter.reset();
        }
        self.samples_in = 0;
        self.samples_out = 0;
        Ok(())
    }
}

impl Converter {
    fn new(input_rate_hz: u32, output_rate_hz: u32) -> Result<Self, AudioError> {
        let (input, output) = (input_rate_hz as usize, output_rate_hz as usize);
        // A whole number of periods of both rates, and an even one: the filter's delay is half a block and must be a
        // whole number of samples on either side, or the output would sit half a sample off.
        let period_in = input / gcd(input, output) * 2;
        let wanted_in = (BLOCK_AT_LOWER_RATE * input)
            .div_ceil(input.min(output))
            .next_multiple_of(period_in);
        let fft = Fft::new_custom(
            input,
            output,
            wanted_in,
            1,
            1,
            rubato::WindowFunction::BlackmanHarris2,
            FixedSync::Both,
        )
        .map_err(|error| {
            AudioError::Malformed(format!("no resampler from {input} to {output} Hz: {error}"))
        })?;
        let (block_in, block_out) = (fft.input_frames_next(), fft.output_frames_next());
        Ok(Self {
            delay_left: fft.output_delay(),
            pending: Vec::with_capacity(block_in),
            block_in,
            block_out: vec![0.0; block_out],
            fft,
        })
    }

    fn push(&mut self, mut samples: &[f32], out: &mut Vec<f32>) -> Result<(), AudioError> {
        while self.pending.len() + samples.len() >= self.block_in {
            let (head, tail) = samples.split_at(self.block_in - self.pending.len());
            self.pending.extend_from_slice(head);
            samples = tail;
            self.convert_pending(out)?;
        }
        self.pending.extend_from_slice(samples);
        Ok(())
    }

    fn pad_block(&mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        self.pending.resize(self.block_in, 0.0);
        self.convert_pending(out)
    }

    fn convert_pending(&mut self, out: &mut Vec<f32>) -> Result<(), AudioError> {
        let refused = |error: &dyn std::fmt::Display| {
            AudioError::Malformed(format!("resampling failed: {error}"))
        };
        let frames_out = self.block_out.len();
        let input = SequentialSlice::new(&self.pending, 1, self.block_in)
            .map_err(|error| refused(&error))?;
        let mut output = SequentialSlice::new_mut(&mut self.block_out, 1, frames_out)
            .map_err(|error| refused(&error))?;
        self.fft
            .process_into_buffer(&input, &mut output, None)
            .map_err(|error| refused(&error))?;
        self.pending.clear();
        let dropped = self.delay_left.min(frames_out);
        self.delay_left -= dropped;
        out.extend_from_slice(&self.block_out[dropped..]);
        Ok(())
    }

    fn reset(&mut self) {
        self.fft.reset();
        self.pending.clear();
        self.delay_left = self.fft.output_delay();
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// `round(value × numerator / denominator)`, half up, without overflow for any stream length.
pub(crate) fn scale_round(value: u64, numerator: u32, denominator: u32) -> u64 {
    let scaled = (u128::from(value) * u128::from(numerator) + u128::from(denominator / 2))
        / u128::from(denominator);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::f64::consts::TAU;

    use proptest::prelude::*;

    use super::*;

    const RATES: [u32; 6] = crate::SUPPORTED_SAMPLE_RATES;

    fn convert(
        input: u32,
        output: u32,
        samples: &[f32],
        chunk: impl Fn(usize) -> usize,
    ) -> Vec<f32> {
        let mut resampler = Resampler::new(input, output).unwrap();
        let (mut out, mut rest, mut turn) = (Vec::new(), samples, 0);
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(chunk(turn).clamp(1, rest.len()));
            resampler.push(head, &mut out).unwrap();
            (rest, turn) = (tail, turn + 1);
        }
        resampler.finish(&mut out).unwrap();
        out
    }

    /// A sine whose frequency rises exponentially from 50 Hz to `top_hz` in `seconds`, sampled at `rate`.
    fn sweep(rate: u32, top_hz: f64, seconds: f64) -> Vec<f32> {
        let growth = (top_hz / 50.0).ln() / seconds;
        (0..(f64::from(rate) * seconds) as usize)
            .map(|n| {
                let t = n as f64 / f64::from(rate);
                (0.5 * (TAU * 50.0 * ((growth * t).exp() - 1.0) / growth).sin()) as f32
            })
            .collect()
    }

    /// Signal to noise in dB of `got` against `wanted`.
    fn snr(wanted: &[f32], got: &[f32]) -> f64 {
        let signal: f64 = wanted.iter().map(|&x| f64::from(x).powi(2)).sum();
        let noise: f64 = wanted
            .iter()
            .zip(got)
            .map(|(&x, &y)| f64::from(x - y).powi(2))
            .sum();
        10.0 * (signal / noise.max(1e-30)).log10()
    }

    #[test]
    fn a_sweep_lands_where_it_belongs_at_every_pair_of_rates() {
        for input in RATES {
            for output in RATES {
                let top = f64::from(input.min(output)) * 0.43;
                let got = convert(input, output, &sweep(input, top, 1.0), |_| usize::MAX);
                let wanted = sweep(output, top, 1.0);
                assert_eq!(got.len(), wanted.len(), "{input} to {output}");
                // The sweep stops abruptly at its end, which no band-limited filter can follow: leave out the last 3 %.
                let judged = wanted.len() * 97 / 100;
                let snr = snr(&wanted[..judged], &got[..judged]);
                assert!(snr > 60.0, "{input} to {output}: {snr:.1} dB");
            }
        }
    }

    #[test]
    fn frequencies_above_the_new_band_are_removed() {
        let tone: Vec<f32> = (0..48_000)
            .map(|n| (TAU * 7_000.0 * f64::from(n) / 48_000.0).sin() as f32)
            .collect();
        let got = convert(48_000, 8_000, &tone, |_| 1_000);
        let peak = got[200..7_800]
            .iter()
            .fold(0.0_f32, |peak, x| peak.max(x.abs()));
        assert!(peak < 0.001, "a 7 kHz tone left {peak} at 8 kHz");
    }

    #[test]
    fn equal_rates_copy_and_empty_streams_stay_empty() {
        let samples = [0.1, -0.2, 0.3];
        assert_eq!(convert(24_000, 24_000, &samples, |_| 1), samples);
        assert_eq!(convert(24_000, 48_000, &[], |_| 1), Vec::<f32>::new());
    }

    #[test]
    fn a_finished_resampler_starts_afresh() {
        let tone = sweep(22_050, 5_000.0, 0.3);
        let mut resampler = Resampler::new(22_050, 16_000).unwrap();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for out in [&mut first, &mut second] {
            resampler.push(&tone, out).unwrap();
            resampler.finish(out).unwrap();
        }
        assert_eq!(first, second);
    }

    #[test]
    fn odd_rates_are_refused() {
        for (input, output) in [(0, 8_000), (8_000, 0), (1_000, 8_000), (400_000, 8_000)] {
            assert!(matches!(
                Resampler::new(input, output),
                Err(AudioError::UnsupportedInputRate(_))
            ));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn chunking_changes_nothing(
            input in prop::sample::select(&RATES),
            output in prop::sample::select(&RATES),
            length in 0_usize..6_000,
            chunks in prop::collection::vec(1_usize..3_000, 1..8),
        ) {
            let samples: Vec<f32> = (0..length).map(|n| ((n * n % 977) as f32 / 977.0) - 0.5).collect();
            let whole = convert(input, output, &samples, |_| usize::MAX);
            let pieces = convert(input, output, &samples, |turn| chunks[turn % chunks.len()]);
            prop_assert_eq!(&whole, &pieces);
            prop_assert_eq!(whole.len() as u64, scale_round(length as u64, output, input));
        }
    }
}

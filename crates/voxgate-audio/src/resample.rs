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
        let wanted_in = (BLOCK_AT_LOWER_RATE * input).div_ceil(input.min(output));
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

/// `round(value × numerator / denominator)`, half up, without overflow for any stream length.
pub(crate) fn scale_round(value: u64, numerator: u32, denominator: u32) -> u64 {
    let scaled = (u128::from(value) * u128::from(numerator) + u128::from(denominator / 2))
        / u128::from(denominator);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

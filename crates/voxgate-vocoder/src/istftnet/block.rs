//! A residual block: three times normalisation → snake → convolution, twice, added to what went in.
//!
//! Owns the fusion. A block of rows is normalised and bent, quantised where the convolution is one of bytes, convolved,
//! and its moments taken for the next normalisation, all while it is in the cache.

use super::{Plane, Stopped};
use crate::conv::{Conv, ConvWeights, Output};
use crate::error::ShapeError;
use crate::isa::Isa;
use crate::kernel::int8::{ByteRun, GROUP};
use crate::kernel::lines::{ByteLines, Lines};
use crate::kernel::{PANEL, pointwise};

/// Rows computed at once. A few times the reach of the widest convolution, few enough for the cache.
const ROWS: usize = 224;

/// A convolution's weights in 8 bits.
#[derive(Debug, Clone, PartialEq)]
pub struct ByteWeights {
    /// In the order of [`ConvWeights::weights`].
    pub values: Vec<i8>,
    /// What one step is.
    pub scale: f32,
}

/// A convolution behind a normalisation and a snake activation, `y + sin²(alpha · y) / alpha`.
#[derive(Debug, Clone, PartialEq)]
pub struct AdaptiveConv {
    /// Added to the variance.
    pub epsilon: f32,
    /// The activation's frequency, per channel.
    pub alpha: Vec<f32>,
    /// The factor of its wave, per channel: 1 / alpha.
    pub height: Vec<f32>,
    /// The convolution.
    pub conv: ConvWeights,
    /// The same weights in 8 bits, where they were made of these.
    pub bytes: Option<ByteWeights>,
}

/// Pairs of convolutions; what a pair makes is added to what it read.
#[derive(Debug, Clone, PartialEq)]
pub struct ResidualBlock {
    /// In order.
    pub pairs: Vec<[AdaptiveConv; 2]>,
}

/// What a voice makes of one normalisation: `normalised · gain + shift`, per channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Style {
    /// Factor of each channel.
    pub gain: Vec<f32>,
    /// What is added to each channel.
    pub shift: Vec<f32>,
}

impl ResidualBlock {
    /// Channels throughout the block; `None` when they differ or there are none.
    pub(super) fn channels(&self) -> Option<usize> {
        let channels = self.pairs.first()?[0].conv.shape[0];
        self.pairs
            .iter()
            .flatten()
            .all(|step| step.conv.shape[..2] == [channels; 2])
            .then_some(channels)
    }
}

#[derive(Debug)]
pub(super) struct Block {
    pairs: Vec<[Step; 2]>,
    channels: usize,
}

#[derive(Debug)]
struct Step {
    epsilon: f32,
    alpha: Vec<f32>,
    height: Vec<f32>,
    kernel: Kernel,
    dilation: usize,
    taps: usize,
}

#[derive(Debug)]
enum Kernel {
    Float(Conv),
    Bytes {
        /// Per panel `[taps][groups][PANEL][GROUP]`.
        panels: Vec<ByteLines>,
        scale: f32,
        bias: Vec<f32>,
        /// Sum of each output channel's weights: what a zero that is not byte 0 adds.
        sums: Vec<f32>,
    },
}

/// Mean and variance of each channel, from sums.
pub(super) struct Moments {
    sums: Vec<f64>,
    squares: Vec<f64>,
    rows: usize,
}

impl Moments {
    fn new(stride: usize) -> Self {
        Self {
            sums: vec![0.0; stride],
            squares: vec![0.0; stride],
            rows: 0,
        }
    }

    pub(super) fn of(plane: &Plane, isa: Isa) -> Self {
        let mut moments = Self::new(plane.stride);
        for first in (0..plane.rows).step_by(ROWS) {
            let count = ROWS.min(plane.rows - first);
            moments.add(isa, &plane.row(first)[..count * plane.stride]);
        }
        moments
    }

    /// Adds rows, few enough that sums of f32 are exact to a few units in the last place.
    fn add(&mut self, isa: Isa, rows: &[f32]) {
        let stride = self.sums.len();
        let (mut sums, mut squares) = (vec![0.0_f32; stride], vec![0.0_f32; stride]);
        pointwise::moments(isa, rows, &mut sums, &mut squares);
        for (all, part) in self.sums.iter_mut().zip(sums) {
            *all += f64::from(part);
        }
        for (all, part) in self.squares.iter_mut().zip(squares) {
            *all += f64::from(part);
        }
        self.rows += rows.len() / stride;
    }

    /// Factor and shift of each channel that normalise and style it; zeros for the padding of the rows.
    fn affine(&self, epsilon: f32, style: &Style) -> (Vec<f32>, Vec<f32>) {
        let rows = self.rows.max(1) as f64;
        let mut factors = vec![0.0; self.sums.len()];
        let mut shifts = vec![0.0; self.sums.len()];
        for (c, (&gain, &shift)) in style.gain.iter().zip(&style.shift).enumerate() {
            let mean = self.sums[c] / rows;
            let variance = (self.squares[c] / rows - mean * mean).max(0.0);
            let factor = f64::from(gain) / (variance + f64::from(epsilon)).sqrt();
            factors[c] = factor as f32;
            shifts[c] = (f64::from(shift) - mean * factor) as f32;
        }
        (factors, shifts)
    }
}

/// Buffers of one computation.
pub(super) struct Scratch {
    isa: Isa,
    /// Bent rows of the block at work.
    bent: Lines,
    bytes: Vec<u8>,
}

impl Scratch {
    pub(super) fn new(isa: Isa) -> Self {
        Self {
            isa,
            bent: Lines::default(),
            bytes: Vec::new(),
        }
    }
}

/// Where a step's result goes.
struct Target<'a> {
    residual: Option<&'a Plane>,
    out: &'a mut Plane,
    accumulate: bool,
    scale: f32,
}

impl Block {
    pub(super) fn new(from: &ResidualBlock, bytes: bool) -> Result<Self, ShapeError> {
        let channels = from
            .channels()
            .ok_or_else(|| ShapeError("a block of changing channels".to_owned()))?;
        let pairs = from
            .pairs
            .iter()
            .map(|[first, second]| Ok([Step::new(first, bytes)?, Step::new(second, bytes)?]))
            .collect::<Result<_, ShapeError>>()?;
        Ok(Self { pairs, channels })
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Channels of each style it takes.
    pub(super) fn styles(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::repeat_n(self.channels, 2 * self.pairs.len())
    }

    /// `out = (block(x) [+ out]) · scale`, where `moments` are those of `x`.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn run(
        &self,
        x: &Plane,
        moments: &Moments,
        styles: &[Style],
        scratch: &mut Scratch,
        out: &mut Plane,
        accumulate: bool,
        scale: f32,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), Stopped> {
        let mut inner = Plane::new(x.rows, x.stride);
        // The pairs' results alternate between two planes.
        let mut kept: [Plane; 2] = Default::default();
        let mut through = x;
        let mut own: Option<Moments> = None;
        let mut rest = kept.as_mut_slice();
        let last = self.pairs.len() - 1;
        for (index, (pair, styles)) in self.pairs.iter().zip(styles.chunks_exact(2)).enumerate() {
            let target = Target {
                residual: None,
                out: &mut inner,
                accumulate: false,
                scale: 1.0,
            };
            let moments = own.as_ref().unwrap_or(moments);
            let between = pair[0].run(through, moments, &styles[0], scratch, target, go_on)?;
            if index == last {
                let target = Target {
                    residual: Some(through),
                    out: &mut *out,
                    accumulate,
                    scale,
                };
                pair[1].run(&inner, &between, &styles[1], scratch, target, go_on)?;
                break;
            }
            let Some((plane, others)) = rest.split_first_mut() else {
                break;
            };
            rest = others;
            *plane = Plane::new(x.rows, x.stride);
            let target = Target {
                residual: Some(through),
                out: plane,
                accumulate: false,
                scale: 1.0,
            };
            own = Some(pair[1].run(&inner, &between, &styles[1], scratch, target, go_on)?);
            through = plane;
        }
        Ok(())
    }
}

impl Step {
    fn new(from: &AdaptiveConv, bytes: bool) -> Result<Self, ShapeError> {
        let [outputs, channels, taps] = from.conv.shape;
        let reach = (taps.max(1) - 1) * from.conv.dilation;
        let whole = outputs % PANEL == 0
            && channels % PANEL == 0
            && from.alpha.len() == channels
            && from.height.len() == channels
            && 2 * from.conv.padding == reach;
        if !whole {
            return Err(ShapeError(format!(
                "a convolution of {:?} behind {} activations",
                from.conv.shape,
                from.alpha.len()
            )));
        }
        let kernel = match from.bytes.as_ref().filter(|_| bytes) {
            Some(weights) => Kernel::of_bytes(&from.conv, weights)?,
            None => Kernel::Float(Conv::new(&from.conv)?),
        };
        Ok(Self {
            epsilon: from.epsilon,
            alpha: from.alpha.clone(),
            height: from.height.clone(),
            kernel,
            dilation: from.conv.dilation,
            taps,
        })
    }

    /// Computes the step over the whole of `x` and answers the moments of what it wrote.
    fn run(
        &self,
        x: &Plane,
        moments: &Moments,
        style: &Style,
        scratch: &mut Scratch,
        target: Target<'_>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Moments, Stopped> {
        let (factor, shift) = moments.affine(self.epsilon, style);
        let snake = pointwise::Snake {
            factor: &factor,
            shift: &shift,
            alpha: &self.alpha,
            height: &self.height,
        };
        let stride = x.stride;
        let reach = (self.taps - 1) * self.dilation;
        let padding = reach / 2;
        let mut made = Moments::new(stride);
        scratch.bent.grow((ROWS + reach) * stride);
        // Rows of `x` in the scratch, from row `begin` on; before row 0 there is silence.
        let mut begin = -(padding as isize);
        let mut held = 0;
        for first in (0..x.rows).step_by(ROWS) {
            if !go_on() {
                return Err(Stopped);
            }
            let count = ROWS.min(x.rows - first);
            let bent = scratch.bent.as_mut_slice();
            // What the block before had read beyond itself is there already.
            let from = first as isize - padding as isize;
            let gone = (from - begin) as usize;
            bent.copy_within(gone * stride..held * stride, 0);
            held -= gone;
            begin = from;
            let needed = count + reach;
            while held < needed {
                let row = begin + held as isize;
                let to = match usize::try_from(row) {
                    Err(_) => held + (row.unsigned_abs()).min(needed - held),
                    Ok(row) if row < x.rows => held + (x.rows - row).min(needed - held),
                    Ok(_) => needed,
                };
                let rows = &mut bent[held * stride..to * stride];
                match usize::try_from(row) {
                    Ok(row) if row < x.rows => {
                        let read = &x.row(row)[..rows.len()];
                        pointwise::snake(scratch.isa, read, &snake, rows);
                    }
                    _ => rows.fill(0.0),
                }
                held = to;
            }
            let rows = &scratch.bent.as_slice()[..needed * stride];
            let residual = target.residual.map(|plane| plane.row(first));
            let at = first * stride;
            let raw = &mut target.out.numbers.as_mut_slice()[at..at + count * stride];
            match &self.kernel {
                Kernel::Float(conv) => {
                    let output = Output {
                        residual,
                        raw: Some(raw),
                        accumulate: target.accumulate,
                        scale: target.scale,
                        activated: None,
                    };
                    conv.run(scratch.isa, count, rows, conv.bias(), output);
                }
                Kernel::Bytes { .. } => {
                    let out = (raw, residual, target.accumulate, target.scale);
                    self.run_bytes(scratch.isa, rows, stride, count, &mut scratch.bytes, out);
                }
            }
            made.add(scratch.isa, &target.out.row(first)[..count * stride]);
        }
        Ok(made)
    }

    /// Quantises the rows and convolves the bytes.
    fn run_bytes(
        &self,
        isa: Isa,
        rows: &[f32],
        stride: usize,
        count: usize,
        bytes: &mut Vec<u8>,
        (raw, residual, accumulate, out_scale): (&mut [f32], Option<&[f32]>, bool, f32),
    ) {
        let Kernel::Bytes {
            panels,
            scale,
            bias,
            sums,
        } = &self.kernel
        else {
            return;
        };
        let mut range = [0.0; 2];
        pointwise::range(isa, rows, &mut range);
        let step = ((range[1] - range[0]) / 255.0).max(f32::MIN_POSITIVE);
        let zero = (-range[0] / step).round_ties_even().clamp(0.0, 255.0);
        bytes.resize(rows.len(), 0);
        pointwise::quantise(isa, rows, 1.0 / step, zero, bytes);
        let scale = scale * step;
        for (index, panel) in panels.iter().enumerate() {
            let column = index * PANEL;
            let mut shifted = [0.0_f32; PANEL];
            let columns = bias[column..].iter().zip(&sums[column..]);
            for (shifted, (bias, sum)) in shifted.iter_mut().zip(columns) {
                *shifted = bias - sum * zero * scale;
            }
            ByteRun {
                rows: count,
                input: bytes,
                row_stride: stride,
                tap_stride: self.dilation * stride,
                taps: self.taps,
                groups: stride / GROUP,
                weights: panel.as_slice(),
                bias: &shifted,
                scale,
                out_stride: stride,
                residual: residual.map(|rows| &rows[column..]),
                raw: &mut raw[column..],
                accumulate,
                out_scale,
            }
            .compute();
        }
    }
}

impl Kernel {
    fn of_bytes(conv: &ConvWeights, weights: &ByteWeights) -> Result<Self, ShapeError> {
        let [outputs, channels, taps] = conv.shape;
        if weights.values.len() != outputs * channels * taps || conv.bias.len() != outputs {
            return Err(ShapeError(format!(
                "{} bytes for a convolution of {:?}",
                weights.values.len(),
                conv.shape
            )));
        }
        let at = |output: usize, channel: usize, tap: usize| {
            weights.values[(output * channels + channel) * taps + tap]
        };
        let panels = (0..outputs)
            .step_by(PANEL)
            .map(|column| {
                let mut packed = Vec::with_capacity(taps * channels * PANEL);
                for tap in 0..taps {
                    for group in (0..channels).step_by(GROUP) {
                        for lane in 0..PANEL {
                            packed
                                .extend((group..group + GROUP).map(|c| at(column + lane, c, tap)));
                        }
                    }
                }
                ByteLines::of(&packed)
            })
            .collect();
        let sum = |values: &[i8]| values.iter().map(|&v| i32::from(v)).sum::<i32>() as f32;
        Ok(Self::Bytes {
            panels,
            scale: weights.scale,
            bias: conv.bias.clone(),
            sums: weights
                .values
                .chunks_exact(channels * taps)
                .map(sum)
                .collect(),
        })
    }
}

//! One-dimensional convolutions over rows of channels, with weights packed for the kernels.
//!
//! Owns the packing and the geometry: which input rows an output row reads. Dilated, transposed and one-channel
//! convolutions all become the same product (see [`crate::kernel`]), with what differs put into the packing:
//!
//! - A *transposed* convolution of stride s is s ordinary ones, one per phase. Row `t·s + phase` of the output lies, in
//!   memory, at column `phase·channels` of a wide row `t`: so it is one convolution with s times the channels, whose
//!   panels each have their own taps.
//! - A convolution to *one* channel would waste a panel; instead the panel holds consecutive output samples, and its
//!   weights are the kernel, shifted by one row for each.

#[cfg(test)]
mod tests;

use crate::error::ShapeError;
use crate::isa::Isa;
use crate::kernel::lines::Lines;
use crate::kernel::{PANEL, Run};

/// Weights of one convolution as models store them.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvWeights {
    /// `[out][in][taps]`; for a transposed convolution `[in][out][taps]`.
    pub weights: Vec<f32>,
    /// The three sizes of `weights`.
    pub shape: [usize; 3],
    /// One number per output channel; zeros where the model has none.
    pub bias: Vec<f32>,
    /// Rows between taps.
    pub dilation: usize,
    /// Rows of silence assumed before the first and after the last row; for a transposed convolution, rows cut off there.
    pub padding: usize,
}

/// Numbers from one row of a signal to the next: one channel is stored densely, several in whole panels.
pub(crate) fn stride_of(channels: usize) -> usize {
    if channels == 1 {
        1
    } else {
        channels.next_multiple_of(PANEL)
    }
}

/// A convolution that is ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Conv {
    panels: Vec<Panel>,
    bias: Vec<f32>,
    channels: usize,
    outputs: usize,
    in_stride: usize,
    out_stride: usize,
    dilation: usize,
    /// Output rows of one wide row.
    wide: usize,
    /// Input rows from one wide row to the next.
    step: usize,
    /// Input row of the first tap of wide row 0.
    first: isize,
    /// Input rows from there to behind the last one a wide row reads.
    reach: usize,
}

#[derive(Debug, Clone)]
struct Panel {
    /// Input rows behind the first that the convolution reads.
    shift: usize,
    taps: usize,
    weights: Lines,
}

/// Where a convolution's result goes. All slices begin at the first output row to compute.
#[derive(Default)]
pub(crate) struct Output<'a> {
    pub(crate) residual: Option<&'a [f32]>,
    pub(crate) raw: Option<&'a mut [f32]>,
    pub(crate) accumulate: bool,
    pub(crate) scale: f32,
    pub(crate) activated: Option<(&'a mut [f32], f32)>,
}

impl Conv {
    /// An ordinary convolution that keeps the number of rows.
    pub(crate) fn new(from: &ConvWeights) -> Result<Self, ShapeError> {
        let [outputs, channels, taps] = checked(from, from.shape[0])?;
        let reach = (taps - 1) * from.dilation + 1;
        if from.padding * 2 + 1 != reach {
            return Err(ShapeError(format!(
                "a convolution of {taps} taps {} apart with padding {} changes the length",
                from.dilation, from.padding
            )));
        }
        if outputs == 1 && from.dilation == 1 {
            return Ok(Self::single(from, channels, taps));
        }
        let out_stride = stride_of(outputs).max(PANEL);
        let panels = (0..out_stride)
            .step_by(PANEL)
            .map(|column| Panel {
                shift: 0,
                taps,
                weights: pack(taps, channels, |tap, channel, lane| {
                    let output = column + lane;
                    (output < outputs)
                        .then(|| from.weights[(output * channels + channel) * taps + tap])
                }),
            })
            .collect();
        Ok(Self {
            panels,
            bias: padded(&from.bias, out_stride),
            channels,
            outputs,
            in_stride: stride_of(channels),
            out_stride,
            dilation: from.dilation,
            wide: 1,
            step: 1,
            first: -(from.padding as isize),
            reach,
        })
    }

    /// A convolution to one channel: a panel is [`PANEL`] output rows.
    fn single(from: &ConvWeights, channels: usize, taps: usize) -> Self {
        let reach = taps + PANEL - 1;
        let weights = pack(reach, channels, |row, channel, lane| {
            let tap = row.checked_sub(lane)?;
            (tap < taps).then(|| from.weights[channel * taps + tap])
        });
        Self {
            panels: vec![Panel {
                shift: 0,
                taps: reach,
                weights,
            }],
            bias: vec![from.bias[0]; PANEL],
            channels,
            outputs: 1,
            in_stride: stride_of(channels),
            out_stride: 1,
            dilation: 1,
            wide: PANEL,
            step: PANEL,
            first: -(from.padding as isize),
            reach,
        }
    }

    /// A transposed convolution that multiplies the number of rows by `stride`.
    pub(crate) fn transposed(from: &ConvWeights, stride: usize) -> Result<Self, ShapeError> {
        let [channels, outputs, taps] = checked(from, from.shape[1])?;
        if stride == 0 || taps != stride + 2 * from.padding || from.dilation != 1 || outputs == 1 {
            return Err(ShapeError(format!(
                "a transposed convolution of {taps} taps, stride {stride}, padding {} to {outputs} channels",
                from.padding
            )));
        }
        let out_stride = stride_of(outputs);
        let signed = |n: usize| n as isize;
        let (s, k, padding) = (signed(stride), signed(taps), signed(from.padding));
        // Input row t + j adds tap `phase + padding − s·j` to output row s·t + phase.
        let reads = |phase: usize| {
            let from_first = signed(phase) + padding;
            let first = (from_first - k + 1).div_euclid(s)
                + isize::from((from_first - k + 1).rem_euclid(s) != 0);
            (first, from_first.div_euclid(s))
        };
        let first = (0..stride).map(|phase| reads(phase).0).min().unwrap_or(0);
        let last = (0..stride).map(|phase| reads(phase).1).max().unwrap_or(0);
        let mut panels = Vec::new();
        for phase in 0..stride {
            let (begin, end) = reads(phase);
            let count = (end - begin + 1) as usize;
            for column in (0..out_stride).step_by(PANEL) {
                let weights = pack(count, channels, |row, channel, lane| {
                    let tap = (signed(phase) + padding - s * (begin + signed(row))) as usize;
                    let output = column + lane;
                    (output < outputs)
                        .then(|| from.weights[(channel * outputs + output) * taps + tap])
                });
                panels.push(Panel {
                    shift: (begin - first) as usize,
                    taps: count,
                    weights,
                });
            }
        }
        Ok(Self {
            panels,
            bias: padded(&from.bias, out_stride).repeat(stride),
            channels,
            outputs,
            in_stride: stride_of(channels),
            out_stride,
            dilation: 1,
            wide: stride,
            step: 1,
            first,
            reach: (last - first + 1) as usize,
        })
    }

    /// Output rows that are computed together; [`Self::run`] counts in these.
    pub(crate) fn wide(&self) -> usize {
        self.wide
    }

    /// Output rows for each input row.
    pub(crate) fn rate(&self) -> usize {
        self.wide / self.step
    }

    /// Numbers from one output row to the next.
    pub(crate) fn out_stride(&self) -> usize {
        self.out_stride
    }

    /// Numbers from one input row to the next.
    pub(crate) fn in_stride(&self) -> usize {
        self.in_stride
    }

    /// Output channels.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// The bias of one wide row.
    pub(crate) fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The first input row that wide row `index` reads (before row 0 where negative).
    pub(crate) fn first_row(&self, index: usize) -> isize {
        (index * self.step) as isize + self.first
    }

    /// The input row behind the last one that the first `count` wide rows read.
    pub(crate) fn end_row(&self, count: usize) -> isize {
        match count.checked_sub(1) {
            None => self.first,
            Some(last) => self.first_row(last) + self.reach as isize,
        }
    }

    /// Floating-point operations of one wide row, the padding of panels included.
    pub(crate) fn operations(&self) -> usize {
        self.panels
            .iter()
            .map(|panel| 2 * panel.taps * self.channels * PANEL)
            .sum()
    }

    /// Computes `count` wide rows. `input` begins with the first row that the first of them reads; `bias` has the size
    /// of [`Self::bias`].
    ///
    /// # Panics
    /// When a slice is too short.
    pub(crate) fn run(
        &self,
        isa: Isa,
        count: usize,
        input: &[f32],
        bias: &[f32],
        mut output: Output<'_>,
    ) {
        for (index, panel) in self.panels.iter().enumerate() {
            let column = index * PANEL;
            Run {
                rows: count,
                input: &input[panel.shift * self.in_stride..],
                row_stride: self.step * self.in_stride,
                tap_stride: self.dilation * self.in_stride,
                taps: panel.taps,
                channels: self.channels,
                weights: panel.weights.as_slice(),
                bias: &bias[column..],
                out_stride: self.wide * self.out_stride,
                residual: output.residual.map(|rows| &rows[column..]),
                raw: output.raw.as_deref_mut().map(|rows| &mut rows[column..]),
                accumulate: output.accumulate,
                scale: output.scale,
                activated: output
                    .activated
                    .as_mut()
                    .map(|(rows, slope)| (&mut rows[column..], *slope)),
            }
            .compute(isa);
        }
    }
}

fn checked(from: &ConvWeights, outputs: usize) -> Result<[usize; 3], ShapeError> {
    let whole = from.shape.iter().all(|&size| size > 0)
        && from.weights.len() == from.shape.iter().product::<usize>()
        && from.bias.len() == outputs
        && from.dilation > 0;
    if whole {
        Ok(from.shape)
    } else {
        Err(ShapeError(format!(
            "{} weights and {} biases do not make a convolution of {:?}",
            from.weights.len(),
            from.bias.len(),
            from.shape
        )))
    }
}

/// `[rows][channels][PANEL]`, zero where `weight` has none.
fn pack(
    rows: usize,
    channels: usize,
    weight: impl Fn(usize, usize, usize) -> Option<f32>,
) -> Lines {
    let mut packed = Vec::with_capacity(rows * channels * PANEL);
    for row in 0..rows {
        for channel in 0..channels {
            packed.extend((0..PANEL).map(|lane| weight(row, channel, lane).unwrap_or(0.0)));
        }
    }
    Lines::of(&packed)
}

fn padded(bias: &[f32], length: usize) -> Vec<f32> {
    let mut bias = bias.to_vec();
    bias.resize(length, 0.0);
    bias
}

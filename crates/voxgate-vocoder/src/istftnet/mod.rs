//! iSTFTNet with style-adaptive normalisation: the generator of Kokoro (StyleTTS 2) voices.
//!
//! Owns the network from the decoder's frames to the spectrum of each output frame: upsampling, residual blocks of
//! normalisation → snake → convolution, and the blocks that bring in the voice's own excitation (Kaneko et al. 2022,
//! "iSTFTNet"; Li et al. 2023, "StyleTTS 2"). The normalisation takes mean and variance of each channel over the whole
//! clause, so a clause is computed layer by layer, each in blocks of rows that stay in the cache.
//!
//! Weights that come in 8 bits run in 8 bits where the processor has VNNI: activations are quantised block by block, with
//! the range of the block. Elsewhere, and for weights that come as f32, everything is f32.

mod block;

use crate::conv::{Conv, ConvWeights, Output, stride_of};
use crate::error::ShapeError;
use crate::isa::Isa;
use crate::kernel::lines::Lines;
pub use block::{AdaptiveConv, ByteWeights, ResidualBlock, Style};
use block::{Block, Moments, Scratch};

/// One upsampling stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StyledStage {
    /// Slope of the leaky ReLU in front of the upsampling.
    pub slope: f32,
    /// The transposed convolution.
    pub upsample: ConvWeights,
    /// Its factor.
    pub stride: usize,
    /// Rows put in front by reflection.
    pub reflected: usize,
    /// What the excitation goes through before it is added.
    pub excitation: ResidualBlock,
    /// Blocks side by side, whose results are averaged.
    pub blocks: Vec<ResidualBlock>,
}

/// A whole generator.
#[derive(Debug, Clone, PartialEq)]
pub struct IstftNetWeights {
    /// In order.
    pub stages: Vec<StyledStage>,
    /// Slope of the leaky ReLU in front of the last convolution.
    pub slope: f32,
    /// To the spectrum.
    pub post: ConvWeights,
}

/// A generator that is ready to run, shared by all threads.
#[derive(Debug)]
pub struct IstftNet {
    stages: Vec<Stage>,
    slope: f32,
    post: Conv,
    channels: usize,
    isa: Isa,
}

#[derive(Debug)]
struct Stage {
    slope: f32,
    upsample: Conv,
    reflected: usize,
    excitation: Block,
    blocks: Vec<Block>,
}

/// What a clause is made of, as the graph in front computes it.
#[derive(Debug)]
pub struct Excited {
    /// `[channels][frames]`.
    pub frames: Vec<f32>,
    /// The excitation of each stage: `[channels][rows]`.
    pub excitations: Vec<Vec<f32>>,
    /// For each convolution of each block, in the order of [`IstftNet::styles`].
    pub styles: Vec<Style>,
}

/// Someone stopped the computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// Why a clause was not computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClauseError {
    /// The caller's answer was to stop.
    #[error("stopped")]
    Stopped,
    /// The parts do not fit the network.
    #[error(transparent)]
    Shape(#[from] ShapeError),
}

impl From<Stopped> for ClauseError {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// Rows of channels, at the stride that the kernels want.
#[derive(Debug, Default)]
pub(crate) struct Plane {
    pub(crate) rows: usize,
    pub(crate) stride: usize,
    pub(crate) numbers: Lines,
}

impl Plane {
    fn new(rows: usize, stride: usize) -> Self {
        Self {
            rows,
            stride,
            numbers: Lines::zeros(rows * stride),
        }
    }

    /// From `[channels][rows]`.
    fn turned(numbers: &[f32], channels: usize) -> Result<Self, ShapeError> {
        if channels == 0 || !numbers.len().is_multiple_of(channels) {
            return Err(ShapeError(format!(
                "{} numbers are not rows of {channels} channels",
                numbers.len()
            )));
        }
        let rows = numbers.len() / channels;
        let mut plane = Self::new(rows, stride_of(channels));
        let stride = plane.stride;
        let out = plane.numbers.as_mut_slice();
        // In squares, so that both sides stay in the cache.
        const SIDE: usize = 32;
        for first in (0..rows).step_by(SIDE) {
            for (c, channel) in numbers.chunks_exact(rows.max(1)).enumerate() {
                for (row, &x) in channel.iter().enumerate().skip(first).take(SIDE) {
                    out[row * stride + c] = x;
                }
            }
        }
        Ok(plane)
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.numbers.as_slice()[row * self.stride..]
    }
}

impl IstftNet {
    /// Packs the weights for this machine.
    ///
    /// # Errors
    /// [`ShapeError`] when sizes do not fit together or a layer changes the length.
    pub fn new(weights: &IstftNetWeights) -> Result<Self, ShapeError> {
        Self::new_on(weights, Isa::best(), crate::kernel::int8::is_available())
    }

    /// The same for a chosen instruction set, with or without 8-bit kernels, for tests and measurements.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn new_on(weights: &IstftNetWeights, isa: Isa, bytes: bool) -> Result<Self, ShapeError> {
        let mut stages = Vec::new();
        let mut channels = None;
        for stage in &weights.stages {
            let upsample = Conv::transposed(&stage.upsample, stage.stride)?;
            let (reads, makes) = (stage.upsample.shape[0], stage.upsample.shape[1]);
            let fits = channels.is_none_or(|channels| channels == reads)
                && stage
                    .blocks
                    .iter()
                    .chain([&stage.excitation])
                    .all(|block| block.channels() == Some(makes));
            if !fits || stage.blocks.is_empty() {
                return Err(ShapeError(format!(
                    "a stage from {reads} to {makes} channels"
                )));
            }
            channels = Some(makes);
            let pack = |block: &ResidualBlock| Block::new(block, bytes);
            stages.push(Stage {
                slope: stage.slope,
                upsample,
                reflected: stage.reflected,
                excitation: pack(&stage.excitation)?,
                blocks: stage.blocks.iter().map(pack).collect::<Result<_, _>>()?,
            });
        }
        let post = Conv::new(&weights.post)?;
        if channels != Some(weights.post.shape[1]) || post.wide() != 1 {
            return Err(ShapeError(
                "a last convolution that does not fit".to_owned(),
            ));
        }
        Ok(Self {
            channels: weights.stages[0].upsample.shape[0],
            stages,
            slope: weights.slope,
            post,
            isa,
        })
    }

    /// Channels of the frames that come in.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Channels of the spectrum.
    #[must_use]
    pub fn spectrum_channels(&self) -> usize {
        self.post.outputs()
    }

    /// Channels of each style a clause needs: per stage those of the excitation's block, then those of the blocks side by
    /// side; in each, per convolution.
    #[must_use]
    pub fn styles(&self) -> Vec<usize> {
        let blocks = self
            .stages
            .iter()
            .flat_map(|stage| std::iter::once(&stage.excitation).chain(&stage.blocks));
        blocks.flat_map(Block::styles).collect()
    }

    /// Computes a clause: the spectrum as `[channels][rows]`. Asks `go_on` every few milliseconds.
    ///
    /// # Errors
    /// [`ClauseError::Stopped`] when `go_on` says no; [`ClauseError::Shape`] when the clause does not fit the network.
    pub fn spectrum(
        &self,
        clause: &Excited,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<f32>, ClauseError> {
        let widths = self.styles();
        let styles_fit = clause.styles.len() == widths.len()
            && clause
                .styles
                .iter()
                .zip(&widths)
                .all(|(style, &width)| style.gain.len() == width && style.shift.len() == width);
        if !styles_fit || clause.excitations.len() != self.stages.len() {
            return Err(ShapeError(format!(
                "{} styles and {} excitations",
                clause.styles.len(),
                clause.excitations.len()
            ))
            .into());
        }
        let mut styles = clause.styles.as_slice();
        let mut take = |block: &Block| {
            let (own, rest) = styles.split_at(block.styles().count());
            styles = rest;
            own
        };
        let mut scratch = Scratch::new(self.isa);
        let mut x = Plane::turned(&clause.frames, self.channels)?;
        for (stage, excitation) in self.stages.iter().zip(&clause.excitations) {
            let source = Plane::turned(excitation, stage.excitation.channels())?;
            let moments = Moments::of(&source, self.isa);
            let style = take(&stage.excitation);
            let mut sum = Plane::new(source.rows, source.stride);
            stage.excitation.run(
                &source,
                &moments,
                style,
                &mut scratch,
                &mut sum,
                false,
                1.0,
                go_on,
            )?;
            drop(source);
            self.upsample(stage, &mut x, &mut sum, go_on)?;
            let moments = Moments::of(&sum, self.isa);
            let mut average = Plane::new(sum.rows, sum.stride);
            for (index, block) in stage.blocks.iter().enumerate() {
                let last = index + 1 == stage.blocks.len();
                let scale = if last {
                    1.0 / stage.blocks.len() as f32
                } else {
                    1.0
                };
                let style = take(block);
                block.run(
                    &sum,
                    &moments,
                    style,
                    &mut scratch,
                    &mut average,
                    index > 0,
                    scale,
                    go_on,
                )?;
            }
            x = average;
        }
        leaky(&mut x, self.slope);
        let mut out = Plane::new(x.rows, self.post.out_stride());
        whole(&self.post, self.isa, &x, &mut out, go_on)?;
        Ok(unturned(&out, self.post.outputs()))
    }

    /// Adds the upsampled `x` to `sum`, what reflection puts in front included.
    fn upsample(
        &self,
        stage: &Stage,
        x: &mut Plane,
        sum: &mut Plane,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), ClauseError> {
        leaky(x, stage.slope);
        let mut up = Plane::new(x.rows * stage.upsample.rate(), stage.upsample.out_stride());
        whole(&stage.upsample, self.isa, x, &mut up, go_on)?;
        let reflected = stage.reflected;
        if up.rows + reflected != sum.rows || up.rows <= reflected || up.stride != sum.stride {
            return Err(ShapeError(format!(
                "{} rows of frames beside {} of excitation",
                up.rows + reflected,
                sum.rows
            ))
            .into());
        }
        let stride = sum.stride;
        for (row, sums) in sum
            .numbers
            .as_mut_slice()
            .chunks_exact_mut(stride)
            .enumerate()
            .take(sum.rows)
        {
            for (sum, &x) in sums.iter_mut().zip(up.row(row.abs_diff(reflected))) {
                *sum += x;
            }
        }
        Ok(())
    }
}

fn leaky(plane: &mut Plane, slope: f32) {
    for number in plane.numbers.as_mut_slice() {
        *number = number.max(0.0) + number.min(0.0) * slope;
    }
}

/// A convolution over a whole plane, silence around it, in blocks of rows.
fn whole(
    conv: &Conv,
    isa: Isa,
    input: &Plane,
    out: &mut Plane,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), Stopped> {
    const BLOCK: usize = 112;
    let count = out.rows / conv.wide();
    let mut rows = Lines::default();
    for first in (0..count).step_by(BLOCK) {
        if !go_on() {
            return Err(Stopped);
        }
        let last = (first + BLOCK).min(count);
        let (begin, end) = (conv.first_row(first), conv.end_row(last));
        let needed = (end - begin).max(0).unsigned_abs();
        rows.grow(needed * input.stride);
        for (row, numbers) in (begin..)
            .zip(rows.as_mut_slice().chunks_exact_mut(input.stride))
            .take(needed)
        {
            match usize::try_from(row) {
                Ok(row) if row < input.rows => {
                    numbers.copy_from_slice(&input.row(row)[..input.stride])
                }
                _ => numbers.fill(0.0),
            }
        }
        let output = Output {
            raw: Some(&mut out.numbers.as_mut_slice()[first * conv.wide() * out.stride..]),
            scale: 1.0,
            ..Output::default()
        };
        conv.run(isa, last - first, rows.as_slice(), conv.bias(), output);
    }
    Ok(())
}

/// As `[channels][rows]`.
fn unturned(plane: &Plane, channels: usize) -> Vec<f32> {
    let mut out = vec![0.0; channels * plane.rows];
    for (c, channel) in out.chunks_exact_mut(plane.rows.max(1)).enumerate() {
        for (row, x) in channel.iter_mut().enumerate() {
            *x = plane.row(row)[c];
        }
    }
    out
}

#[cfg(test)]
mod tests;

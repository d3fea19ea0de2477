//! HiFi-GAN: the generator of VITS voices, which turns latent frames into samples.
//!
//! Owns the shape of the network (Kong et al. 2020, "HiFi-GAN", section 2.3, with residual blocks of either type) and its
//! computation window by window. It does not know where weights come from.

#[cfg(test)]
mod tests;

use crate::conv::{Conv, ConvWeights, stride_of};
use crate::error::ShapeError;
use crate::flow::{self, Coupling};
use crate::isa::Isa;
use crate::kernel::pointwise;
use crate::stream::{Layer, Network, Operation, Progress, SignalId};

/// A convolution behind a leaky ReLU.
#[derive(Debug, Clone, PartialEq)]
pub struct Activated {
    /// Slope of the leaky ReLU in front, below zero.
    pub slope: f32,
    /// The convolution.
    pub conv: ConvWeights,
}

/// Convolutions in a row whose result is added to what went in: one in blocks of type 2, two in those of type 1.
pub type ResidualUnit = Vec<Activated>;

/// One upsampling stage.
#[derive(Debug, Clone, PartialEq)]
pub struct StageWeights {
    /// The transposed convolution.
    pub upsample: Activated,
    /// Its factor.
    pub stride: usize,
    /// Residual blocks side by side, whose results are averaged; each is a chain of units.
    pub blocks: Vec<Vec<ResidualUnit>>,
}

/// A whole generator.
#[derive(Debug, Clone, PartialEq)]
pub struct HifiGanWeights {
    /// From latent channels.
    pub pre: ConvWeights,
    /// In order.
    pub stages: Vec<StageWeights>,
    /// To one channel; its result goes through tanh.
    pub post: Activated,
}

/// A generator that is ready to run, shared by all its streams.
#[derive(Debug, Clone)]
pub struct HifiGan {
    network: Network,
    latent_channels: usize,
    /// Layers that take a condition.
    conditioned: Vec<usize>,
    samples_per_frame: usize,
    /// Frames computed at once.
    step: usize,
}

/// What one signal may take of a core's second-level cache, in numbers; some ten are in use at once.
const BLOCK: usize = 32 * 1024;

/// Rows of a signal to compute at once, so that it stays in the cache until the next layer reads it.
fn block_rows(stride: usize) -> usize {
    BLOCK / stride
}

impl HifiGan {
    /// Packs the weights.
    ///
    /// # Errors
    /// [`ShapeError`] when sizes do not fit together or a layer changes the length.
    pub fn new(weights: &HifiGanWeights) -> Result<Self, ShapeError> {
        Self::with_flow(&[], weights)
    }

    /// Packs the weights of a generator with the flow in front of it: couplings in the order in which the inverse flow
    /// computes them, the channels turned round before each.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_flow(flow: &[Coupling], weights: &HifiGanWeights) -> Result<Self, ShapeError> {
        let Some(first) = weights.stages.first() else {
            return Err(ShapeError("a generator without stages".to_owned()));
        };
        let mut builder = Builder::new(weights.pre.shape[1]);
        let mut conditioned = flow::add(&mut builder, flow)?;
        conditioned.push(builder.network.layers.len());
        builder.first(&weights.pre, first.upsample.slope)?;
        for (index, stage) in weights.stages.iter().enumerate() {
            let next = weights
                .stages
                .get(index + 1)
                .map_or(weights.post.slope, |next| next.upsample.slope);
            builder.stage(stage, next, index + 1 == weights.stages.len())?;
        }
        let last = builder.network.signals[builder.current].stride;
        let post = Conv::new(&weights.post.conv)?;
        if post.out_stride() != 1 {
            return Err(ShapeError(
                "the last convolution has more than one channel".to_owned(),
            ));
        }
        let output = builder.network.signal(1, builder.rate);
        builder.push(post, Fusion::default().raw(output))?;
        Ok(Self {
            latent_channels: weights.pre.shape[1],
            conditioned,
            samples_per_frame: builder.rate,
            step: (block_rows(last) / builder.rate).max(1),
            network: builder.network,
        })
    }

    /// Channels of a latent frame.
    #[must_use]
    pub fn latent_channels(&self) -> usize {
        self.latent_channels
    }

    /// Places that take a condition: the layers of the flow's WaveNets in order, then the generator's first convolution.
    #[must_use]
    pub fn condition_places(&self) -> usize {
        self.conditioned.len()
    }

    /// Samples that one latent frame becomes.
    #[must_use]
    pub fn samples_per_frame(&self) -> usize {
        self.samples_per_frame
    }

    /// Floating-point operations of one latent frame: what a window costs.
    #[must_use]
    pub fn operations_per_frame(&self) -> usize {
        self.network.operations()
    }

    /// Begins to turn `latents` (`[channels][frames]`, as graphs have them) into samples.
    ///
    /// # Errors
    /// [`ShapeError`] when the latents are not whole frames.
    pub fn stream(&self, latents: Vec<f32>) -> Result<Stream<'_>, ShapeError> {
        self.stream_on(latents, Isa::best())
    }

    /// The same on a chosen instruction set, for tests and measurements.
    ///
    /// # Errors
    /// As [`Self::stream`].
    pub fn stream_on(&self, latents: Vec<f32>, isa: Isa) -> Result<Stream<'_>, ShapeError> {
        if !latents.len().is_multiple_of(self.latent_channels) {
            return Err(ShapeError(format!(
                "{} numbers are not frames of {} channels",
                latents.len(),
                self.latent_channels
            )));
        }
        let frames = latents.len() / self.latent_channels;
        Ok(Stream {
            generator: self,
            progress: Progress::new(&self.network, frames, isa),
            isa,
            latents,
            frames,
            next: 0,
        })
    }
}

/// One run of a generator, window by window. The windows' sizes do not change the samples.
#[derive(Debug)]
pub struct Stream<'a> {
    generator: &'a HifiGan,
    progress: Progress,
    isa: Isa,
    /// `[channels][frames]`.
    latents: Vec<f32>,
    frames: usize,
    next: usize,
}

impl Stream<'_> {
    /// Adds a constant to every output of a convolution that takes a condition (see [`HifiGan::condition_places`]): what a
    /// model computes from its speaker.
    ///
    /// # Errors
    /// [`ShapeError`] when there is no such place, or it has another number of channels.
    pub fn condition(&mut self, place: usize, condition: &[f32]) -> Result<(), ShapeError> {
        let network = &self.generator.network;
        let conv = self.generator.conditioned.get(place).map(|&layer| {
            let operation = network.layers.get(layer).map(|layer| &layer.operation);
            (layer, operation)
        });
        let Some((layer, Some(Operation::Conv(conv)))) = conv else {
            return Err(ShapeError(format!("no place {place} for a condition")));
        };
        if condition.len() != conv.outputs() {
            return Err(ShapeError(format!(
                "a condition of {} channels for {}",
                condition.len(),
                conv.outputs()
            )));
        }
        let mut bias = conv.bias().to_vec();
        for (bias, condition) in bias.iter_mut().zip(condition) {
            *bias += condition;
        }
        self.progress.set_bias(layer, bias);
        Ok(())
    }

    /// Latent frames that have not become samples yet.
    #[must_use]
    pub fn remaining_frames(&self) -> usize {
        self.frames - self.next
    }

    /// Floating-point operations done and time spent so far, by layer in the order of the computation.
    #[must_use]
    pub fn costs(&self) -> Vec<(usize, std::time::Duration)> {
        self.progress.costs(&self.generator.network)
    }

    /// The samples of the next `frames` latent frames (of those that are left), in −1..=1; empty at the end.
    pub fn next_window(&mut self, frames: usize) -> &[f32] {
        let to = self.next.saturating_add(frames).min(self.frames);
        self.next = to;
        let (latents, all, network) = (&self.latents, self.frames, &self.generator.network);
        let samples = self
            .progress
            .advance(network, to, self.generator.step, |frame, row| {
                for (number, channel) in row.iter_mut().zip(latents.chunks_exact(all)) {
                    *number = channel[frame];
                }
            });
        pointwise::tanh_in_place(self.isa, samples);
        samples
    }
}

/// Layers one by one, each reading what the one before left.
pub(crate) struct Builder {
    pub(crate) network: Network,
    /// The signal that the next layer reads.
    pub(crate) current: SignalId,
    /// Rows of it per latent frame.
    rate: usize,
}

/// What is fused to a layer.
#[derive(Clone, Copy)]
pub(crate) struct Fusion {
    pub(crate) residual: Option<SignalId>,
    pub(crate) raw: Option<SignalId>,
    pub(crate) accumulate: bool,
    pub(crate) scale: f32,
    pub(crate) activated: Option<(SignalId, f32)>,
    pub(crate) ahead: usize,
}

impl Default for Fusion {
    fn default() -> Self {
        Self {
            residual: None,
            raw: None,
            accumulate: false,
            scale: 1.0,
            activated: None,
            ahead: 0,
        }
    }
}

impl Fusion {
    pub(crate) fn raw(self, signal: SignalId) -> Self {
        Self {
            raw: Some(signal),
            ..self
        }
    }

    fn activated(self, signal: SignalId, slope: f32) -> Self {
        Self {
            activated: Some((signal, slope)),
            ..self
        }
    }
}

impl Builder {
    /// A network whose input has `channels`.
    fn new(channels: usize) -> Self {
        let mut network = Network {
            signals: Vec::new(),
            layers: Vec::new(),
        };
        let latents = network.signal(stride_of(channels), 1);
        Self {
            network,
            current: latents,
            rate: 1,
        }
    }

    /// The first convolution; leaves its result behind a leaky ReLU.
    fn first(&mut self, pre: &ConvWeights, slope: f32) -> Result<(), ShapeError> {
        let pre = Conv::new(pre)?;
        let out = self.network.signal(pre.out_stride(), 1);
        self.push(pre, Fusion::default().activated(out, slope))?;
        self.current = out;
        Ok(())
    }

    /// Adds a layer that reads the current signal, whose sizes the caller has checked.
    pub(crate) fn push_operation(&mut self, operation: Operation, fusion: Fusion) {
        self.network.layers.push(Layer {
            operation,
            input: self.current,
            residual: fusion.residual,
            raw: fusion.raw,
            accumulate: fusion.accumulate,
            scale: fusion.scale,
            activated: fusion.activated,
            ahead: fusion.ahead,
        });
    }

    /// Adds a convolution that reads the current signal.
    pub(crate) fn push(&mut self, conv: Conv, fusion: Fusion) -> Result<(), ShapeError> {
        let reads = self.network.signals[self.current].stride;
        let written = fusion.raw.or(fusion.activated.map(|(signal, _)| signal));
        let fits = written
            .into_iter()
            .chain(fusion.residual)
            .all(|signal| self.network.signals[signal].stride == conv.out_stride());
        if reads != conv.in_stride() || !fits {
            return Err(ShapeError(format!(
                "layer {} reads rows of {} where there are {reads}",
                self.network.layers.len(),
                conv.in_stride()
            )));
        }
        self.push_operation(Operation::Conv(conv), fusion);
        Ok(())
    }

    /// An upsampling stage; leaves the average of its blocks behind a leaky ReLU of slope `next`. Where `is_last` is
    /// false, it computes whole blocks of rows although the next stage, of more rows, asks for fewer.
    fn stage(&mut self, stage: &StageWeights, next: f32, is_last: bool) -> Result<(), ShapeError> {
        let upsample = Conv::transposed(&stage.upsample.conv, stage.stride)?;
        let slope = stage
            .blocks
            .first()
            .and_then(|block| block.first()?.first())
            .map(|first| first.slope);
        let same = |block: &Vec<ResidualUnit>| {
            block.first().and_then(|unit| unit.first()).map(|c| c.slope) == slope
                && block.iter().all(|unit| !unit.is_empty())
        };
        let Some(slope) = slope.filter(|_| stage.blocks.iter().all(same)) else {
            return Err(ShapeError(
                "residual blocks without convolutions, or of different slopes".to_owned(),
            ));
        };
        let stride = upsample.out_stride();
        self.rate *= stage.stride;
        let raw = self.network.signal(stride, self.rate);
        let activated = self.network.signal(stride, self.rate);
        self.push(
            upsample,
            Fusion::default().raw(raw).activated(activated, slope),
        )?;

        let ahead = if is_last { 0 } else { block_rows(stride) };
        let sum = self.network.signal(stride, self.rate);
        let out = self.network.signal(stride, self.rate);
        let count = stage.blocks.len();
        for (index, block) in stage.blocks.iter().enumerate() {
            let mut last = Fusion::default().raw(sum);
            last.accumulate = index > 0;
            if index + 1 == count {
                last.scale = 1.0 / count as f32;
                last.ahead = ahead;
                last = last.activated(out, next);
            }
            self.current = activated;
            self.block(block, raw, last)?;
        }
        self.current = out;
        Ok(())
    }

    /// A chain of units over `raw` (and, behind its activation, the current signal); the last one's result goes to `last`.
    fn block(
        &mut self,
        block: &[ResidualUnit],
        mut raw: SignalId,
        last: Fusion,
    ) -> Result<(), ShapeError> {
        let stride = self.network.signals[raw].stride;
        for (index, unit) in block.iter().enumerate() {
            for (place, step) in unit.iter().enumerate() {
                let conv = Conv::new(&step.conv)?;
                if let Some(following) = unit.get(place + 1) {
                    let between = self.network.signal(stride, self.rate);
                    self.push(conv, Fusion::default().activated(between, following.slope))?;
                    self.current = between;
                    continue;
                }
                let mut fusion = last;
                if let Some(following) = block.get(index + 1) {
                    let kept = self.network.signal(stride, self.rate);
                    let activated = self.network.signal(stride, self.rate);
                    fusion = Fusion::default()
                        .raw(kept)
                        .activated(activated, following[0].slope);
                }
                fusion.residual = Some(raw);
                self.push(conv, fusion)?;
                if let (Some(kept), Some((activated, _))) = (fusion.raw, fusion.activated) {
                    raw = kept;
                    self.current = activated;
                }
            }
        }
        Ok(())
    }
}

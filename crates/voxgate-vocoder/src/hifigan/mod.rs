//! HiFi-GAN: the generator of VITS voices, which turns latent frames into samples.
//!
//! Owns the shape of the network (Kong et al. 2020, "HiFi-GAN", section 2.3, with residual blocks of either type) and its
//! computation window by window. It does not know where weights come from.

#[cfg(test)]
mod tests;

use crate::conv::{Conv, ConvWeights};
use crate::error::ShapeError;
use crate::isa::Isa;
use crate::stream::{Layer, Network, Progress, SignalId};

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
    condition_channels: usize,
    samples_per_frame: usize,
}

impl HifiGan {
    /// Packs the weights.
    ///
    /// # Errors
    /// [`ShapeError`] when sizes do not fit together or a layer changes the length.
    pub fn new(weights: &HifiGanWeights) -> Result<Self, ShapeError> {
        let mut builder = Builder::new(weights)?;
        for (index, stage) in weights.stages.iter().enumerate() {
            let next = weights
                .stages
                .get(index + 1)
                .map_or(weights.post.slope, |next| next.upsample.slope);
            builder.stage(stage, next)?;
        }
        let post = Conv::new(&weights.post.conv)?;
        if post.out_stride() != 1 {
            return Err(ShapeError(
                "the last convolution has more than one channel".to_owned(),
            ));
        }
        let output = builder.network.signal(1, builder.rate);
        builder.push(post, Layer::plain().raw(output))?;
        Ok(Self {
            latent_channels: weights.pre.shape[1],
            condition_channels: weights.pre.shape[0],
            samples_per_frame: builder.rate,
            network: builder.network,
        })
    }

    /// Channels of a latent frame.
    #[must_use]
    pub fn latent_channels(&self) -> usize {
        self.latent_channels
    }

    /// Channels of a condition, for voices that have one.
    #[must_use]
    pub fn condition_channels(&self) -> usize {
        self.condition_channels
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
    /// `[channels][frames]`.
    latents: Vec<f32>,
    frames: usize,
    next: usize,
}

impl Stream<'_> {
    /// Adds a constant to every output of the first convolution: what a model computes from its speaker.
    ///
    /// # Errors
    /// [`ShapeError`] when it has another number of channels than the generator.
    pub fn condition(&mut self, condition: &[f32]) -> Result<(), ShapeError> {
        if condition.len() != self.generator.condition_channels {
            return Err(ShapeError(format!(
                "a condition of {} channels for a generator of {}",
                condition.len(),
                self.generator.condition_channels
            )));
        }
        let mut bias = self.generator.network.layers[0].conv.bias().to_vec();
        for (bias, condition) in bias.iter_mut().zip(condition) {
            *bias += condition;
        }
        self.progress.set_bias(0, bias);
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
        let (latents, all) = (&self.latents, self.frames);
        let samples = self
            .progress
            .advance(&self.generator.network, to, |frame, row| {
                for (number, channel) in row.iter_mut().zip(latents.chunks_exact(all)) {
                    *number = channel[frame];
                }
            });
        for sample in samples.iter_mut() {
            *sample = sample.tanh();
        }
        samples
    }
}

/// Layers one by one, each reading what the one before left.
struct Builder {
    network: Network,
    /// The signal that the next layer reads.
    current: SignalId,
    /// Rows of it per latent frame.
    rate: usize,
}

impl Layer {
    /// Fused to nothing, not yet connected.
    fn plain() -> Fusion {
        Fusion {
            residual: None,
            raw: None,
            accumulate: false,
            scale: 1.0,
            activated: None,
        }
    }
}

/// What is fused to a layer.
#[derive(Clone, Copy)]
struct Fusion {
    residual: Option<SignalId>,
    raw: Option<SignalId>,
    accumulate: bool,
    scale: f32,
    activated: Option<(SignalId, f32)>,
}

impl Fusion {
    fn raw(self, signal: SignalId) -> Self {
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
    fn new(weights: &HifiGanWeights) -> Result<Self, ShapeError> {
        let Some(first) = weights.stages.first() else {
            return Err(ShapeError("a generator without stages".to_owned()));
        };
        let pre = Conv::new(&weights.pre)?;
        let mut network = Network {
            signals: Vec::new(),
            layers: Vec::new(),
        };
        let latents = network.signal(pre.in_stride(), 1);
        let mut builder = Self {
            network,
            current: latents,
            rate: 1,
        };
        let out = builder.network.signal(pre.out_stride(), 1);
        builder.push(pre, Layer::plain().activated(out, first.upsample.slope))?;
        builder.current = out;
        Ok(builder)
    }

    /// Adds a layer that reads the current signal.
    fn push(&mut self, conv: Conv, fusion: Fusion) -> Result<(), ShapeError> {
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
        self.network.layers.push(Layer {
            conv,
            input: self.current,
            residual: fusion.residual,
            raw: fusion.raw,
            accumulate: fusion.accumulate,
            scale: fusion.scale,
            activated: fusion.activated,
        });
        Ok(())
    }

    /// An upsampling stage; leaves the average of its blocks behind a leaky ReLU of slope `next`.
    fn stage(&mut self, stage: &StageWeights, next: f32) -> Result<(), ShapeError> {
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
            Layer::plain().raw(raw).activated(activated, slope),
        )?;

        let sum = self.network.signal(stride, self.rate);
        let out = self.network.signal(stride, self.rate);
        let count = stage.blocks.len();
        for (index, block) in stage.blocks.iter().enumerate() {
            let mut last = Layer::plain().raw(sum);
            last.accumulate = index > 0;
            if index + 1 == count {
                last.scale = 1.0 / count as f32;
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
                    self.push(conv, Layer::plain().activated(between, following.slope))?;
                    self.current = between;
                    continue;
                }
                let mut fusion = last;
                if let Some(following) = block.get(index + 1) {
                    let kept = self.network.signal(stride, self.rate);
                    let activated = self.network.signal(stride, self.rate);
                    fusion = Layer::plain()
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

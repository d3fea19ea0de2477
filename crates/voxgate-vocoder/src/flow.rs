//! The flow of VITS voices in its inverse direction: from latent frames of the text's distribution to those of the voice.
//!
//! Owns the shape of the network: affine couplings without a scale, whose shift is computed by a small WaveNet (Kim et
//! al. 2021, "VITS", section 2.2.3), with the order of channels turned round before each.

use crate::conv::{Conv, ConvWeights};
use crate::error::ShapeError;
use crate::hifigan::{Builder, Fusion};
use crate::stream::Operation;

/// Frames that the flow computes at once: its weights are far larger than a core's cache.
const AHEAD: usize = 56;

/// One layer of a coupling's WaveNet.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveNetLayer {
    /// To twice the hidden channels: the gate's tangent half, then its sigmoid half.
    pub conv: ConvWeights,
    /// To what is added to the next layer's input, then to what is added to the result; the last layer has the latter
    /// alone. One tap.
    pub res_skip: ConvWeights,
}

/// One coupling: the second half of the channels is shifted by a function of the first half.
#[derive(Debug, Clone, PartialEq)]
pub struct Coupling {
    /// From the first half to hidden channels. One tap.
    pub pre: ConvWeights,
    /// In order.
    pub layers: Vec<WaveNetLayer>,
    /// To the shift, which is subtracted from the second half. One tap.
    pub post: ConvWeights,
}

/// Adds the couplings to a network whose current signal is the latent frames, in the order of computation, and answers
/// the layers that take a condition. The turning round is put into the weights: every second coupling reads and writes
/// the halves exchanged and in reverse.
pub(crate) fn add(builder: &mut Builder, couplings: &[Coupling]) -> Result<Vec<usize>, ShapeError> {
    if !couplings.len().is_multiple_of(2) {
        return Err(ShapeError(
            "an odd number of couplings leaves the channels turned round".to_owned(),
        ));
    }
    let mut conditioned = Vec::new();
    for (index, coupling) in couplings.iter().enumerate() {
        let half = coupling.pre.shape[1];
        // Channel of the signal at which the coupling finds channel `c` of its first and of its second half.
        let turned = index % 2 == 0;
        let first = |c: usize| if turned { 2 * half - 1 - c } else { c };
        let second = |c: usize| if turned { half - 1 - c } else { half + c };
        let pre = Conv::new(&spread_inputs(&coupling.pre, 2 * half, first)?)?;
        let post = Conv::new(&spread_outputs(&coupling.post, 2 * half, second)?)?;
        let latents = builder.current;
        let stride = pre.out_stride();

        let mut hidden = builder.network.signal(stride, 1);
        builder.push(pre, Fusion::default().raw(hidden))?;
        let sum = builder.network.signal(stride, 1);
        for (place, layer) in coupling.layers.iter().enumerate() {
            let channels = layer.conv.shape[1];
            let conv = Conv::new(&layer.conv)?;
            if conv.out_stride() != 2 * channels || stride != channels {
                return Err(ShapeError(format!("a gate of {channels} channels")));
            }
            builder.current = hidden;
            let both = builder.network.signal(conv.out_stride(), 1);
            conditioned.push(builder.network.layers.len());
            builder.push(conv, Fusion::default().raw(both))?;
            builder.current = both;
            let gated = builder.network.signal(stride, 1);
            builder.push_operation(Operation::Gate { channels }, Fusion::default().raw(gated));
            builder.current = gated;
            let (res, skip) = halves(&layer.res_skip, channels)?;
            if let Some(res) = res {
                let next = builder.network.signal(stride, 1);
                let mut fusion = Fusion::default().raw(next);
                fusion.residual = Some(hidden);
                builder.push(Conv::new(&res)?, fusion)?;
                hidden = next;
            } else if place + 1 != coupling.layers.len() {
                return Err(ShapeError("a layer without a successor's input".to_owned()));
            }
            let mut fusion = Fusion::default().raw(sum);
            fusion.accumulate = place > 0;
            builder.push(Conv::new(&skip)?, fusion)?;
        }
        builder.current = sum;
        let shifted = builder.network.signal(post.out_stride(), 1);
        let mut fusion = Fusion::default().raw(shifted);
        fusion.residual = Some(latents);
        if index + 1 == couplings.len() {
            fusion.ahead = AHEAD;
        }
        builder.push(post, fusion)?;
        builder.current = shifted;
    }
    Ok(conditioned)
}

/// A convolution of one tap that reads its channel `c` from channel `place(c)` of `channels`.
fn spread_inputs(
    from: &ConvWeights,
    channels: usize,
    place: impl Fn(usize) -> usize,
) -> Result<ConvWeights, ShapeError> {
    let [outputs, inputs, taps] = one_tap(from)?;
    let mut weights = vec![0.0; outputs * channels * taps];
    for output in 0..outputs {
        for input in 0..inputs {
            weights[output * channels + place(input)] = from.weights[output * inputs + input];
        }
    }
    Ok(ConvWeights {
        weights,
        shape: [outputs, channels, taps],
        ..from.clone()
    })
}

/// A convolution of one tap that writes the negative of its channel `c` to channel `place(c)` of `channels`.
fn spread_outputs(
    from: &ConvWeights,
    channels: usize,
    place: impl Fn(usize) -> usize,
) -> Result<ConvWeights, ShapeError> {
    let [outputs, inputs, taps] = one_tap(from)?;
    if 2 * outputs != channels || from.bias.len() != outputs {
        return Err(ShapeError(format!(
            "a shift of {outputs} channels for {channels}"
        )));
    }
    let mut weights = vec![0.0; channels * inputs * taps];
    let mut bias = vec![0.0; channels];
    for output in 0..outputs {
        bias[place(output)] = -from.bias[output];
        for input in 0..inputs {
            weights[place(output) * inputs + input] = -from.weights[output * inputs + input];
        }
    }
    Ok(ConvWeights {
        weights,
        shape: [channels, inputs, taps],
        bias,
        ..from.clone()
    })
}

/// What goes on to the next layer, where there is one, and what goes to the result.
fn halves(
    from: &ConvWeights,
    channels: usize,
) -> Result<(Option<ConvWeights>, ConvWeights), ShapeError> {
    let [outputs, inputs, _] = one_tap(from)?;
    if from.bias.len() != outputs || (outputs != channels && outputs != 2 * channels) {
        return Err(ShapeError(format!(
            "{outputs} channels behind a gate of {channels}"
        )));
    }
    let part = |begin: usize| ConvWeights {
        weights: from.weights[begin * inputs..(begin + channels) * inputs].to_vec(),
        shape: [channels, inputs, 1],
        bias: from.bias[begin..begin + channels].to_vec(),
        ..from.clone()
    };
    Ok(if outputs == channels {
        (None, from.clone())
    } else {
        (Some(part(0)), part(channels))
    })
}

fn one_tap(from: &ConvWeights) -> Result<[usize; 3], ShapeError> {
    let whole = from.shape[2] == 1 && from.weights.len() == from.shape.iter().product::<usize>();
    whole.then_some(from.shape).ok_or_else(|| {
        ShapeError(format!(
            "weights of {:?} where one tap should be",
            from.shape
        ))
    })
}

//! Finding the generator at the end of a voice's graph, with its weights and what it reads.
//!
//! Owns the pattern of a HiFi-GAN generator as VITS exports write it. Nodes are found by what they compute and how they
//! are connected, walking back from the waveform, never by name.

use rten_onnx::onnx::{GraphProto, NodeProto};
use voxgate_vocoder::hifigan::{Activated, HifiGanWeights, ResidualUnit, StageWeights};

use crate::tts::graph::{Wiring, conv_weights, float_attribute, input, is_op};

/// The slope of ONNX's `LeakyRelu` where a node does not say it.
const DEFAULT_SLOPE: f32 = 0.01;

/// Where a graph can be cut: it goes on computing the named values, the rest is the generator's.
pub(super) struct Cut {
    pub(super) weights: HifiGanWeights,
    /// `[1, channels, frames]`, what the generator reads.
    pub(super) latents: String,
    /// `[1, channels, 1]`, added behind the first convolution, in models of several speakers.
    pub(super) condition: Option<String>,
    /// `[1, 1, ids]`, frames for each input id, where the model computes them.
    pub(super) durations: Option<String>,
}

/// Finds the generator at the end of a graph.
///
/// # Errors
/// What does not look like the generator of a VITS voice.
pub(super) fn find(graph: &GraphProto) -> Result<Cut, String> {
    let wiring = Wiring::new(graph);
    let output = graph
        .output
        .first()
        .and_then(|output| output.name.as_deref())
        .ok_or("the graph has no output")?;
    let mut value = output;
    while let Some(node) = wiring.maker(value)
        && ["Unsqueeze", "Squeeze", "Reshape"]
            .iter()
            .any(|op| is_op(node, "", op))
    {
        value = input(node, 0)?;
    }
    let tanh = wiring.maker_of(value, "Tanh")?;
    let (post, value) = activated(&wiring, input(tanh, 0)?)?;
    let mut stages = Vec::new();
    let mut value = value;
    let (pre, condition) = loop {
        let (stage, before) = stage(&wiring, value)?;
        stages.push(stage);
        value = before;
        if let Some(first) = first(&wiring, value)? {
            break first;
        }
    };
    stages.reverse();
    // The lengths of the ids in frames are the only numbers the model rounds up.
    let mut rounded = graph.node.iter().filter(|node| is_op(node, "", "Ceil"));
    let durations = match (rounded.next(), rounded.next()) {
        (Some(ceil), None) => ceil.output.first().cloned(),
        _ => None,
    };
    Ok(Cut {
        weights: HifiGanWeights {
            pre: conv_weights(&wiring, pre, 0)?,
            stages,
            post,
        },
        latents: input(pre, 0)?.to_owned(),
        condition,
        durations,
    })
}

/// The first convolution that makes `value`, and the name of what is added to it.
#[allow(clippy::type_complexity)]
fn first<'a>(
    wiring: &Wiring<'a>,
    value: &'a str,
) -> Result<Option<(&'a NodeProto, Option<String>)>, String> {
    let Some(node) = wiring.maker(value) else {
        return Err("the generator reads an input of the graph".to_owned());
    };
    if is_op(node, "", "Conv") {
        return Ok(Some((node, None)));
    }
    if !is_op(node, "", "Add") {
        return Ok(None);
    }
    // The condition has one row, so its convolution has one tap.
    let taps = |value: &str| {
        let conv = wiring.maker(value).filter(|node| is_op(node, "", "Conv"))?;
        let shape = wiring.shape(conv.input.get(1)?)?;
        shape.get(2).map(|&taps| (conv, taps))
    };
    let (a, b) = (input(node, 0)?, input(node, 1)?);
    Ok(match (taps(a), taps(b)) {
        (Some((conv, taps)), Some((_, 1))) if taps > 1 => Some((conv, Some(b.to_owned()))),
        (Some((_, 1)), Some((conv, taps))) if taps > 1 => Some((conv, Some(a.to_owned()))),
        _ => None,
    })
}

/// The stage that makes `value`, and the value it reads.
fn stage<'a>(wiring: &Wiring<'a>, value: &'a str) -> Result<(StageWeights, &'a str), String> {
    let mut sum = value;
    let mut parts = 1.0;
    if let Ok(average) = wiring.maker_of(value, "Div") {
        sum = input(average, 0)?;
        parts = wiring
            .number(input(average, 1)?)
            .ok_or("blocks are divided by something that is not constant")?;
    }
    let mut ends = Vec::new();
    summands(wiring, sum, &mut ends)?;
    if parts != ends.len() as f32 {
        return Err(format!("{} blocks are averaged by {parts}", ends.len()));
    }
    let mut base = None;
    let mut blocks = Vec::new();
    for end in ends {
        let (block, from) = block(wiring, end)?;
        if base.is_some_and(|base| base != from) {
            return Err("blocks of one stage read different values".to_owned());
        }
        base = Some(from);
        blocks.push(block);
    }
    let upsample = wiring.maker_of(base.unwrap_or(value), "ConvTranspose")?;
    let strides = wiring.ints(upsample, "strides");
    let &[stride] = strides.as_slice() else {
        return Err(format!("an upsampling by {strides:?}"));
    };
    let relu = wiring.maker_of(input(upsample, 0)?, "LeakyRelu")?;
    Ok((
        StageWeights {
            upsample: Activated {
                slope: float_attribute(relu, "alpha", DEFAULT_SLOPE),
                conv: conv_weights(wiring, upsample, 1)?,
            },
            stride: usize::try_from(stride).map_err(|_| "a negative stride".to_owned())?,
            blocks,
        },
        input(relu, 0)?,
    ))
}

/// The residual sums that `value` is the sum of, in order. A residual sum has a convolution on one side.
fn summands<'a>(
    wiring: &Wiring<'a>,
    value: &'a str,
    found: &mut Vec<&'a NodeProto>,
) -> Result<(), String> {
    let sum = wiring.maker_of(value, "Add")?;
    if residual(wiring, sum).is_some() {
        found.push(sum);
        return Ok(());
    }
    summands(wiring, input(sum, 0)?, found)?;
    summands(wiring, input(sum, 1)?, found)
}

/// The convolved and the plain side of a residual sum.
fn residual<'a>(wiring: &Wiring<'a>, sum: &'a NodeProto) -> Option<(&'a str, &'a str)> {
    let (a, b) = (input(sum, 0).ok()?, input(sum, 1).ok()?);
    let convolved = |value: &str| wiring.maker_of(value, "Conv").is_ok();
    match (convolved(a), convolved(b)) {
        (true, false) => Some((a, b)),
        (false, true) => Some((b, a)),
        _ => None,
    }
}

/// The units that end in the residual sum `end`, and the value the first one reads.
fn block<'a>(
    wiring: &Wiring<'a>,
    end: &'a NodeProto,
) -> Result<(Vec<ResidualUnit>, &'a str), String> {
    let mut units = Vec::new();
    let mut sum = end;
    loop {
        let (mut value, plain) = residual(wiring, sum).ok_or("a sum without a convolution")?;
        let mut unit = Vec::new();
        while value != plain {
            let (conv, before) = activated(wiring, value)?;
            unit.push(conv);
            value = before;
        }
        unit.reverse();
        units.push(unit);
        match wiring.maker_of(plain, "Add") {
            Ok(before) if residual(wiring, before).is_some() => sum = before,
            _ => {
                units.reverse();
                return Ok((units, plain));
            }
        }
    }
}

/// The convolution that makes `value` with the leaky ReLU in front of it, and the value that one reads.
fn activated<'a>(wiring: &Wiring<'a>, value: &'a str) -> Result<(Activated, &'a str), String> {
    let conv = wiring.maker_of(value, "Conv")?;
    let relu = wiring.maker_of(input(conv, 0)?, "LeakyRelu")?;
    let found = Activated {
        slope: float_attribute(relu, "alpha", DEFAULT_SLOPE),
        conv: conv_weights(wiring, conv, 0)?,
    };
    Ok((found, input(relu, 0)?))
}

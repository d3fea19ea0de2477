//! Finding the generator in Kokoro's graph, with its weights and what it reads.
//!
//! Owns the pattern of an iSTFTNet generator as exports write it, quantised or not. Nodes are found by what they compute
//! and how they are connected, walking back from the spectrum, never by name.

use rten_onnx::onnx::{GraphProto, NodeProto};
use voxgate_vocoder::ConvWeights;
use voxgate_vocoder::istftnet::{
    AdaptiveConv, ByteWeights, IstftNetWeights, ResidualBlock, StyledStage,
};

use crate::tts::graph::{Wiring, conv_weights, float_attribute, input, is_op};

/// The slope of ONNX's `LeakyRelu` where a node does not say it.
const DEFAULT_SLOPE: f32 = 0.01;

/// Where the graph can be cut.
pub(super) struct Found {
    pub(super) weights: IstftNetWeights,
    /// `[1, channels, frames]`, what the generator reads.
    pub(super) frames: String,
    /// `[1, channels, rows]`, for each stage.
    pub(super) excitations: Vec<String>,
    /// `[1, channels, 1]` each: gain and shift of each normalisation, in the generator's order.
    pub(super) styles: Vec<[String; 2]>,
    /// `[1, channels, rows]`, what the generator makes and the rest of the graph turns into samples.
    pub(super) spectrum: String,
}

/// A convolution, in 8 bits or not, and the value it reads.
struct FoundConv<'a> {
    reads: &'a str,
    conv: ConvWeights,
    bytes: Option<ByteWeights>,
}

struct FoundBlock<'a> {
    block: ResidualBlock,
    styles: Vec<[String; 2]>,
    reads: &'a str,
}

/// Finds the generator.
///
/// # Errors
/// What does not look like one.
pub(super) fn find(graph: &GraphProto) -> Result<Found, String> {
    let wiring = Wiring::new(graph);
    // The spectrum's magnitudes are exponentials of the last convolution's first half.
    let mut found = Err("no spectrum".to_owned());
    for exp in graph.node.iter().filter(|node| is_op(node, "", "Exp")) {
        if let Ok(half) = wiring.maker_of(input(exp, 0)?, "Slice") {
            found = from_spectrum(&wiring, input(half, 0)?);
            if found.is_ok() {
                break;
            }
        }
    }
    found
}

fn from_spectrum<'a>(wiring: &Wiring<'a>, spectrum: &'a str) -> Result<Found, String> {
    let post = conv(wiring, spectrum)?;
    let relu = wiring.maker_of(post.reads, "LeakyRelu")?;
    let slope = float_attribute(relu, "alpha", DEFAULT_SLOPE);
    let mut value = input(relu, 0)?;
    let mut stages = Vec::new();
    let mut excitations = Vec::new();
    let mut styles = Vec::new();
    loop {
        let stage = match stage(wiring, value) {
            Ok(stage) => stage,
            Err(reason) if stages.is_empty() => return Err(reason),
            // What stands in front of the first stage is the decoder, the graph's own work.
            Err(_) => break,
        };
        stages.push(stage.weights);
        excitations.push(stage.excitation.to_owned());
        styles.push(stage.styles);
        value = stage.reads;
    }
    stages.reverse();
    excitations.reverse();
    Ok(Found {
        weights: IstftNetWeights {
            stages,
            slope,
            post: post.conv,
        },
        frames: value.to_owned(),
        excitations,
        styles: styles.into_iter().rev().flatten().collect(),
        spectrum: spectrum.to_owned(),
    })
}

struct FoundStage<'a> {
    weights: StyledStage,
    excitation: &'a str,
    styles: Vec<[String; 2]>,
    reads: &'a str,
}

/// The stage whose blocks' average is `value`.
fn stage<'a>(wiring: &Wiring<'a>, value: &'a str) -> Result<FoundStage<'a>, String> {
    let average = wiring.maker_of(value, "Div")?;
    let mut blocks = Vec::new();
    summands(wiring, input(average, 0)?, &mut blocks)?;
    let parts = wiring.number(input(average, 1)?);
    if parts != Some(blocks.len() as f32) {
        return Err(format!("{} blocks are averaged by {parts:?}", blocks.len()));
    }
    let base = blocks[0].reads;
    if blocks.iter().any(|block| block.reads != base) {
        return Err("blocks of one stage read different values".to_owned());
    }
    // What the blocks read is the upsampled value and what the excitation became.
    let sum = wiring.maker_of(base, "Add")?;
    let (a, b) = (input(sum, 0)?, input(sum, 1)?);
    let (up, excitation) = match block(wiring, b) {
        Ok(excitation) => (a, excitation),
        Err(_) => (b, block(wiring, a)?),
    };
    let (up, reflected) = match wiring.maker_of(up, "Pad") {
        Ok(pad) => (input(pad, 0)?, reflection(wiring, pad)?),
        Err(_) => (up, 0),
    };
    let upsample = wiring.maker_of(up, "ConvTranspose")?;
    let &[stride] = wiring.ints(upsample, "strides").as_slice() else {
        return Err("an upsampling of more than one dimension".to_owned());
    };
    let relu = wiring.maker_of(input(upsample, 0)?, "LeakyRelu")?;
    let mut styles = excitation.styles;
    let mut own = Vec::new();
    for block in blocks {
        styles.extend(block.styles);
        own.push(block.block);
    }
    Ok(FoundStage {
        weights: StyledStage {
            slope: float_attribute(relu, "alpha", DEFAULT_SLOPE),
            upsample: conv_weights(wiring, upsample, 1)?,
            stride: usize::try_from(stride).map_err(|_| "a negative stride".to_owned())?,
            reflected,
            excitation: excitation.block,
            blocks: own,
        },
        excitation: excitation.reads,
        styles,
        reads: input(relu, 0)?,
    })
}

/// Rows that a reflecting `Pad` puts in front, if it does nothing else.
fn reflection(wiring: &Wiring<'_>, pad: &NodeProto) -> Result<usize, String> {
    let reflects = pad.attribute.iter().any(|attribute| {
        attribute.name.as_deref() == Some("mode") && attribute.s.as_deref() == Some("reflect")
    });
    match wiring.integers(input(pad, 1)?).as_deref() {
        Some(&[0, 0, front, 0, 0, 0]) if reflects => {
            usize::try_from(front).map_err(|_| "a negative padding".to_owned())
        }
        other => Err(format!("a padding by {other:?}")),
    }
}

/// The blocks that `value` is the sum of, in order.
fn summands<'a>(
    wiring: &Wiring<'a>,
    value: &'a str,
    found: &mut Vec<FoundBlock<'a>>,
) -> Result<(), String> {
    if let Ok(block) = block(wiring, value) {
        found.push(block);
        return Ok(());
    }
    let sum = wiring.maker_of(value, "Add")?;
    summands(wiring, input(sum, 0)?, found)?;
    summands(wiring, input(sum, 1)?, found)
}

/// The residual block that makes `value`: as many pairs as there are.
fn block<'a>(wiring: &Wiring<'a>, value: &'a str) -> Result<FoundBlock<'a>, String> {
    let mut pairs = Vec::new();
    let mut styles = Vec::new();
    let mut value = value;
    while let Ok(pair) = pair(wiring, value) {
        pairs.push(pair.steps);
        styles.push(pair.styles);
        value = pair.reads;
    }
    if pairs.is_empty() {
        return Err("no residual block".to_owned());
    }
    pairs.reverse();
    Ok(FoundBlock {
        block: ResidualBlock { pairs },
        styles: styles.into_iter().rev().flatten().collect(),
        reads: value,
    })
}

struct FoundPair<'a> {
    steps: [AdaptiveConv; 2],
    styles: [[String; 2]; 2],
    reads: &'a str,
}

/// Two steps and the sum with what they read.
fn pair<'a>(wiring: &Wiring<'a>, value: &'a str) -> Result<FoundPair<'a>, String> {
    let sum = wiring.maker_of(value, "Add")?;
    let (a, b) = (input(sum, 0)?, input(sum, 1)?);
    let (second, reads) = match step(wiring, a) {
        Ok(second) => (second, b),
        Err(_) => (step(wiring, b)?, a),
    };
    let first = step(wiring, second.reads)?;
    if first.reads != reads {
        return Err("a sum of two different values".to_owned());
    }
    Ok(FoundPair {
        steps: [first.step, second.step],
        styles: [first.style, second.style],
        reads,
    })
}

struct FoundStep<'a> {
    step: AdaptiveConv,
    style: [String; 2],
    reads: &'a str,
}

/// A convolution behind a snake behind a styled normalisation.
fn step<'a>(wiring: &Wiring<'a>, value: &'a str) -> Result<FoundStep<'a>, String> {
    let found = conv(wiring, value)?;
    // y + height · sin(alpha · y)²
    let bent = wiring.maker_of(found.reads, "Add")?;
    let (y, wave) = (input(bent, 0)?, wiring.maker_of(input(bent, 1)?, "Mul")?);
    let height = wiring
        .numbers(input(wave, 0)?)
        .ok_or("a snake of no constant height")?;
    let power = wiring.maker_of(input(wave, 1)?, "Pow")?;
    let sine = wiring.maker_of(input(power, 0)?, "Sin")?;
    let angle = wiring.maker_of(input(sine, 0)?, "Mul")?;
    let alpha = wiring
        .numbers(input(angle, 0)?)
        .ok_or("a snake of no constant frequency")?;
    if wiring.number(input(power, 1)?) != Some(2.0) || input(angle, 1)? != y {
        return Err("a wave that is no snake's".to_owned());
    }
    // gain · (x − mean) / √(variance + epsilon) + shift
    let styled = wiring.maker_of(y, "Add")?;
    let scaled = wiring.maker_of(input(styled, 0)?, "Mul")?;
    let normal = wiring.maker_of(input(scaled, 1)?, "Div")?;
    let centred = wiring.maker_of(input(normal, 0)?, "Sub")?;
    let root = wiring.maker_of(input(normal, 1)?, "Sqrt")?;
    let variance = wiring.maker_of(input(root, 0)?, "Add")?;
    let mean = wiring.maker_of(input(centred, 1)?, "ReduceMean")?;
    let reads = input(centred, 0)?;
    if input(mean, 0)? != reads {
        return Err("a mean of something else".to_owned());
    }
    Ok(FoundStep {
        step: AdaptiveConv {
            epsilon: wiring
                .number(input(variance, 1)?)
                .ok_or("no constant epsilon")?,
            alpha,
            height,
            conv: found.conv,
            bytes: found.bytes,
        },
        style: [input(scaled, 0)?.to_owned(), input(styled, 1)?.to_owned()],
        reads,
    })
}

/// The convolution that makes `value`: a node of f32, or the chain that dynamic quantisation makes of one.
fn conv<'a>(wiring: &Wiring<'a>, value: &'a str) -> Result<FoundConv<'a>, String> {
    if let Ok(node) = wiring.maker_of(value, "Conv") {
        return Ok(FoundConv {
            reads: input(node, 0)?,
            conv: conv_weights(wiring, node, 0)?,
            bytes: None,
        });
    }
    // (whole(x) ⊛ weights + ⌊bias / scale⌋) · scale
    let product = wiring.maker_of(value, "Mul")?;
    let scales = wiring.maker_of(input(product, 1)?, "Mul")?;
    let scale = wiring
        .number(input(scales, 1)?)
        .ok_or("no constant scale of weights")?;
    let cast = wiring.maker_of(input(product, 0)?, "Cast")?;
    let biased = wiring.maker_of(input(cast, 0)?, "Add")?;
    let node = wiring.maker_of(input(biased, 0)?, "ConvInteger")?;
    let reshaped = wiring.maker_of(input(biased, 1)?, "Reshape")?;
    let whole = wiring.maker_of(input(reshaped, 0)?, "Cast")?;
    let floor = wiring.maker_of(input(whole, 0)?, "Floor")?;
    let quotient = wiring.maker_of(input(floor, 0)?, "Div")?;
    let bias = wiring
        .numbers(input(quotient, 0)?)
        .ok_or("no constant bias")?;
    let quantised = wiring.maker_of(input(node, 0)?, "DynamicQuantizeLinear")?;

    let name = input(node, 1)?;
    let raw = wiring.bytes(name).ok_or("weights that are not bytes")?;
    let zero = match node.input.get(3).filter(|name| !name.is_empty()) {
        None => 0,
        Some(name) => match wiring.bytes(name).as_deref() {
            Some(&[zero]) => zero,
            _ => return Err("a zero point for each channel".to_owned()),
        },
    };
    let centred: Vec<i16> = raw.into_iter().map(|value| value - zero).collect();
    // Exporters leave a bit free, so that the difference fits into a signed byte; if not, f32 it is.
    let values: Option<Vec<i8>> = centred
        .iter()
        .map(|&value| i8::try_from(value).ok())
        .collect();
    Ok(FoundConv {
        reads: input(quantised, 0)?,
        conv: crate::tts::graph::conv_of(
            wiring,
            node,
            centred
                .iter()
                .map(|&value| f32::from(value) * scale)
                .collect(),
            bias,
            0,
        )?,
        bytes: values.map(|values| ByteWeights { values, scale }),
    })
}

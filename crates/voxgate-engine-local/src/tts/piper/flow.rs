//! Finding the flow in front of a voice's generator, with its weights and what it reads.
//!
//! Owns the pattern of the inverse flow as VITS exports write it: couplings whose channels are turned round before each.
//! The mask is left out: it is one everywhere when there is one utterance at a time.

use std::collections::HashSet;

use rten_onnx::onnx::{GraphProto, NodeProto};
use voxgate_vocoder::flow::{Coupling, WaveNetLayer};

use crate::tts::graph::{Wiring, conv_weights, input, is_op};

/// A flow that a graph computes its latent frames with.
pub(super) struct Flow {
    /// In the order of the computation.
    pub(super) couplings: Vec<Coupling>,
    /// `[1, channels, frames]`, what the flow reads.
    pub(super) latents: String,
    /// For each layer of each coupling, what is added behind its convolution: `[1, channels, 1]`; all or none.
    pub(super) conditions: Vec<String>,
}

/// Finds the flow that makes `value`, what the generator reads.
///
/// # Errors
/// What does not look like a VITS flow.
pub(super) fn find(graph: &GraphProto, value: &str) -> Result<Flow, String> {
    let wiring = Wiring::new(graph);
    // The last thing a flow does is to mask its result.
    let masked = wiring.maker_of(value, "Mul")?;
    let (a, b) = (input(masked, 0)?, input(masked, 1)?);
    let (mut value, mask) = match wiring.maker_of(a, "Concat") {
        Ok(_) => (a, b),
        Err(_) => (b, a),
    };
    let mut couplings = Vec::new();
    let mut conditions = Vec::new();
    while wiring.maker_of(value, "Concat").is_ok() {
        let found = coupling(graph, &wiring, mask, value)?;
        couplings.push(found.coupling);
        conditions.push(found.conditions);
        value = unmasked(&wiring, mask, found.latents);
    }
    couplings.reverse();
    let layers: usize = couplings.iter().map(|coupling| coupling.layers.len()).sum();
    let conditions: Vec<String> = conditions.into_iter().rev().flatten().collect();
    if couplings.is_empty() || !(conditions.is_empty() || conditions.len() == layers) {
        return Err(format!("{} couplings", couplings.len()));
    }
    Ok(Flow {
        couplings,
        latents: value.to_owned(),
        conditions,
    })
}

struct Found<'a> {
    coupling: Coupling,
    conditions: Vec<String>,
    /// What is turned round, split and shifted.
    latents: &'a str,
}

/// The coupling whose result is the concatenation `value`.
fn coupling<'a>(
    graph: &'a GraphProto,
    wiring: &Wiring<'a>,
    mask: &str,
    value: &'a str,
) -> Result<Found<'a>, String> {
    let concat = wiring.maker_of(value, "Concat")?;
    let first = input(concat, 0)?;
    let shifted = unscaled(wiring, unmasked(wiring, mask, input(concat, 1)?))?;
    let difference = wiring.maker_of(shifted, "Sub")?;
    let split = wiring.maker_of(first, "Split")?;
    let halves: Vec<&str> = split.output.iter().map(String::as_str).collect();
    if halves != [first, input(difference, 0)?] {
        return Err("a coupling of something else than two halves".to_owned());
    }
    let turn = wiring.maker_of(input(split, 0)?, "Slice")?;
    let constant = |index| wiring.integers(input(turn, index).unwrap_or_default());
    if constant(3) != Some(vec![1]) || constant(4) != Some(vec![-1]) {
        return Err("a slice that does not turn the channels round".to_owned());
    }
    let shift = unmasked(wiring, mask, input(difference, 1)?);
    let (coupling, conditions) = shift_network(graph, wiring, mask, first, shift)?;
    Ok(Found {
        coupling,
        conditions,
        latents: input(turn, 0)?,
    })
}

/// The network between the first half and the shift, from its convolutions in the order of the computation: one of one
/// tap, then per layer one of several taps and one of one, then one.
fn shift_network(
    graph: &GraphProto,
    wiring: &Wiring<'_>,
    mask: &str,
    first: &str,
    shift: &str,
) -> Result<(Coupling, Vec<String>), String> {
    let mut inside: HashSet<&str> = HashSet::new();
    let mut waiting = vec![shift];
    let mut added = Vec::new();
    while let Some(value) = waiting.pop() {
        if value == first || value == mask || !inside.insert(value) {
            continue;
        }
        let Some(node) = wiring.maker(value) else {
            continue;
        };
        // What is added to a convolution of several taps is a condition, or zeros in its place.
        let wide = |value: &str| taps(wiring, value).is_some_and(|taps| taps > 1);
        let read = match (node.input.first(), node.input.get(1)) {
            (Some(a), Some(b)) if is_op(node, "", "Add") && (wide(a) || wide(b)) => {
                let (conv, condition) = if wide(a) { (a, b) } else { (b, a) };
                if wiring.maker_of(condition, "ConstantOfShape").is_err() {
                    added.push((conv.as_str(), condition.clone()));
                }
                std::slice::from_ref(conv)
            }
            _ => node.input.as_slice(),
        };
        waiting.extend(read.iter().map(String::as_str));
    }
    let within = |node: &&NodeProto| node.output.iter().any(|o| inside.contains(o.as_str()));
    let nodes: Vec<&NodeProto> = graph.node.iter().filter(within).collect();
    let count = |op: &str| nodes.iter().filter(|node| is_op(node, "", op)).count();
    let convs: Vec<&NodeProto> = nodes
        .iter()
        .copied()
        .filter(|node| is_op(node, "", "Conv"))
        .collect();
    let [pre, layers @ .., post] = convs.as_slice() else {
        return Err("a shift without convolutions".to_owned());
    };
    let count_of_layers = layers.len() / 2;
    let tangents_first = nodes
        .iter()
        .filter(|node| is_op(node, "", "Tanh"))
        .all(|node| {
            let half = input(node, 0)
                .ok()
                .and_then(|v| wiring.maker_of(v, "Slice").ok());
            half.and_then(|slice| wiring.integers(slice.input.get(1)?)) == Some(vec![0])
        });
    if !layers.len().is_multiple_of(2)
        || count("Tanh") != count_of_layers
        || count("Sigmoid") != count_of_layers
        || !tangents_first
    {
        return Err(format!("a shift of {} convolutions", convs.len()));
    }
    let mut conditions = Vec::new();
    let mut found = Vec::new();
    for pair in layers.chunks_exact(2) {
        let output = pair[0].output.first().map_or("", String::as_str);
        conditions.extend(
            added
                .iter()
                .find(|(conv, _)| *conv == output)
                .map(|(_, condition)| condition.clone()),
        );
        found.push(WaveNetLayer {
            conv: conv_weights(wiring, pair[0], 0)?,
            res_skip: conv_weights(wiring, pair[1], 0)?,
        });
    }
    let coupling = Coupling {
        pre: conv_weights(wiring, pre, 0)?,
        layers: found,
        post: conv_weights(wiring, post, 0)?,
    };
    Ok((coupling, conditions))
}

/// Taps of the convolution that makes `value`.
fn taps(wiring: &Wiring<'_>, value: &str) -> Option<usize> {
    let conv = wiring.maker_of(value, "Conv").ok()?;
    wiring.shape(conv.input.get(1)?)?.get(2).copied()
}

/// The value behind multiplications with the mask.
fn unmasked<'a>(wiring: &Wiring<'a>, mask: &str, mut value: &'a str) -> &'a str {
    while let Ok(product) = wiring.maker_of(value, "Mul") {
        match (input(product, 0), input(product, 1)) {
            (Ok(inner), Ok(other)) | (Ok(other), Ok(inner)) if other == mask => value = inner,
            _ => break,
        }
    }
    value
}

/// The value behind a multiplication with exp(−0), which exports have in place of a scale.
fn unscaled<'a>(wiring: &Wiring<'a>, value: &'a str) -> Result<&'a str, String> {
    let Ok(product) = wiring.maker_of(value, "Mul") else {
        return Ok(value);
    };
    let negative = wiring
        .maker_of(input(product, 1)?, "Exp")
        .and_then(|exp| wiring.maker_of(input(exp, 0)?, "Neg"))?;
    wiring.maker_of(input(negative, 0)?, "ConstantOfShape")?;
    input(product, 0)
}

//! Running Kokoro's network: the graph up to the generator, the generator on our own kernels, the rest of the graph.
//!
//! Owns the model's inputs and where the graph is cut. A graph whose generator is not recognised runs as a whole.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rten::{Model, NodeId, ThreadPool, ValueOrView};
use rten_onnx::onnx::{GraphProto, ModelProto, ValueInfoProto};
use rten_tensor::Tensor;
use voxgate_engine::EngineError;
use voxgate_vocoder::istftnet::{ClauseError, Excited, IstftNetWeights, Style};
use voxgate_vocoder::{IstftNet, ShapeError};

use super::{edits, generator};
use crate::error::LoadError;
use crate::tts::graph::{self, Wiring};
use crate::tts::runtime::Graph;
use crate::tts::{ClauseSink, SymbolTimes};

/// The loaded network.
pub(super) struct KokoroModel {
    graph: Graph,
    tokens: NodeId,
    style: NodeId,
    speed: NodeId,
    /// Place of the tokens' lengths among the graph's outputs, where it computes them.
    lengths: Option<usize>,
    sound: Sound,
}

/// What the graph ends in.
enum Sound {
    /// A waveform.
    Whole,
    /// What a generator reads.
    Cut(Box<Cut>),
}

/// A generator between two graphs. Places are those of the first graph's outputs.
struct Cut {
    generator: IstftNet,
    frames: usize,
    excitations: Vec<usize>,
    /// Gain and shift of each normalisation.
    styles: Vec<[usize; 2]>,
    /// From the spectrum to samples.
    rest: Graph,
    spectrum: NodeId,
}

/// What is left of the graph before and behind a generator.
struct Parts {
    generator: IstftNet,
    /// What the part in front computes, each once.
    outputs: Vec<String>,
    frames: usize,
    excitations: Vec<usize>,
    styles: Vec<[usize; 2]>,
    spectrum: String,
    rest: GraphProto,
}

impl KokoroModel {
    /// Loads the graph and takes its generator out of it, where that is known.
    pub(super) fn load(
        path: &Path,
        model_name: &str,
        threads: &Arc<ThreadPool>,
    ) -> Result<Self, LoadError> {
        Self::load_with(path, model_name, threads, |graph| {
            take_generator(graph, IstftNet::new)
                .map_err(|reason| {
                    tracing::info!(
                        model = model_name,
                        reason,
                        "the voice's generator is not known: its graph runs as a whole"
                    );
                })
                .ok()
        })
    }

    fn load_with(
        path: &Path,
        model_name: &str,
        threads: &Arc<ThreadPool>,
        take: impl FnOnce(&GraphProto) -> Option<Parts>,
    ) -> Result<Self, LoadError> {
        let invalid = |reason: String| LoadError::invalid(path, model_name, reason);
        let mut proto = graph::parse(path, model_name)?;
        let whole = proto
            .graph
            .as_mut()
            .ok_or_else(|| invalid("the file holds no graph".to_owned()))?;
        let first = |name: Option<&ValueInfoProto>| name.and_then(|value| value.name.clone());
        let waveform = first(whole.output.first())
            .ok_or_else(|| invalid("the graph has no output".to_owned()))?;
        edits::apply(whole).map_err(invalid)?;
        let lengths = token_lengths(whole);
        let parts = take(whole);

        let mut outputs = match &parts {
            Some(parts) => parts.outputs.clone(),
            None => vec![waveform],
        };
        let place = lengths.as_ref().map(|lengths| {
            let known = outputs.iter().position(|output| output == lengths);
            known.unwrap_or_else(|| {
                outputs.push(lengths.clone());
                outputs.len() - 1
            })
        });
        let names: Vec<&str> = outputs.iter().map(String::as_str).collect();
        graph::keep_only(whole, &names).map_err(invalid)?;
        edits::pad_with_zero_points(whole);
        let sound = match parts {
            None => Sound::Whole,
            Some(parts) => {
                let rest = ModelProto {
                    graph: Some(parts.rest),
                    ir_version: proto.ir_version,
                    opset_import: proto.opset_import.clone(),
                    ..ModelProto::default()
                };
                let rest = graph::build(rest).map_err(invalid)?;
                Sound::Cut(Box::new(Cut {
                    generator: parts.generator,
                    frames: parts.frames,
                    excitations: parts.excitations,
                    styles: parts.styles,
                    spectrum: graph::find_input(&rest, path, model_name, &[&parts.spectrum])?,
                    rest: Graph::new(rest, Arc::clone(threads)),
                }))
            }
        };
        let model: Model = graph::build(proto).map_err(invalid)?;
        let input = |names: &[&str]| graph::find_input(&model, path, model_name, names);
        Ok(Self {
            tokens: input(&["tokens", "input_ids"])?,
            style: input(&["style", "ref_s"])?,
            speed: input(&["speed"])?,
            graph: Graph::new(model, Arc::clone(threads)),
            lengths: place,
            sound,
        })
    }

    /// Speaks one clause into `clause`. `tokens` are the pad, one for each character of `symbols`, and the pad again.
    pub(super) fn speak(
        &self,
        tokens: Vec<i32>,
        symbols: String,
        style: &[f32],
        speed: f32,
        clause: &mut ClauseSink<'_, '_>,
    ) -> Result<(), EngineError> {
        let (samples, lengths) = self.sound(tokens, style, speed, &mut || !clause.cancelled())?;
        if let Some(times) = lengths.and_then(|lengths| times(symbols, &lengths, samples.len())) {
            clause.times(times);
        }
        clause.push(&samples)
    }

    /// The samples of one clause, and each token's length in frames where the model tells.
    fn sound(
        &self,
        tokens: Vec<i32>,
        style: &[f32],
        speed: f32,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(Vec<f32>, Option<Vec<f32>>), EngineError> {
        let inputs: Vec<(NodeId, ValueOrView)> = vec![
            (
                self.tokens,
                Tensor::from_data(&[1, tokens.len()], tokens).into(),
            ),
            (
                self.style,
                Tensor::from_data(&[1, style.len()], style.to_vec()).into(),
            ),
            (self.speed, Tensor::from_data(&[1], vec![speed]).into()),
        ];
        let mut made = self.graph.run(inputs, self.graph.outputs())?;
        let lengths = self.lengths.map(|place| made[place].clone());
        let samples = match &self.sound {
            Sound::Whole => std::mem::take(&mut made[0]),
            Sound::Cut(cut) => cut.sound(&mut made, go_on)?,
        };
        Ok((samples, lengths))
    }
}

impl Cut {
    fn sound(
        &self,
        made: &mut [Vec<f32>],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<f32>, EngineError> {
        let mut take = |place: usize| std::mem::take(&mut made[place]);
        let excited = Excited {
            frames: take(self.frames),
            excitations: self.excitations.iter().map(|&place| take(place)).collect(),
            styles: self
                .styles
                .iter()
                .map(|&[gain, shift]| Style {
                    gain: made[gain].clone(),
                    shift: made[shift].clone(),
                })
                .collect(),
        };
        let spectrum = self
            .generator
            .spectrum(&excited, go_on)
            .map_err(|error| match error {
                ClauseError::Stopped => EngineError::Cancelled,
                ClauseError::Shape(error) => EngineError::Internal(error.to_string()),
            })?;
        let channels = self.generator.spectrum_channels();
        let shape = [1, channels, spectrum.len() / channels];
        let inputs = vec![(self.spectrum, Tensor::from_data(&shape, spectrum).into())];
        Ok(self.rest.run(inputs, &self.rest.outputs()[..1])?.concat())
    }
}

/// When each symbol is spoken, from the tokens' lengths in frames of the model's own.
fn times(symbols: String, lengths: &[f32], samples: usize) -> Option<SymbolTimes> {
    let frames: f32 = lengths.iter().sum();
    let [lead, symbol_frames @ .., _] = lengths else {
        return None;
    };
    if frames < 1.0 || symbol_frames.len() != symbols.chars().count() {
        return None;
    }
    let frame = samples as f64 / f64::from(frames);
    let in_samples = |frames: &f32| (f64::from(*frames) * frame).round() as u64;
    Some(SymbolTimes {
        symbols,
        lead: in_samples(lead),
        lengths: symbol_frames.iter().map(in_samples).collect(),
    })
}

/// The value that holds each token's length in frames: the only numbers the model rounds, then at least one.
fn token_lengths(graph: &GraphProto) -> Option<String> {
    let mut rounded = graph
        .node
        .iter()
        .filter(|node| graph::is_op(node, "", "Round"));
    let (Some(round), None) = (rounded.next(), rounded.next()) else {
        return None;
    };
    let name = round.output.first()?;
    let clip = graph
        .node
        .iter()
        .find(|node| graph::is_op(node, "", "Clip") && node.input.first() == Some(name))?;
    clip.output.first().cloned()
}

/// Finds the generator, packs its weights, and says what is left of the graph without it.
fn take_generator(
    graph: &GraphProto,
    pack: impl FnOnce(&IstftNetWeights) -> Result<IstftNet, ShapeError>,
) -> Result<Parts, String> {
    let found = generator::find(graph)?;
    let generator = pack(&found.weights).map_err(|error| error.to_string())?;
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut outputs = Vec::new();
    let mut place = |name: String| {
        *places.entry(name).or_insert_with_key(|name| {
            outputs.push(name.clone());
            outputs.len() - 1
        })
    };
    let frames = place(found.frames);
    let excitations = found.excitations.into_iter().map(&mut place).collect();
    let styles = found
        .styles
        .into_iter()
        .map(|[gain, shift]| [place(gain), place(shift)])
        .collect();
    Ok(Parts {
        generator,
        outputs,
        frames,
        excitations,
        styles,
        rest: behind(graph, &found.spectrum)?,
        spectrum: found.spectrum,
    })
}

/// The part of a graph that makes its output from `value`.
fn behind(graph: &GraphProto, value: &str) -> Result<GraphProto, String> {
    let maker = Wiring::new(graph).maker(value).map(std::ptr::from_ref);
    let mut rest = GraphProto {
        node: graph
            .node
            .iter()
            .filter(|&node| Some(std::ptr::from_ref(node)) != maker)
            .cloned()
            .collect(),
        input: vec![ValueInfoProto {
            name: Some(value.to_owned()),
            r#type: None,
        }],
        ..GraphProto::default()
    };
    let output = graph.output.first().and_then(|output| output.name.clone());
    graph::keep_only(&mut rest, &[&output.ok_or("the graph has no output")?])?;
    let reads = |name: &String| rest.node.iter().any(|node| node.input.contains(name));
    rest.initializer = graph
        .initializer
        .iter()
        .filter(|tensor| tensor.name.as_ref().is_some_and(reads))
        .cloned()
        .collect();
    Ok(rest)
}

#[cfg(test)]
mod tests;

//! Running a Piper voice: the graph up to the latent frames, then the generator window by window.
//!
//! Owns the model's inputs, the seed that makes it deterministic and the sizes of the windows. A graph whose generator is
//! not recognised runs as a whole.

use std::path::Path;
use std::sync::Arc;

use rten::{NodeId, ThreadPool, ValueOrView};
use rten_onnx::onnx::GraphProto;
use rten_tensor::Tensor;
use voxgate_engine::EngineError;
use voxgate_vocoder::HifiGan;

use super::config::Inference;
use super::symbols::Encoded;
use super::{flow, generator};
use crate::error::LoadError;
use crate::tts::runtime::{Graph, finite};
use crate::tts::{ClauseSink, graph};

/// Seed of the graph's random nodes, so that the same request gives the same samples.
const NOISE_SEED: f32 = 20.0;
/// Sound of the first window: small, for it is waited for.
const FIRST_WINDOW_MS: usize = 120;
/// Work of the largest window in floating-point operations: 10 ms with AVX-512, 50 ms in portable code. Between windows
/// a listener's leaving is noticed.
const WINDOW_OPERATIONS: usize = 1_000_000_000;

/// A voice's network.
pub(super) struct VoiceModel {
    graph: Graph,
    inputs: Inputs,
    sound: Sound,
    sample_rate_hz: u32,
}

struct Inputs {
    symbols: NodeId,
    lengths: NodeId,
    scales: NodeId,
    /// Only in models of several speakers.
    speaker: Option<NodeId>,
}

/// What the graph ends in.
enum Sound {
    /// A waveform.
    Whole,
    /// Latent frames for a generator.
    Latents {
        generator: Box<HifiGan>,
        /// The generator's places that the graph makes conditions for, in the order of its outputs behind the latents.
        conditions: Vec<usize>,
        /// Whether the last output is the length of each id in frames.
        durations: bool,
    },
}

impl VoiceModel {
    /// Loads a voice's graph and takes its generator out of it, where that is known.
    pub(super) fn load(
        path: &Path,
        model_name: &str,
        several_speakers: bool,
        sample_rate_hz: u32,
        threads: Arc<ThreadPool>,
    ) -> Result<Self, LoadError> {
        let take = |graph: &mut GraphProto| {
            take_generator(graph).unwrap_or_else(|reason| {
                tracing::info!(
                    model = model_name,
                    reason,
                    "a voice's generator is not known: its graph runs as a whole, clause by clause"
                );
                Sound::Whole
            })
        };
        Self::load_with(
            path,
            model_name,
            several_speakers,
            sample_rate_hz,
            threads,
            take,
        )
    }

    fn load_with(
        path: &Path,
        model_name: &str,
        several_speakers: bool,
        sample_rate_hz: u32,
        threads: Arc<ThreadPool>,
        take: impl FnOnce(&mut GraphProto) -> Sound,
    ) -> Result<Self, LoadError> {
        let mut sound = Sound::Whole;
        let model = graph::load(path, model_name, |graph| {
            seed_noise(graph);
            sound = take(graph);
            Ok(())
        })?;
        let input = |name: &str| graph::find_input(&model, path, model_name, &[name]);
        let inputs = Inputs {
            symbols: input("input")?,
            lengths: input("input_lengths")?,
            scales: input("scales")?,
            speaker: if several_speakers {
                Some(input("sid")?)
            } else {
                None
            },
        };
        if model.output_ids().is_empty() {
            return Err(LoadError::invalid(
                path,
                model_name,
                "the graph has no output",
            ));
        }
        Ok(Self {
            graph: Graph::new(model, threads),
            inputs,
            sound,
            sample_rate_hz,
        })
    }

    /// Speaks one clause into `clause`.
    pub(super) fn speak(
        &self,
        encoded: Encoded,
        speaker: Option<i32>,
        inference: &Inference,
        speed: f32,
        clause: &mut ClauseSink<'_, '_>,
    ) -> Result<(), EngineError> {
        let inputs = self.inputs(&encoded, speaker, inference, speed)?;
        let outputs = self.graph.outputs();
        let Sound::Latents {
            generator,
            conditions,
            durations,
        } = &self.sound
        else {
            let samples = self.graph.run(inputs, &outputs[..1])?;
            return clause.push(&samples.concat());
        };
        let mut made = self.graph.run(inputs, outputs)?.into_iter();
        let mut next = || made.next().unwrap_or_default();
        let latents = next();
        let conditions: Vec<_> = conditions.iter().map(|&place| (place, next())).collect();
        if *durations {
            let frame = generator.samples_per_frame() as u64;
            // Rounded up by the graph, so they are whole.
            let lengths: Vec<u64> = next().iter().map(|&n| n as u64 * frame).collect();
            if let Some(times) = encoded.times(&lengths) {
                clause.times(times);
            }
        }
        let internal =
            |error: voxgate_vocoder::ShapeError| EngineError::Internal(error.to_string());
        let mut stream = generator.stream(latents).map_err(internal)?;
        for (place, condition) in &conditions {
            stream.condition(*place, condition).map_err(internal)?;
        }
        let per_second = self.sample_rate_hz as usize / generator.samples_per_frame();
        let largest = (WINDOW_OPERATIONS / generator.operations_per_frame().max(1)).max(1);
        let mut frames = (per_second * FIRST_WINDOW_MS / 1000).clamp(1, largest);
        while stream.remaining_frames() > 0 {
            clause.push(finite(stream.next_window(frames))?)?;
            frames = (frames * 2).min(largest);
        }
        Ok(())
    }

    fn inputs(
        &self,
        encoded: &Encoded,
        speaker: Option<i32>,
        inference: &Inference,
        speed: f32,
    ) -> Result<Vec<(NodeId, ValueOrView<'static>)>, EngineError> {
        let ids = encoded.ids.clone();
        let length = i32::try_from(ids.len())
            .map_err(|_| EngineError::Internal("a clause is too long".to_owned()))?;
        let scales = vec![
            inference.noise_scale,
            inference.length_scale / speed,
            inference.noise_w,
        ];
        let mut inputs: Vec<(NodeId, ValueOrView)> = vec![
            (
                self.inputs.symbols,
                Tensor::from_data(&[1, ids.len()], ids).into(),
            ),
            (
                self.inputs.lengths,
                Tensor::from_data(&[1], vec![length]).into(),
            ),
            (self.inputs.scales, Tensor::from_data(&[3], scales).into()),
        ];
        if let Some(node) = self.inputs.speaker {
            let speaker = speaker.unwrap_or_default();
            inputs.push((node, Tensor::from_data(&[1], vec![speaker]).into()));
        }
        Ok(inputs)
    }
}

/// Cuts the graph in front of the flow, or of the generator where the flow is not known, and takes the weights of what is
/// cut off. Where that fails the graph is unchanged.
fn take_generator(graph: &mut GraphProto) -> Result<Sound, String> {
    let cut = generator::find(graph)?;
    let flow = flow::find(graph, &cut.latents).and_then(|flow| {
        let generator = HifiGan::with_flow(&flow.couplings, &cut.weights);
        Ok((flow, generator.map_err(|error| error.to_string())?))
    });
    let (generator, latents, mut conditions) = match flow {
        Ok((flow, generator)) => (generator, flow.latents, flow.conditions),
        Err(reason) => {
            tracing::debug!(reason, "a voice's flow is not known: the graph computes it");
            let generator = HifiGan::new(&cut.weights).map_err(|error| error.to_string())?;
            (generator, cut.latents, Vec::new())
        }
    };
    let mut places: Vec<usize> = (0..conditions.len()).collect();
    if let Some(condition) = cut.condition {
        conditions.push(condition);
        places.push(generator.condition_places() - 1);
    }
    let outputs: Vec<&str> = std::iter::once(&latents)
        .chain(&conditions)
        .chain(&cut.durations)
        .map(String::as_str)
        .collect();
    graph::keep_only(graph, &outputs)?;
    Ok(Sound::Latents {
        generator: Box::new(generator),
        conditions: places,
        durations: cut.durations.is_some(),
    })
}

/// Makes the model's noise the same in each run: duration and timbre noise stay, as their scales say, but from a fixed seed.
fn seed_noise(graph: &mut GraphProto) {
    for node in &mut graph.node {
        let random = [
            "RandomNormalLike",
            "RandomNormal",
            "RandomUniformLike",
            "RandomUniform",
        ]
        .iter()
        .any(|op_type| graph::is_op(node, "", op_type));
        if random {
            graph::set_float_attribute(node, "seed", NOISE_SEED);
        }
    }
}

#[cfg(test)]
mod tests;

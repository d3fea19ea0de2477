//! Running a loaded graph: one shared thread pool, plain vectors in and out.

use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::Tensor;
use voxgate_engine::EngineError;

/// A loaded model with the pool its operators run on. Shared by all worker threads.
pub(crate) struct Vocoder {
    model: Model,
    output: NodeId,
    threads: Arc<ThreadPool>,
}

impl Vocoder {
    /// Wraps a model whose first output is a waveform; `None` when it has no output.
    pub(crate) fn new(model: Model, threads: Arc<ThreadPool>) -> Option<Self> {
        let output = *model.output_ids().first()?;
        Some(Self {
            model,
            output,
            threads,
        })
    }

    /// Runs the model once and returns its waveform, whatever shape it comes in.
    pub(crate) fn run(&self, inputs: Vec<(NodeId, ValueOrView)>) -> Result<Vec<f32>, EngineError> {
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let [audio] = self
            .model
            .run_n(inputs, [self.output], Some(options))
            .map_err(|error| EngineError::Internal(format!("the model failed: {error}")))?;
        let audio: Tensor<f32> = audio.try_into().map_err(|error| {
            EngineError::Internal(format!("the model's output is not a waveform: {error}"))
        })?;
        let samples = audio.into_data();
        // A single NaN would run through filters and encoders as noise or silence: better no audio than that.
        if samples.iter().all(|sample| sample.is_finite()) {
            Ok(samples)
        } else {
            Err(EngineError::Internal(
                "the model's output is not finite".to_owned(),
            ))
        }
    }
}

//! Running a loaded graph: one shared thread pool, plain vectors in and out.

use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, ValueOrView};
use rten_tensor::Tensor;
use voxgate_engine::EngineError;

/// A loaded graph with the pool its operators run on. Shared by all worker threads.
pub(crate) struct Graph {
    model: Model,
    threads: Arc<ThreadPool>,
}

impl Graph {
    pub(crate) fn new(model: Model, threads: Arc<ThreadPool>) -> Self {
        Self { model, threads }
    }

    /// The graph's outputs, in order.
    pub(crate) fn outputs(&self) -> &[NodeId] {
        self.model.output_ids()
    }

    /// Runs the graph once and returns the numbers of `outputs`, whatever shapes they come in.
    pub(crate) fn run(
        &self,
        inputs: Vec<(NodeId, ValueOrView)>,
        outputs: &[NodeId],
    ) -> Result<Vec<Vec<f32>>, EngineError> {
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let values = self
            .model
            .run(inputs, outputs, Some(options))
            .map_err(|error| EngineError::Internal(format!("the model failed: {error}")))?;
        values
            .into_iter()
            .map(|value| {
                let value: Tensor<f32> = value.try_into().map_err(|error| {
                    EngineError::Internal(format!("the model's output is not f32: {error}"))
                })?;
                let numbers = value.into_data();
                finite(&numbers)?;
                Ok(numbers)
            })
            .collect()
    }
}

/// The numbers, if all are finite: a single NaN would run through filters and encoders as noise or silence, so better no
/// audio than that.
pub(crate) fn finite(numbers: &[f32]) -> Result<&[f32], EngineError> {
    if numbers.iter().all(|number| number.is_finite()) {
        Ok(numbers)
    } else {
        Err(EngineError::Internal(
            "the model's output is not finite".to_owned(),
        ))
    }
}

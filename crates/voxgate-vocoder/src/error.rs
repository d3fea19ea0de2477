//! What the crate refuses.

/// Weights that do not make a network this crate can run. The text names the layer and its sizes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(pub(crate) String);

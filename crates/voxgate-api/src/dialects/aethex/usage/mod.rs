//! What was used, by the caller or by somebody the caller administers.

pub mod requests;
pub mod summary;

const TAG: &str = "usage";

//! Routes that belong to the server itself: health, readiness, metrics, documentation, the front page.

pub mod docs;
pub mod health;
pub mod landing;
pub mod metrics;
pub mod ready;

const TAG: &str = "system";

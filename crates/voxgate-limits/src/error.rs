//! What can go wrong when a shared limiter is started. Afterwards nothing does: it falls back.

/// Why a shared limiter could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LimiterError {
    /// The address is no Redis address.
    #[error("the Redis address cannot be used: {0}")]
    Address(String),
    /// Nobody answers there, or not as Redis would.
    #[error("Redis does not answer: {0}")]
    Unavailable(String),
}

//! What an organisation may still use.

use std::time::Duration;

use voxgate_domain::Timestamp;

use crate::Principal;

/// Where an organisation's requests per minute stand; what `X-RateLimit-*` headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateStatus {
    /// Requests allowed in any 60 seconds.
    pub limit: u32,
    /// Requests that would be admitted right now.
    pub remaining: u32,
    /// When the limit is whole again if nothing more is asked.
    pub reset: Timestamp,
    /// The same, from now.
    pub reset_after: Duration,
}

/// The limits of organisations. Speech requests are counted by [`crate::speech::Speech::synthesize`] itself.
#[derive(Clone)]
pub struct Limits {}

impl Limits {
    /// Where the caller's organisation stands, without counting anything; `None` for a caller without an organisation.
    #[must_use]
    pub fn rate_status(&self, _principal: &Principal) -> Option<RateStatus> {
        unimplemented!()
    }
}

//! What an organisation may still use: requests per minute in this process (`rate`), words per day and month in the
//! database (`words`), where they are exact over any number of processes.

pub(crate) mod rate;
pub(crate) mod words;

use std::sync::Arc;
use std::time::Duration;

use voxgate_domain::{LimitKind, LimitRefusal, OrgId, Timestamp};

use crate::Principal;
use crate::core::Core;
use rate::{RateTicket, WindowState};

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
pub struct Limits {
    core: Arc<Core>,
}

impl Limits {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Where the caller's organisation stands, without counting anything; `None` for a caller without an organisation.
    #[must_use]
    pub fn rate_status(&self, principal: &Principal) -> Option<RateStatus> {
        let org = principal.organization()?;
        let limit = org.limits.requests_per_minute;
        let state = self
            .core
            .rates
            .peek(org.id, limit, self.core.clock.monotonic());
        Some(status(limit, state, self.core.now()))
    }
}

/// Counts a request of an organisation if it fits.
pub(crate) fn take_request(
    core: &Core,
    org: OrgId,
    limit: u32,
) -> Result<(RateTicket, RateStatus), LimitRefusal> {
    let now = core.now();
    match core.rates.take(org, limit, core.clock.monotonic()) {
        Ok((ticket, state)) => Ok((ticket, status(limit, state, now))),
        Err(state) => Err(LimitRefusal {
            kind: LimitKind::RequestsPerMinute,
            limit: u64::from(limit),
            remaining: 0,
            reset: now.saturating_add(state.reset_after.max(state.retry_after)),
            retry_after: state.retry_after,
        }),
    }
}

fn status(limit: u32, state: WindowState, now: Timestamp) -> RateStatus {
    RateStatus {
        limit,
        remaining: state.remaining,
        reset: now.saturating_add(state.reset_after),
        reset_after: state.reset_after,
    }
}

//! Limits that hold, and where the short ones stand.

use uuid::Uuid;
use voxgate_domain::{Horizon, LimitKind, LimitSet};
use voxgate_services::gate::LimitState;

use crate::output::output;

output! {
    /// One limit that holds.
    pub struct AdminLimit {
        /// Its name.
        kind: &'static str,
        /// Whose it is: organization or key.
        scope: &'static str,
        /// Its value.
        limit: u64,
        /// Over what it counts: window, concurrent, day or month.
        horizon: &'static str,
        /// What would be admitted right now, where that is known without a look at the books: of short windows and of what
        /// is under way at once, for the caller's own credential. Where organisation and key limit the same, it is what the
        /// tighter one leaves.
        remaining: Option<u64>,
        /// Seconds until it is whole again, likewise.
        reset_after: Option<u64>,
    }
}

output! {
    /// The limits that hold.
    pub struct AdminLimits {
        /// The organisation they hold for.
        organization_id: Option<Uuid>,
        /// The key they hold for.
        key_id: Option<Uuid>,
        /// Each limit; what is not named is not limited.
        limits: Vec<AdminLimit>,
    }
}

/// The limits of one scope; `state` tells where a limit stands, where that is known.
pub fn limits_of(
    scope: voxgate_domain::LimitScope,
    set: &LimitSet,
    state: impl Fn(LimitKind) -> Option<LimitState>,
) -> Vec<AdminLimit> {
    set.iter()
        .map(|(kind, limit)| {
            let state = state(kind);
            AdminLimit {
                kind: kind.as_str(),
                scope: scope.as_str(),
                limit,
                horizon: horizon(kind),
                remaining: state.map(|state| state.remaining),
                reset_after: state.map(|state| {
                    let wait = state.reset_after;
                    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
                }),
            }
        })
        .collect()
}

fn horizon(kind: LimitKind) -> &'static str {
    match kind.horizon() {
        Some(Horizon::Window(_)) | None => "window",
        Some(Horizon::Concurrent) => "concurrent",
        Some(Horizon::Day) => "day",
        Some(Horizon::Month) => "month",
    }
}

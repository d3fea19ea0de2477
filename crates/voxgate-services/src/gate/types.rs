//! What is asked of the gate, and what it says about limits.

use std::time::Duration;

use voxgate_domain::{EndpointClass, LimitKind, Quantities, Service};
use voxgate_limits::{CellState, States};

/// What a request wants from the gate.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Which capability it uses.
    pub service: Service,
    /// What kind of request it is.
    pub class: EndpointClass,
    /// The dialect it came in, as in `aethex`.
    pub dialect: &'static str,
    /// The route it came by, as in `/tts/tts`.
    pub endpoint: &'static str,
    /// What does the work: the name prices and key scopes go by.
    pub model: String,
    /// The voice as the request names it; empty where there is none.
    pub voice: String,
    /// The other names of that voice: a key that may use one of them may use the voice.
    pub voice_names: Vec<String>,
    /// Format of the answer; empty where there is none.
    pub format: &'static str,
    /// Sample rate of the answer; 0 where there is none.
    pub sample_rate_hz: u32,
    /// The most it can consume, as far as that is known: what is held until it ends.
    pub quantities: Quantities,
}

/// Where the caller's short-term limits stand: what `X-RateLimit-*` headers say.
#[derive(Debug, Clone, Copy)]
pub struct LimitsView {
    pub(crate) states: States,
}

impl LimitsView {
    /// The state of a limit: of the organisation's and the key's, the one with less left.
    #[must_use]
    pub fn get(&self, kind: LimitKind) -> Option<LimitState> {
        self.states.tightest(kind).map(LimitState::from)
    }
}

/// Where one limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitState {
    /// Its value.
    pub limit: u64,
    /// What would be admitted right now.
    pub remaining: u64,
    /// Until it is whole again, if nothing more is asked.
    pub reset_after: Duration,
}

impl From<CellState> for LimitState {
    fn from(state: CellState) -> Self {
        Self {
            limit: state.limit,
            remaining: state.remaining,
            reset_after: state.reset_after,
        }
    }
}

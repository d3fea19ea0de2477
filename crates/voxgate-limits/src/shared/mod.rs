//! Limits shared through Redis: who talks to it, and what happens while it is away.
//!
//! One background task per limiter renews the leases of running streams, sends the ends of streams nobody waited for, and
//! looks whether Redis is back. Requests never wait for a connection: the first whose question fails turns the mode, and
//! those after it decide here until the task has found Redis again.

mod leases;
mod link;
mod scripts;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::demand::{Cells, Demand, States, is_streams};
use crate::error::LimiterError;
use crate::grant::{Change, Grant};
use crate::limiter::Decision;
use crate::memory::Memory;

pub(crate) use leases::Lease;
use link::Link;
use scripts::{Answer, Intent};

/// How to reach the Redis that servers share, and how patient to be with it.
#[derive(Clone)]
pub struct RedisConfig {
    /// Its address: `redis://[user:password@]host:port/db`, or `rediss://` for TLS. Not shown by `Debug`.
    pub url: String,
    /// What all keys begin with; servers with the same prefix share their limits.
    pub prefix: String,
    /// How long the streams of a server that died go on counting. Renewed at a third of it. The same on all servers.
    pub lease_ttl: Duration,
    /// How long a decision waits for Redis before it is made here.
    pub response_timeout: Duration,
}

impl RedisConfig {
    /// The usual patience: leases of 15 s, answers within 250 ms, keys that begin with `voxgate`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: "voxgate".to_owned(),
            lease_ttl: Duration::from_secs(15),
            response_timeout: Duration::from_millis(250),
        }
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("prefix", &self.prefix)
            .field("lease_ttl", &self.lease_ttl)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}

/// The shared half of a limiter.
pub(crate) struct Shared {
    link: Arc<Link>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Shared {
    pub(crate) async fn connect(config: RedisConfig) -> Result<Self, LimiterError> {
        let link = Arc::new(Link::open(config)?);
        link.connect()
            .await
            .map_err(|error| LimiterError::Unavailable(error.to_string()))?;
        let stop = CancellationToken::new();
        let task = tokio::spawn(leases::keep(Arc::clone(&link), stop.clone()));
        Ok(Self {
            link,
            stop,
            task: Mutex::new(Some(task)),
        })
    }

    #[inline]
    pub(crate) fn is_away(&self) -> bool {
        self.link.is_away()
    }

    /// Asks Redis; `None` where it does not answer. What it admits is noted in `memory` too, so that falling back begins
    /// with what this server admitted.
    pub(crate) async fn decide(&self, demand: &Demand, memory: &Arc<Memory>) -> Option<Decision> {
        let mut connection = self.link.connection()?;
        // Before the question, so that a caller who goes away while it is under way leaves no lease behind.
        let lease = wants_stream(demand)
            .then(|| Lease::new(&self.link, demand.org(), demand.key(), streams_of(demand)));
        let id = lease.as_ref().map_or(0, Lease::id);
        let invocation = self.link.scripts.decide(demand, Intent::Take(id));
        let answer: Answer = match connection.ask(&invocation).await {
            Ok(answer) => answer,
            Err(error) => {
                self.link.lost(&connection, &error);
                return None;
            }
        };
        let Some((admitted, states, slots)) = scripts::read(&answer, demand) else {
            self.link.lost(&connection, &scripts::nonsense());
            return None;
        };
        if !admitted {
            if let Some(lease) = lease {
                lease.forget();
            }
            return Some(Decision {
                verdict: Err(states.longest_wait()),
                states,
            });
        }
        let mut grant = memory.note(demand);
        grant.shared = Some(Box::new(slots));
        if let Some(lease) = lease {
            lease.confirm();
            grant.set_lease(lease);
        }
        Some(Decision {
            verdict: Ok(grant),
            states,
        })
    }

    /// What is to be done with a decision made here: counted, and its streams reported once Redis is back.
    pub(crate) fn decided_away(&self, decision: &mut Decision) {
        metrics::counter!("voxgate_limits_degraded_decisions_total").increment(1);
        if let Ok(grant) = &mut decision.verdict
            && let Some(streams) = &grant.streams
        {
            let lease = Lease::new(&self.link, grant.org, grant.key, streams.cells);
            lease.confirm();
            grant.set_lease(lease);
        }
    }

    /// Repeats in Redis what was corrected here. Where Redis is away it stays uncorrected there, and leaves with its slot.
    pub(crate) async fn correct(&self, grant: &mut Grant, changes: &[Change]) {
        if changes.is_empty() || grant.shared.is_none() {
            return;
        }
        let Some(mut connection) = self.link.connection() else {
            return;
        };
        let invocation = self.link.scripts.correct(grant, changes);
        match connection.ask::<Vec<u64>>(&invocation).await {
            Ok(slots) => {
                for (change, slot) in changes.iter().zip(slots) {
                    if let Some(late) = &mut grant.late
                        && change.more > 0
                    {
                        late.shared[change.cell] = slot;
                    }
                }
            }
            Err(error) => self.link.lost(&connection, &error),
        }
    }

    pub(crate) async fn peek(&self, demand: &Demand) -> Option<States> {
        let mut connection = self.link.connection()?;
        let invocation = self.link.scripts.decide(demand, Intent::Peek);
        match connection.ask::<Answer>(&invocation).await {
            Ok(answer) => scripts::read(&answer, demand).map(|(_, states, _)| states),
            Err(error) => {
                self.link.lost(&connection, &error);
                None
            }
        }
    }

    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            // It ends by itself, within a response time; that it panicked is in the log already.
            let _ = task.await;
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("away", &self.is_away())
            .finish_non_exhaustive()
    }
}

/// The stream cells in which the demand asks for a stream.
fn streams_of(demand: &Demand) -> u16 {
    Cells(demand.asked)
        .filter(|cell| is_streams(*cell) && demand.weights[*cell] > 0)
        .fold(0, |cells, cell| cells | 1 << cell)
}

fn wants_stream(demand: &Demand) -> bool {
    streams_of(demand) != 0
}

#[cfg(test)]
mod tests;

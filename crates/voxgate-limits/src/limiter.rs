//! The one door: in memory or shared, the same calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use voxgate_domain::{Clock, LimitKind};

use crate::demand::{CellState, Demand, States, cell_of};
use crate::error::LimiterError;
use crate::grant::{Change, Grant};
use crate::memory::Memory;
use crate::shared::{RedisConfig, Shared};

/// How limits are decided at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In this process alone, because there is no other.
    Memory,
    /// In Redis, with the other servers.
    Shared,
    /// In this process, for its share of each limit, because Redis does not answer.
    Degraded,
}

impl Mode {
    /// A stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Shared => "shared",
            Self::Degraded => "degraded",
        }
    }
}

/// The answer to a [`Demand`].
#[derive(Debug)]
pub struct Decision {
    /// What was taken, or the limit that refused. Where several refuse, it is the one that takes longest: who waits for it
    /// finds room in the others too.
    pub verdict: Result<Grant, CellState>,
    /// Where every limit asked stands.
    pub states: States,
}

/// Decides over short windows and concurrent streams. One per process; share it by [`Arc`].
#[derive(Debug)]
pub struct Limiter {
    memory: Arc<Memory>,
    shared: Option<Shared>,
    nodes: AtomicU32,
}

impl Limiter {
    /// A limiter for a server that is alone.
    #[must_use]
    pub fn in_memory(clock: Arc<dyn Clock>) -> Self {
        Self {
            memory: Arc::new(Memory::new(clock)),
            shared: None,
            nodes: AtomicU32::new(1),
        }
    }

    /// A limiter for one of several servers. Starts a task on this runtime that renews leases and looks whether Redis is
    /// back; [`Limiter::shutdown`] ends it.
    ///
    /// # Errors
    /// Where the address is no Redis address, or nobody answers there: a server starts with the limits it was told to have,
    /// or not at all.
    pub async fn connect_redis(
        config: RedisConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LimiterError> {
        Ok(Self {
            memory: Arc::new(Memory::new(clock)),
            shared: Some(Shared::connect(config).await?),
            nodes: AtomicU32::new(1),
        })
    }

    /// Takes everything the demand asks for, or nothing. In memory and while degraded it completes without waiting.
    ///
    /// # Cancel safety
    /// Dropped before it completes, it may have counted; windows forget that by themselves, and leases end after the lease.
    pub async fn decide(&self, demand: &Demand) -> Decision {
        if let Some(shared) = &self.shared
            && let Some(decision) = shared.decide(demand, &self.memory).await
        {
            return decision;
        }
        self.decide_here(demand)
    }

    /// [`Limiter::decide`] without waiting; `None` where Redis must be asked.
    #[must_use]
    #[inline]
    pub fn decide_now(&self, demand: &Demand) -> Option<Decision> {
        match &self.shared {
            Some(shared) if !shared.is_away() => None,
            _ => Some(self.decide_here(demand)),
        }
    }

    /// Corrects what was counted of `kind`, down or up, for the organisation and the key alike, to `actual` units: an amount
    /// known only at the end. A correction upwards always succeeds and may pass the limit; what it adds counts from now. It
    /// does nothing where the grant holds nothing of the kind, or the units held have left the window already and `actual`
    /// is not more. Streams cannot be corrected, only released.
    pub async fn settle(&self, grant: &mut Grant, kind: LimitKind, actual: u64) {
        let Some(index) = cell_of(voxgate_domain::LimitScope::Organization, kind) else {
            return;
        };
        let changes = self.memory.settle(grant, index, actual);
        if let Some(shared) = &self.shared {
            let changes: Vec<Change> = changes.into_iter().flatten().collect();
            shared.correct(grant, &changes).await;
        }
    }

    /// Ends the grant's streams; what windows counted stays counted. Dropping a grant does the same, in the background.
    pub async fn release(&self, mut grant: Grant) {
        drop(grant.streams.take());
        if let Some(lease) = grant.take_lease() {
            lease.end().await;
        }
    }

    /// Undoes the grant, as if it had never been admitted.
    pub async fn give_back(&self, mut grant: Grant) {
        let changes = self.memory.give_back(&mut grant);
        if let Some(shared) = &self.shared {
            shared.correct(&mut grant, &changes).await;
        }
        self.release(grant).await;
    }

    /// Where the limits of a demand stand, for headers. Counts nothing.
    pub async fn peek(&self, demand: &Demand) -> States {
        if let Some(shared) = &self.shared
            && let Some(states) = shared.peek(demand).await
        {
            return states;
        }
        self.memory.peek(demand, self.share())
    }

    /// Tells how many servers share the limits, this one included; zero counts as one. Only the fallback uses it.
    pub fn set_nodes(&self, alive: u32) {
        self.nodes.store(alive.max(1), Ordering::Relaxed);
    }

    /// How limits are decided at this moment.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match &self.shared {
            None => Mode::Memory,
            Some(shared) if shared.is_away() => Mode::Degraded,
            Some(_) => Mode::Shared,
        }
    }

    /// Ends the background task and, where Redis answers, this server's leases. Decisions made afterwards are degraded.
    pub async fn shutdown(&self) {
        if let Some(shared) = &self.shared {
            shared.shutdown().await;
        }
    }

    #[inline]
    fn decide_here(&self, demand: &Demand) -> Decision {
        let mut decision = self.memory.decide(demand, self.share());
        if let Some(shared) = &self.shared {
            shared.decided_away(&mut decision);
        }
        decision
    }

    /// By how much limits are divided while they are decided here.
    #[inline]
    fn share(&self) -> u32 {
        match self.shared {
            None => 1,
            Some(_) => self.nodes.load(Ordering::Relaxed),
        }
    }
}

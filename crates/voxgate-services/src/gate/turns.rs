//! Whose turn it is to change an organisation's counters in a shared database.
//!
//! Transactions of one server that count against the same organisation would only make each other try again: a database
//! that runs them as if one after the other does so by refusing all but one. So they queue here, and only those of other
//! servers can still collide. Nothing depends on it for being right.

use std::collections::BTreeSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use tokio::sync::{Mutex, MutexGuard};
use voxgate_domain::OrgId;

const TURNS: usize = 64;

/// One queue for each of several groups of organisations.
#[derive(Debug)]
pub(crate) struct Turns {
    queues: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            queues: (0..TURNS).map(|_| Mutex::new(())).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Turns {
    /// Waits for the turn of all these organisations; it ends when the answer is dropped.
    pub(crate) async fn of(&self, orgs: impl Iterator<Item = OrgId>) -> Vec<MutexGuard<'_, ()>> {
        // In one order, so that two who want several never wait for each other.
        let places: BTreeSet<usize> = orgs.map(|org| self.place(org)).collect();
        let mut turns = Vec::with_capacity(places.len());
        for place in places {
            turns.push(self.queues[place].lock().await);
        }
        turns
    }

    fn place(&self, org: OrgId) -> usize {
        usize::try_from(self.hasher.hash_one(org) % TURNS as u64).unwrap_or_default()
    }
}

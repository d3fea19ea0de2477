//! What is asked, and where each limit stands.

use std::time::Duration;

use voxgate_domain::{Horizon, KeyId, LimitKind, LimitScope, OrgId};

use crate::ring::Reading;

/// Kinds decided here: the first of [`LimitKind::SETTABLE`].
pub(crate) const KINDS: usize = 7;
/// Kinds among them that are counted in windows; the last is streams at once.
pub(crate) const WINDOWS: usize = 6;
/// Cells of a demand: eight places for the organisation's kinds, eight for the key's. The eighth of each is never used.
pub(crate) const CELLS: usize = 16;
/// Where the key's cells begin.
pub(crate) const KEY_CELLS: usize = 8;

/// Length of each window, by the index of its kind, in milliseconds.
pub(crate) const WINDOW_MS: [u64; WINDOWS] = {
    let mut lengths = [0; WINDOWS];
    let mut index = 0;
    while index < WINDOWS {
        lengths[index] = match LimitKind::SETTABLE[index].horizon() {
            Some(Horizon::Window(length)) => length.as_secs() * 1000,
            _ => panic!("the first kinds are windows"),
        };
        index += 1;
    }
    lengths
};

/// Whether limits of this kind are decided here: short windows and concurrent streams, not quotas.
#[must_use]
pub const fn decides(kind: LimitKind) -> bool {
    matches!(
        kind.horizon(),
        Some(Horizon::Window(_) | Horizon::Concurrent)
    )
}

/// One limit and what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellAsk {
    /// Whose limit it is.
    pub scope: LimitScope,
    /// Which limit; one that [`decides`] accepts.
    pub kind: LimitKind,
    /// Its value; zero refuses everything but an ask of zero.
    pub limit: u64,
    /// How many units are asked for. For [`LimitKind::ConcurrentStreams`] anything above zero is one stream.
    pub weight: u64,
}

/// What a request asks of the limits of its organisation and its key, all or nothing. Lives on the stack.
#[derive(Debug, Clone)]
pub struct Demand {
    pub(crate) org: OrgId,
    pub(crate) key: Option<KeyId>,
    /// One bit per cell that is asked.
    pub(crate) asked: u16,
    pub(crate) limits: [u64; CELLS],
    pub(crate) weights: [u64; CELLS],
}

impl Demand {
    /// A demand that asks for nothing yet. A request without a key (a person's session) has no limits of scope
    /// [`LimitScope::Key`].
    #[must_use]
    pub const fn new(org: OrgId, key: Option<KeyId>) -> Self {
        Self {
            org,
            key,
            asked: 0,
            limits: [0; CELLS],
            weights: [0; CELLS],
        }
    }

    /// Adds an ask; a second one for the same scope and kind replaces the first. Limits and weights beyond
    /// [`voxgate_domain::LimitSet::MAX`] are held there.
    ///
    /// Says whether it was taken: an ask for a kind that is not decided here, or for a key where there is none, is not.
    pub fn ask(&mut self, ask: CellAsk) -> bool {
        let Some(cell) = cell_of(ask.scope, ask.kind) else {
            return false;
        };
        if cell >= KEY_CELLS && self.key.is_none() {
            return false;
        }
        let most = voxgate_domain::LimitSet::MAX;
        self.asked |= 1 << cell;
        self.limits[cell] = ask.limit.min(most);
        self.weights[cell] = if is_streams(cell) {
            ask.weight.min(1)
        } else {
            ask.weight.min(most)
        };
        true
    }

    /// The limits, or each server's share of them: rounded down, but at least one of what is not zero.
    #[inline]
    pub(crate) fn shares(&self, nodes: u32) -> [u64; CELLS] {
        let mut limits = self.limits;
        if nodes > 1 {
            for cell in Cells(self.asked) {
                limits[cell] = (limits[cell] / u64::from(nodes)).max(limits[cell].min(1));
            }
        }
        limits
    }

    /// The organisation.
    #[must_use]
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The key, where there is one.
    #[must_use]
    pub const fn key(&self) -> Option<KeyId> {
        self.key
    }

    /// What is asked: the organisation's limits first, kinds in the order of their numbers.
    pub fn asks(&self) -> impl Iterator<Item = CellAsk> {
        Cells(self.asked).map(|cell| CellAsk {
            scope: scope_of(cell),
            kind: kind_of(cell),
            limit: self.limits[cell],
            weight: self.weights[cell],
        })
    }
}

/// Where one limit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellState {
    /// Whose limit it is.
    pub scope: LimitScope,
    /// Which limit.
    pub kind: LimitKind,
    /// Its value, as asked with. In [`crate::Mode::Degraded`] this server's share of it.
    pub limit: u64,
    /// Units that would be admitted now, in whole.
    pub remaining: u64,
    /// Until an ask of the same weight would be admitted, if nobody else asks; zero if it would be now. For streams, whose
    /// end nobody knows, a second.
    pub retry_after: Duration,
    /// Until the limit is whole again, if nobody asks; zero if it is.
    pub reset_after: Duration,
}

/// Where each limit of a demand stands: after counting where it was admitted, without it where it was refused.
#[derive(Debug, Clone, Copy)]
pub struct States {
    pub(crate) asked: u16,
    pub(crate) cells: [Reading; CELLS],
}

impl States {
    pub(crate) const fn new() -> Self {
        Self {
            asked: 0,
            cells: [Reading::NONE; CELLS],
        }
    }

    pub(crate) fn set(&mut self, cell: usize, reading: Reading) {
        self.asked |= 1 << cell;
        self.cells[cell] = reading;
    }

    pub(crate) fn at(&self, cell: usize) -> CellState {
        let reading = self.cells[cell];
        CellState {
            scope: scope_of(cell),
            kind: kind_of(cell),
            limit: reading.limit,
            remaining: reading.remaining,
            retry_after: Duration::from_millis(u64::from(reading.retry_ms)),
            reset_after: Duration::from_millis(u64::from(reading.reset_ms)),
        }
    }

    /// The state with the longest wait; of several, the first.
    pub(crate) fn longest_wait(&self) -> CellState {
        let longest = Cells(self.asked)
            .reduce(|longest, cell| {
                if self.cells[cell].retry_ms > self.cells[longest].retry_ms {
                    cell
                } else {
                    longest
                }
            })
            .unwrap_or(0);
        self.at(longest)
    }

    /// One limit's state, if it was asked.
    #[must_use]
    pub fn get(&self, scope: LimitScope, kind: LimitKind) -> Option<CellState> {
        cell_of(scope, kind)
            .filter(|cell| self.asked & (1 << cell) != 0)
            .map(|cell| self.at(cell))
    }

    /// The state that a header for this kind should show: of the organisation's and the key's, the one with less left.
    #[must_use]
    pub fn tightest(&self, kind: LimitKind) -> Option<CellState> {
        let org = self.get(LimitScope::Organization, kind);
        let key = self.get(LimitScope::Key, kind);
        match (org, key) {
            (Some(org), Some(key)) if key.remaining < org.remaining => Some(key),
            (org, key) => org.or(key),
        }
    }

    /// All of them: the organisation's first, kinds in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = CellState> {
        Cells(self.asked).map(|cell| self.at(cell))
    }
}

/// The cells whose bits are set, lowest first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells(pub(crate) u16);

impl Iterator for Cells {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let lowest = self.0.trailing_zeros() as usize;
        // Also tells the compiler that indexing by it stays within CELLS.
        if lowest >= CELLS {
            return None;
        }
        self.0 &= self.0 - 1;
        Some(lowest)
    }
}

pub(crate) fn cell_of(scope: LimitScope, kind: LimitKind) -> Option<usize> {
    let index = kind.index().filter(|index| *index < KINDS)?;
    Some(match scope {
        LimitScope::Organization => index,
        LimitScope::Key => KEY_CELLS + index,
    })
}

pub(crate) const fn scope_of(cell: usize) -> LimitScope {
    if cell < KEY_CELLS {
        LimitScope::Organization
    } else {
        LimitScope::Key
    }
}

/// The index of the cell's kind.
pub(crate) const fn index_of(cell: usize) -> usize {
    cell & (KEY_CELLS - 1)
}

pub(crate) const fn kind_of(cell: usize) -> LimitKind {
    LimitKind::SETTABLE[index_of(cell)]
}

pub(crate) const fn is_streams(cell: usize) -> bool {
    index_of(cell) == WINDOWS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_the_kinds_decided_here() {
        for kind in LimitKind::SETTABLE {
            assert_eq!(cell_of(LimitScope::Key, kind).is_some(), decides(kind));
        }
        assert!(!decides(LimitKind::LoginAttempts));
        for scope in [LimitScope::Organization, LimitScope::Key] {
            for kind in LimitKind::SETTABLE
                .into_iter()
                .filter(|kind| decides(*kind))
            {
                let cell = cell_of(scope, kind).expect("decided here");
                assert_eq!((scope_of(cell), kind_of(cell)), (scope, kind));
                assert_eq!(is_streams(cell), kind == LimitKind::ConcurrentStreams);
            }
        }
    }

    #[test]
    fn asks_are_kept_replaced_or_turned_away() {
        let ask = |scope, kind, weight| CellAsk {
            scope,
            kind,
            limit: u64::MAX,
            weight,
        };
        let mut demand = Demand::new(OrgId::generate(), None);
        assert!(!demand.ask(ask(LimitScope::Key, LimitKind::RequestsPerMinute, 1)));
        assert!(!demand.ask(ask(LimitScope::Organization, LimitKind::WordsPerDay, 1)));
        assert!(demand.ask(ask(LimitScope::Organization, LimitKind::TokensPerMinute, 1)));
        assert!(demand.ask(ask(LimitScope::Organization, LimitKind::TokensPerMinute, 7)));
        assert!(demand.ask(ask(
            LimitScope::Organization,
            LimitKind::ConcurrentStreams,
            7
        )));
        let asks: Vec<CellAsk> = demand.asks().collect();
        assert_eq!(asks.len(), 2);
        assert_eq!(
            (asks[0].weight, asks[0].limit),
            (7, voxgate_domain::LimitSet::MAX)
        );
        assert_eq!(asks[1].weight, 1);
    }
}

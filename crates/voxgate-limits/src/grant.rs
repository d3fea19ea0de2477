//! What was taken, until it is settled, released or given back.

use std::sync::Arc;

use voxgate_domain::{KeyId, OrgId};

use crate::demand::{CELLS, Demand};
use crate::memory::Memory;
use crate::ring::counted;
use crate::shared::Lease;

/// What a [`Demand`] was given. Its streams end when it is released or dropped.
#[derive(Debug)]
#[must_use = "dropping a grant ends its streams at once"]
pub struct Grant {
    pub(crate) org: OrgId,
    pub(crate) key: Option<KeyId>,
    /// The windows something was counted in.
    pub(crate) counted: u16,
    /// When it was counted in memory, on the monotonic clock.
    pub(crate) at_ms: u64,
    /// No correction counts more than the limit.
    pub(crate) limits: [u64; CELLS],
    /// What was counted when it was admitted, less corrections.
    pub(crate) weights: [u64; CELLS],
    /// What corrections added.
    pub(crate) late: Option<Box<Late>>,
    /// The slots in which Redis counted it, where it did.
    pub(crate) shared: Option<Box<[u64; CELLS]>>,
    pub(crate) streams: Option<HeldStreams>,
    lease: Option<Lease>,
}

/// What was counted after the admission, and when.
#[derive(Debug, Default)]
pub(crate) struct Late {
    pub(crate) weights: [u64; CELLS],
    pub(crate) at_ms: [u64; CELLS],
    pub(crate) shared: [u64; CELLS],
}

/// How one window is to be corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) cell: usize,
    /// To be taken from what was counted at the admission.
    pub(crate) less: u64,
    /// To be taken from what was counted late, in the slot it was counted in.
    pub(crate) less_late: u64,
    /// To be counted now.
    pub(crate) more: u64,
}

impl Grant {
    /// Nothing yet, of limits divided among `nodes`.
    #[inline]
    pub(crate) fn new(demand: &Demand, nodes: u32) -> Self {
        Self {
            org: demand.org,
            key: demand.key,
            counted: 0,
            at_ms: 0,
            limits: demand.shares(nodes),
            weights: [0; CELLS],
            late: None,
            shared: None,
            streams: None,
            lease: None,
        }
    }

    /// The organisation whose limits it counts in.
    #[must_use]
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// Whether it holds a place among the streams at once.
    #[must_use]
    pub const fn holds_stream(&self) -> bool {
        self.streams.is_some()
    }

    pub(crate) fn set_lease(&mut self, lease: Lease) {
        self.lease = Some(lease);
    }

    pub(crate) fn take_lease(&mut self) -> Option<Lease> {
        self.lease.take()
    }

    /// Notes that `cell` shall count `actual`, and says what that changes. What was counted late before moves to now with
    /// what is added, so that it stays known where everything is.
    pub(crate) fn correct(&mut self, cell: usize, actual: u64) -> Option<Change> {
        if self.counted & (1 << cell) == 0 {
            return None;
        }
        let actual = counted(self.limits[cell], actual);
        let held = self.weights[cell];
        let late = self.late.as_ref().map_or(0, |late| late.weights[cell]);
        if actual > held + late {
            let more = actual - held;
            self.late.get_or_insert_default().weights[cell] = more;
            return Some(Change {
                cell,
                less: 0,
                less_late: late,
                more,
            });
        }
        let cut = held + late - actual;
        if cut == 0 {
            return None;
        }
        let less_late = cut.min(late);
        let less = cut - less_late;
        self.weights[cell] -= less;
        if let Some(late) = &mut self.late {
            late.weights[cell] -= less_late;
        }
        Some(Change {
            cell,
            less,
            less_late,
            more: 0,
        })
    }

    /// Notes that `cell` counts nothing any more, and says what that changes.
    pub(crate) fn undo(&mut self, cell: usize) -> Change {
        let less = std::mem::take(&mut self.weights[cell]);
        let less_late = self
            .late
            .as_mut()
            .map_or(0, |late| std::mem::take(&mut late.weights[cell]));
        Change {
            cell,
            less,
            less_late,
            more: 0,
        }
    }
}

/// Places among the streams of an organisation and a key, counted in memory. Dropping it gives them back.
#[derive(Debug)]
pub(crate) struct HeldStreams {
    pub(crate) memory: Arc<Memory>,
    pub(crate) org: OrgId,
    pub(crate) key: Option<KeyId>,
    /// In which of the two cells they are counted.
    pub(crate) cells: u16,
}

impl Drop for HeldStreams {
    fn drop(&mut self) {
        self.memory.end_streams(self.org, self.key, self.cells);
    }
}

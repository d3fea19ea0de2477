//! Windows and streams in this process. The hot path: one lock, one look-up per organisation and key, no allocation once
//! they are known.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use voxgate_domain::{Clock, KeyId, OrgId};

use crate::demand::{
    CELLS, Cells, Demand, KEY_CELLS, States, WINDOW_MS, WINDOWS, index_of, is_streams,
};
use crate::grant::{Change, Grant, HeldStreams};
use crate::limiter::Decision;
use crate::ring::{Reading, Ring, counted, fits, millis, slot_of};
use crate::roster::{Resident, Roster, shard_of};

/// Organisations are spread over this many locks. A power of two; beyond the number of threads by far, so that two
/// organisations seldom share one, and small enough to be empty at little cost.
const SHARDS: usize = 256;
/// After this long without a decision nothing counts any more, in milliseconds.
const IDLE_MS: u64 = 62_000;

/// The limits of all organisations, as far as this process has seen.
pub(crate) struct Memory {
    clock: Arc<dyn Clock>,
    shards: Box<[Shard]>,
}

/// Apart from its neighbours, so that threads at work on two do not pass one cache line to and fro.
#[repr(align(128))]
#[derive(Default)]
struct Shard(Mutex<Roster<Org>>);

#[derive(Default)]
struct Org {
    /// The newest moment seen. Threads read the clock before they queue for the lock; here, time does not go back.
    now_ms: u64,
    own: Subject,
    keys: Roster<Subject>,
}

/// Whoever has limits: an organisation or a key.
#[derive(Default)]
struct Subject {
    rings: [Option<Box<Ring>>; WINDOWS],
    streams: u64,
    touched_ms: u64,
}

impl Memory {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
        }
    }

    /// Takes everything or nothing; each limit is divided by `nodes` first.
    #[inline]
    pub(crate) fn decide(self: &Arc<Self>, demand: &Demand, nodes: u32) -> Decision {
        // Built where it is returned from: moving it about costs as much as deciding.
        let mut decision = Decision {
            verdict: Ok(Grant::new(demand, nodes)),
            states: States::new(),
        };
        let Decision { verdict, states } = &mut decision;
        let read_ms = millis(self.clock.monotonic());
        let mut roster = self.lock(demand.org);
        let (now, mut subjects) = find(&mut roster, demand.org, demand.key, read_ms);

        let mut admitted = true;
        let mut streams = 0;
        if let Ok(grant) = verdict {
            for cell in Cells(demand.asked) {
                if let Some(subject) = subjects.of(cell) {
                    let (limit, weight) = (grant.limits[cell], demand.weights[cell]);
                    admitted &= subject.fits(cell, limit, weight, &now);
                }
            }
            if admitted {
                grant.at_ms = now.ms;
                streams = count(grant, &mut subjects, demand, &now);
            }
            read(states, &mut subjects, demand, &grant.limits, &now);
        }
        drop(roster);
        match verdict {
            Ok(grant) if admitted => self.hold(grant, streams),
            _ => *verdict = Err(states.longest_wait()),
        }
        decision
    }

    /// Counts what Redis admitted, whatever the limits here.
    pub(crate) fn note(self: &Arc<Self>, demand: &Demand) -> Grant {
        let read_ms = millis(self.clock.monotonic());
        let mut roster = self.lock(demand.org);
        let (now, mut subjects) = find(&mut roster, demand.org, demand.key, read_ms);
        let mut grant = Grant::new(demand, 1);
        grant.at_ms = now.ms;
        let streams = count(&mut grant, &mut subjects, demand, &now);
        drop(roster);
        self.hold(&mut grant, streams);
        grant
    }

    pub(crate) fn peek(&self, demand: &Demand, nodes: u32) -> States {
        let limits = demand.shares(nodes);
        let read_ms = millis(self.clock.monotonic());
        let mut roster = self.lock(demand.org);
        let (now, mut subjects) = find(&mut roster, demand.org, demand.key, read_ms);
        let mut states = States::new();
        read(&mut states, &mut subjects, demand, &limits, &now);
        states
    }

    /// Corrects the windows of one kind; says what Redis has to correct too.
    pub(crate) fn settle(
        &self,
        grant: &mut Grant,
        index: usize,
        actual: u64,
    ) -> [Option<Change>; 2] {
        let changes = [index, KEY_CELLS + index].map(|cell| grant.correct(cell, actual));
        self.apply(grant, changes.into_iter().flatten());
        changes
    }

    /// Takes everything out of the windows again; says what Redis has to take out too.
    pub(crate) fn give_back(&self, grant: &mut Grant) -> Vec<Change> {
        let changes: Vec<Change> = Cells(grant.counted).map(|cell| grant.undo(cell)).collect();
        self.apply(grant, changes.iter().copied());
        changes
    }

    /// Ends the streams a grant holds here.
    pub(crate) fn end_streams(&self, org: OrgId, key: Option<KeyId>, cells: u16) {
        let mut roster = self.lock(org);
        let Some(org) = roster.get(id_of_org(org)) else {
            return;
        };
        for cell in Cells(cells) {
            let subject = if cell < KEY_CELLS {
                Some(&mut org.own)
            } else {
                key.and_then(|key| org.keys.get(id_of_key(key)))
            };
            if let Some(subject) = subject {
                subject.streams = subject.streams.saturating_sub(1);
            }
        }
    }

    fn apply(&self, grant: &mut Grant, changes: impl Iterator<Item = Change>) {
        let mut changes = changes.peekable();
        if changes.peek().is_none() {
            return;
        }
        let read_ms = millis(self.clock.monotonic());
        let mut roster = self.lock(grant.org);
        let (now, mut subjects) = find(&mut roster, grant.org, grant.key, read_ms);
        for change in changes {
            let Change { cell, .. } = change;
            let window_ms = WINDOW_MS[index_of(cell)];
            let Some(subject) = subjects.of(cell) else {
                continue;
            };
            let ring = subject.ring(cell, &now);
            ring.remove(slot_of(grant.at_ms, window_ms), change.less);
            if let Some(late) = &mut grant.late {
                ring.remove(slot_of(late.at_ms[cell], window_ms), change.less_late);
                if change.more > 0 {
                    ring.add(change.more);
                    late.at_ms[cell] = now.ms;
                }
            }
        }
    }

    /// Remembers in the grant that streams were counted, so that they end with it.
    #[inline]
    fn hold(self: &Arc<Self>, grant: &mut Grant, cells: u16) {
        if cells != 0 {
            grant.streams = Some(HeldStreams {
                memory: Arc::clone(self),
                org: grant.org,
                key: grant.key,
                cells,
            });
        }
    }

    #[inline]
    fn lock(&self, org: OrgId) -> MutexGuard<'_, Roster<Org>> {
        let shard = &self.shards[shard_of(id_of_org(org)) % SHARDS];
        shard.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many organisations and keys are known.
    #[cfg(test)]
    fn known(&self) -> (usize, usize) {
        self.shards.iter().fold((0, 0), |(orgs, keys), shard| {
            let roster = shard.0.lock().unwrap_or_else(PoisonError::into_inner);
            let more: usize = roster.iter().map(|org| org.keys.len()).sum();
            (orgs + roster.len(), keys + more)
        })
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// A moment, and the slot of each window that it is in: worked out once, because dividing is dear.
struct Now {
    ms: u64,
    slots: [u64; WINDOWS],
}

impl Now {
    #[inline]
    fn new(ms: u64) -> Self {
        let mut slots = [0; WINDOWS];
        // Unrolled, so that lengths are constants and equal ones are divided by once.
        slots[0] = slot_of(ms, const { WINDOW_MS[0] });
        slots[1] = slot_of(ms, const { WINDOW_MS[1] });
        slots[2] = slot_of(ms, const { WINDOW_MS[2] });
        slots[3] = slot_of(ms, const { WINDOW_MS[3] });
        slots[4] = slot_of(ms, const { WINDOW_MS[4] });
        slots[5] = slot_of(ms, const { WINDOW_MS[5] });
        Self { ms, slots }
    }
}

/// The organisation and, where there is one, the key.
struct Subjects<'a> {
    own: &'a mut Subject,
    key: Option<&'a mut Subject>,
}

impl Subjects<'_> {
    #[inline]
    fn of(&mut self, cell: usize) -> Option<&mut Subject> {
        if cell < KEY_CELLS {
            Some(self.own)
        } else {
            self.key.as_deref_mut()
        }
    }
}

#[inline]
fn find<'a>(
    roster: &'a mut Roster<Org>,
    org: OrgId,
    key: Option<KeyId>,
    read_ms: u64,
) -> (Now, Subjects<'a>) {
    let org = roster.get_or_admit(id_of_org(org), read_ms);
    org.now_ms = org.now_ms.max(read_ms);
    let now_ms = org.now_ms;
    org.own.touched_ms = now_ms;
    let key = key.map(|key| {
        let key = org.keys.get_or_admit(id_of_key(key), now_ms);
        key.touched_ms = now_ms;
        key
    });
    let subjects = Subjects {
        own: &mut org.own,
        key,
    };
    (Now::new(now_ms), subjects)
}

/// Counts everything the demand asks for; returns the cells in which a stream was counted.
#[inline]
fn count(grant: &mut Grant, subjects: &mut Subjects<'_>, demand: &Demand, now: &Now) -> u16 {
    let mut streams = 0;
    for cell in Cells(demand.asked) {
        let weight = demand.weights[cell];
        let Some(subject) = subjects.of(cell).filter(|_| weight > 0) else {
            continue;
        };
        if is_streams(cell) {
            subject.streams += 1;
            streams |= 1 << cell;
        } else {
            let units = counted(grant.limits[cell], weight);
            subject.ring(cell, now).add(units);
            grant.weights[cell] = units;
            grant.counted |= 1 << cell;
        }
    }
    streams
}

#[inline]
fn read(
    states: &mut States,
    subjects: &mut Subjects<'_>,
    demand: &Demand,
    limits: &[u64; CELLS],
    now: &Now,
) {
    for cell in Cells(demand.asked) {
        if let Some(subject) = subjects.of(cell) {
            let reading = subject.read(cell, limits[cell], demand.weights[cell], now);
            states.set(cell, reading);
        }
    }
}

impl Subject {
    #[inline]
    fn fits(&mut self, cell: usize, limit: u64, weight: u64, now: &Now) -> bool {
        if is_streams(cell) {
            return weight == 0 || self.streams < limit;
        }
        let index = index_of(cell);
        let total = match &mut self.rings[index] {
            Some(ring) => {
                ring.advance(now.slots[index]);
                ring.total()
            }
            None => 0,
        };
        fits(total, limit, weight)
    }

    /// The window of a cell, at this moment.
    #[inline]
    fn ring(&mut self, cell: usize, now: &Now) -> &mut Ring {
        let index = index_of(cell);
        let slot = now.slots[index];
        let ring = self.rings[index].get_or_insert_with(|| Box::new(Ring::new(slot)));
        ring.advance(slot);
        ring
    }

    #[inline]
    fn read(&mut self, cell: usize, limit: u64, weight: u64, now: &Now) -> Reading {
        if is_streams(cell) {
            return Reading::of_streams(self.streams, limit, weight);
        }
        let index = index_of(cell);
        let window_ms = WINDOW_MS[index];
        match &mut self.rings[index] {
            Some(ring) => {
                ring.advance(now.slots[index]);
                ring.read(limit, weight, window_ms, now.ms)
            }
            None => Ring::read_empty(limit, weight, window_ms),
        }
    }
}

impl Resident for Subject {
    fn is_idle(&self, now_ms: u64) -> bool {
        self.streams == 0 && self.touched_ms + IDLE_MS <= now_ms
    }
}

impl Resident for Org {
    fn is_idle(&self, now_ms: u64) -> bool {
        self.own.is_idle(now_ms) && self.keys.iter().all(|key| key.is_idle(now_ms))
    }
}

fn id_of_org(org: OrgId) -> u128 {
    org.as_uuid().as_u128()
}

fn id_of_key(key: KeyId) -> u128 {
    key.as_uuid().as_u128()
}

#[cfg(test)]
#[path = "memory_tests.rs"]
mod tests;

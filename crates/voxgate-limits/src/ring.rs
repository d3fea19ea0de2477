//! One sliding window: the arithmetic that `shared/ring.lua` repeats line by line.

use std::time::Duration;

/// Slots of a window.
const SLOTS: u64 = 60;
/// Slots that count at a time: those of the window, and the one that is only partly inside.
const LIVE: u64 = SLOTS + 1;
/// Places in the ring: a power of two that holds the live slots.
const PLACES: usize = 64;
/// What is told to who waits for a stream to end, in milliseconds: nobody knows when one will.
pub(crate) const STREAM_WAIT_MS: u32 = 1000;

/// Where a limit stands, for one weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) retry_ms: u32,
    pub(crate) reset_ms: u32,
}

impl Reading {
    pub(crate) const NONE: Self = Self {
        limit: 0,
        remaining: 0,
        retry_ms: 0,
        reset_ms: 0,
    };

    /// How `running` streams stand to a limit, for an ask of `weight`.
    pub(crate) const fn of_streams(running: u64, limit: u64, weight: u64) -> Self {
        Self {
            limit,
            remaining: limit.saturating_sub(running),
            retry_ms: if weight == 0 || running < limit {
                0
            } else {
                STREAM_WAIT_MS
            },
            reset_ms: if running == 0 { 0 } else { STREAM_WAIT_MS },
        }
    }
}

/// What was counted in the last window.
#[derive(Debug)]
pub(crate) struct Ring {
    /// The slot of the newest moment seen. Slots from `head - SLOTS` to `head` are in the ring.
    head: u64,
    /// The last slot that was counted in.
    newest: u64,
    /// The sum of the slots.
    total: u64,
    counts: [u64; PLACES],
}

impl Ring {
    pub(crate) fn new(slot: u64) -> Self {
        Self {
            head: slot,
            newest: slot,
            total: 0,
            counts: [0; PLACES],
        }
    }

    /// Moves on to `slot`: what is older than the window no longer counts. A slot of the past changes nothing, unless it is
    /// more than a window back: then the clock was set, and what was counted by the old one is forgotten.
    #[inline]
    pub(crate) fn advance(&mut self, slot: u64) {
        if slot != self.head {
            self.move_to(slot);
        }
    }

    fn move_to(&mut self, slot: u64) {
        if slot >= self.head + LIVE || slot + LIVE < self.head {
            *self = Self::new(slot);
        } else if slot > self.head {
            // Before slot LIVE nothing can be old enough to leave.
            for leaving in (self.head + 1).max(LIVE)..=slot {
                let count = &mut self.counts[place(leaving - LIVE)];
                self.total -= *count;
                *count = 0;
            }
            self.head = slot;
        }
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    /// Counts in the newest slot, and says which it is.
    #[inline]
    pub(crate) fn add(&mut self, units: u64) -> u64 {
        let count = &mut self.counts[place(self.head)];
        *count = count.saturating_add(units);
        self.total = self.total.saturating_add(units);
        self.newest = self.head;
        self.head
    }

    /// Takes back what was counted in `slot`, as far as it is still there.
    pub(crate) fn remove(&mut self, slot: u64, units: u64) {
        if slot <= self.head && slot + SLOTS >= self.head {
            let count = &mut self.counts[place(slot)];
            let units = units.min(*count);
            *count -= units;
            self.total -= units;
        }
    }

    /// How the window stands to a limit, for an ask of `weight`.
    #[inline]
    pub(crate) fn read(&self, limit: u64, weight: u64, window_ms: u64, now_ms: u64) -> Reading {
        Reading {
            limit,
            remaining: limit.saturating_sub(self.total),
            retry_ms: if fits(self.total, limit, weight) {
                0
            } else {
                self.retry_ms(limit, weight, window_ms, now_ms)
            },
            reset_ms: self.reset_ms(window_ms, now_ms),
        }
    }

    /// How a window in which nothing was ever counted stands to a limit.
    pub(crate) const fn read_empty(limit: u64, weight: u64, window_ms: u64) -> Reading {
        Reading {
            limit,
            remaining: limit,
            retry_ms: if fits(0, limit, weight) {
                0
            } else {
                whole(window_ms)
            },
            reset_ms: 0,
        }
    }

    #[cold]
    fn retry_ms(&self, limit: u64, weight: u64, window_ms: u64, now_ms: u64) -> u32 {
        if limit == 0 {
            return whole(window_ms);
        }
        let mut over = self
            .total
            .saturating_add(counted(limit, weight))
            .saturating_sub(limit);
        for slot in self.head.saturating_sub(SLOTS)..=self.head {
            over = over.saturating_sub(self.counts[place(slot)]);
            if over == 0 {
                return left(slot, window_ms, now_ms);
            }
        }
        left(self.head, window_ms, now_ms)
    }

    #[inline]
    fn reset_ms(&self, window_ms: u64, now_ms: u64) -> u32 {
        if self.total == 0 {
            return 0;
        }
        let mut slot = self.newest;
        // What was counted last may have been taken back.
        while self.counts[place(slot)] == 0 && slot > self.head.saturating_sub(SLOTS) {
            slot -= 1;
        }
        left(slot, window_ms, now_ms)
    }
}

/// The slot of a moment.
#[inline]
pub(crate) const fn slot_of(now_ms: u64, window_ms: u64) -> u64 {
    now_ms * SLOTS / window_ms
}

/// What an ask counts: a request larger than the whole limit fills the window, and no more.
#[inline]
pub(crate) const fn counted(limit: u64, weight: u64) -> u64 {
    if weight < limit { weight } else { limit }
}

/// Whether an ask is admitted by a window that holds `total`.
#[inline]
pub(crate) const fn fits(total: u64, limit: u64, weight: u64) -> bool {
    weight == 0 || (limit > 0 && total.saturating_add(counted(limit, weight)) <= limit)
}

/// Until `slot` leaves the window, in milliseconds.
#[inline]
const fn left(slot: u64, window_ms: u64, now_ms: u64) -> u32 {
    whole(
        ((slot + LIVE) * window_ms)
            .div_ceil(SLOTS)
            .saturating_sub(now_ms),
    )
}

#[inline]
const fn whole(ms: u64) -> u32 {
    if ms > u32::MAX as u64 {
        u32::MAX
    } else {
        ms as u32
    }
}

#[inline]
const fn place(slot: u64) -> usize {
    slot as usize % PLACES
}

/// A reading of the clock in milliseconds, rounded down.
#[inline]
pub(crate) fn millis(reading: Duration) -> u64 {
    reading.as_secs() * 1000 + u64::from(reading.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: u64 = 60_000;

    #[test]
    fn a_unit_counts_for_the_window_and_at_most_one_slot_more() {
        let mut ring = Ring::new(slot_of(5_999, MINUTE));
        ring.add(3);
        assert_eq!(ring.read(3, 1, MINUTE, 5_999).retry_ms, 60_001);
        ring.advance(slot_of(65_999, MINUTE));
        assert_eq!(ring.total(), 3);
        ring.advance(slot_of(66_000, MINUTE));
        assert_eq!(ring.total(), 0);
    }

    #[test]
    fn a_larger_ask_than_the_limit_needs_an_empty_window() {
        assert!(fits(0, 10, 500));
        assert!(!fits(1, 10, 500));
        assert!(!fits(0, 0, 1));
        assert!(fits(99, 0, 0));
        assert_eq!(counted(10, 500), 10);
    }

    #[test]
    fn a_clock_set_back_forgets_only_beyond_a_window() {
        let mut ring = Ring::new(1000);
        ring.add(1);
        ring.advance(1000 - LIVE);
        assert_eq!((ring.total(), ring.head), (1, 1000));
        ring.advance(1000 - LIVE - 1);
        assert_eq!((ring.total(), ring.head), (0, 1000 - LIVE - 1));
    }

    #[test]
    fn refusals_name_the_moment_that_suffices() {
        let window = 10_000;
        let mut ring = Ring::new(0);
        for now in [0, 1_000, 2_000, 3_000] {
            ring.advance(slot_of(now, window));
            ring.add(2);
        }
        let reading = ring.read(8, 3, window, 3_000);
        assert_eq!(reading.remaining, 0);
        // Three units have left when the second pair has.
        let then = 3_000 + u64::from(reading.retry_ms);
        ring.advance(slot_of(then - 1, window));
        assert!(!fits(ring.total(), 8, 3));
        ring.advance(slot_of(then, window));
        assert!(fits(ring.total(), 8, 3));
        let whole = 3_000 + u64::from(reading.reset_ms);
        ring.advance(slot_of(whole - 1, window));
        assert!(ring.total() > 0);
        ring.advance(slot_of(whole, window));
        assert_eq!(ring.total(), 0);
    }

    proptest! {
        #[test]
        fn it_sums_what_a_list_would(
            steps in proptest::collection::vec((0_u64..4_000, 0_u64..5, 0_u64..10), 1..300),
            window in proptest::sample::select(vec![10_000_u64, MINUTE]),
        ) {
            let mut now = 0;
            let mut ring = Ring::new(0);
            let mut list: Vec<(u64, u64)> = Vec::new();
            for (step, units, back) in steps {
                // Now and then a long silence.
                now += if step > 3_900 { step * 40 } else { step };
                let slot = slot_of(now, window);
                ring.advance(slot);
                list.retain(|(at, _)| at + LIVE > slot);
                prop_assert_eq!(ring.add(units), slot);
                list.push((slot, units));
                if back == 0 {
                    let (at, units) = list.swap_remove(list.len() / 2);
                    ring.remove(at, units);
                }
                let sum: u64 = list.iter().map(|(_, units)| units).sum();
                prop_assert_eq!(ring.total(), sum);
                let newest = list.iter().filter(|(_, units)| *units > 0).map(|(at, _)| *at).max();
                prop_assert_eq!(ring.reset_ms(window, now), newest.map_or(0, |at| left(at, window, now)));
            }
        }
    }
}

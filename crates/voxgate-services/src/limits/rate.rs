//! Requests per minute: a sliding window per organisation, in this process.
//!
//! A request counts for at least 60 seconds and at most 60.1: time is cut into slots of 100 ms, and a slot leaves the
//! window once its youngest request is a minute old. So in no 60 seconds are more requests admitted than the limit says,
//! however many ask at once, and memory per organisation is bounded by 601 slots whatever the limit. Time is the monotonic
//! clock: setting the wall clock neither frees nor locks anybody. A restart forgets the last minute.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use voxgate_domain::OrgId;

const SLOT_MS: u64 = 100;
const WINDOW_SLOTS: u64 = 60_000 / SLOT_MS;
/// Beyond this many organisations, idle ones are forgotten.
const KEEP_AT_MOST: usize = 10_000;

/// The windows of all organisations.
#[derive(Default)]
pub(crate) struct RateWindows {
    by_org: Mutex<HashMap<OrgId, Window>>,
}

/// Requests of one organisation, oldest slot first.
#[derive(Default)]
struct Window {
    slots: VecDeque<(u64, u32)>,
    total: u32,
}

/// Where a window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WindowState {
    /// Requests that would be admitted now.
    pub(crate) remaining: u32,
    /// Until the next request is admitted; zero while there is room.
    pub(crate) retry_after: Duration,
    /// Until the window is empty.
    pub(crate) reset_after: Duration,
}

/// A counted request, which can be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RateTicket {
    org: OrgId,
    slot: u64,
}

impl RateWindows {
    /// Counts a request if it fits.
    pub(crate) fn take(
        &self,
        org: OrgId,
        limit: u32,
        now: Duration,
    ) -> Result<(RateTicket, WindowState), WindowState> {
        let slot = slot_of(now);
        let mut windows = self.lock();
        if windows.len() >= KEEP_AT_MOST && !windows.contains_key(&org) {
            windows.retain(|_, window| {
                window.expire(slot);
                window.total > 0
            });
        }
        let window = windows.entry(org).or_default();
        window.expire(slot);
        if window.total >= limit {
            return Err(window.state(limit, now));
        }
        window.add(slot);
        Ok((RateTicket { org, slot }, window.state(limit, now)))
    }

    /// Gives a counted request back.
    pub(crate) fn give_back(&self, ticket: RateTicket) {
        if let Some(window) = self.lock().get_mut(&ticket.org) {
            window.remove(ticket.slot);
        }
    }

    /// Where an organisation stands, without counting anything.
    pub(crate) fn peek(&self, org: OrgId, limit: u32, now: Duration) -> WindowState {
        match self.lock().get_mut(&org) {
            Some(window) => {
                window.expire(slot_of(now));
                window.state(limit, now)
            }
            None => Window::default().state(limit, now),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OrgId, Window>> {
        self.by_org.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn expire(&mut self, now_slot: u64) {
        while let Some(&(slot, count)) = self.slots.front() {
            if slot + WINDOW_SLOTS >= now_slot {
                break;
            }
            self.total -= count;
            self.slots.pop_front();
        }
    }

    fn add(&mut self, slot: u64) {
        self.total += 1;
        match self.slots.back_mut() {
            // Two threads may read the clock in one order and arrive here in the other: the later slot counts longer.
            Some((last, count)) if *last >= slot => *count += 1,
            _ => self.slots.push_back((slot, 1)),
        }
    }

    fn remove(&mut self, slot: u64) {
        // The request may have been counted in a slightly later slot, see `add`.
        let found = self
            .slots
            .iter_mut()
            .find(|(at, count)| *at >= slot && *count > 0);
        if let Some((_, count)) = found {
            *count -= 1;
            self.total -= 1;
        }
    }

    fn state(&self, limit: u32, now: Duration) -> WindowState {
        let left = |slot: u64| {
            Duration::from_millis((slot + WINDOW_SLOTS + 1) * SLOT_MS).saturating_sub(now)
        };
        let remaining = limit.saturating_sub(self.total);
        let retry_after = if remaining > 0 {
            Duration::ZERO
        } else {
            let mut after = self.total;
            self.slots
                .iter()
                .find(|&&(_, count)| {
                    after -= count;
                    after < limit
                })
                .map_or(Duration::from_secs(60), |&(slot, _)| left(slot))
        };
        let reset_after = self
            .slots
            .iter()
            .rev()
            .find(|(_, count)| *count > 0)
            .map_or(Duration::ZERO, |&(slot, _)| left(slot));
        WindowState {
            remaining,
            retry_after,
            reset_after,
        }
    }
}

fn slot_of(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX / 2) / SLOT_MS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_limit_is_reached_and_not_passed() {
        let (windows, org) = (RateWindows::default(), OrgId::generate());
        let now = Duration::from_secs(5);
        let admitted = (0..20)
            .filter(|_| windows.take(org, 7, now).is_ok())
            .count();
        assert_eq!(admitted, 7);
        let refused = windows.take(org, 7, now).unwrap_err();
        assert_eq!(refused.remaining, 0);
        let again = now + refused.retry_after;
        assert!(
            windows
                .take(org, 7, again - Duration::from_millis(SLOT_MS))
                .is_err()
        );
        assert!(windows.take(org, 7, again).is_ok());
        assert!(windows.take(OrgId::generate(), 7, now).is_ok());
    }

    #[test]
    fn nothing_is_admitted_at_limit_zero() {
        let (windows, org) = (RateWindows::default(), OrgId::generate());
        let refused = windows.take(org, 0, Duration::ZERO).unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_secs(60));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (windows, org) = (RateWindows::default(), OrgId::generate());
        let now = Duration::from_secs(1);
        let (ticket, _) = windows.take(org, 1, now).unwrap();
        assert!(windows.take(org, 1, now).is_err());
        windows.give_back(ticket);
        assert!(windows.take(org, 1, now).is_ok());
    }

    #[test]
    fn parallel_callers_get_exactly_the_limit() {
        let (windows, org) = (RateWindows::default(), OrgId::generate());
        let admitted = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        if windows.take(org, 777, Duration::from_secs(9)).is_ok() {
                            admitted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 777);
    }

    proptest! {
        #[test]
        fn no_minute_holds_more_than_the_limit(
            limit in 1_u32..20,
            steps in proptest::collection::vec((0_u64..7_000, proptest::bool::weighted(0.1)), 1..400),
        ) {
            let (windows, org) = (RateWindows::default(), OrgId::generate());
            let mut now = Duration::ZERO;
            let mut admitted: Vec<Duration> = Vec::new();
            for (step, give_back) in steps {
                now += Duration::from_millis(step);
                if let Ok((ticket, state)) = windows.take(org, limit, now) {
                    prop_assert!(state.remaining < limit);
                    if give_back {
                        windows.give_back(ticket);
                    } else {
                        admitted.push(now);
                    }
                }
                let begin = now.saturating_sub(Duration::from_secs(60));
                let recent = admitted.iter().filter(|&&at| at > begin || now < Duration::from_secs(60)).count();
                prop_assert!(recent <= limit as usize);
                prop_assert!(windows.lock()[&org].slots.len() <= WINDOW_SLOTS as usize + 1);
            }
        }
    }
}

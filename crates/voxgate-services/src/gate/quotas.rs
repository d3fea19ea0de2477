//! Words, characters, tokens and audio per day and month, counted in this process.
//!
//! For the only server on a database: the counters of the windows that run now are read at the start, decided on in
//! memory, and what was charged is added to the database when the records are written. What is on hold is in memory only,
//! so a crash frees it. Windows are those of the UTC calendar; each holds its own count, so setting the wall clock back and
//! forth neither frees nor locks anybody for longer than the window.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use voxgate_domain::{
    Horizon, KeyId, LimitKind, LimitRefusal, LimitScope, LimitSet, OrgId, Quantities, Timestamp,
};

/// The limits that are counted per day and month.
pub(crate) const QUOTAS: [LimitKind; 5] = [
    // Where several are used up, the one that ends last is what matters to the caller.
    LimitKind::WordsPerMonth,
    LimitKind::CharactersPerMonth,
    LimitKind::AudioSecondsPerMonth,
    LimitKind::WordsPerDay,
    LimitKind::TokensPerDay,
];

const SHARDS: usize = 16;

/// Beginning and end of the window of a quota that `now` lies in.
pub(crate) fn window(kind: LimitKind, now: Timestamp) -> (Timestamp, Timestamp) {
    match kind.horizon() {
        Some(Horizon::Month) => (now.month_start(), now.next_month_start()),
        _ => (now.day_start(), now.next_day_start()),
    }
}

/// Whose quotas hold for a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowances {
    pub(crate) org: OrgId,
    pub(crate) org_limits: LimitSet,
    pub(crate) key: Option<(KeyId, LimitSet)>,
}

impl Allowances {
    /// Every counter a request touches: scope, quota, and its limit where there is one.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (LimitScope, LimitKind, Option<u64>)> {
        let own = QUOTAS.into_iter().map(|kind| {
            let limit = self.org_limits.get(kind);
            (LimitScope::Organization, kind, limit)
        });
        let of_key = self.key.into_iter().flat_map(|(_, limits)| {
            QUOTAS
                .into_iter()
                .map(move |kind| (LimitScope::Key, kind, limits.get(kind)))
        });
        own.chain(of_key)
    }
}

/// A refusal over a quota.
pub(crate) fn refusal(
    scope: LimitScope,
    kind: LimitKind,
    limit: u64,
    used: u64,
    now: Timestamp,
) -> LimitRefusal {
    let (_, reset) = window(kind, now);
    LimitRefusal {
        kind,
        scope,
        limit,
        remaining: limit.saturating_sub(used.div_ceil(kind.scale())),
        reset,
        retry_after: reset.since(now),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Cell {
    key: Option<KeyId>,
    kind: LimitKind,
    window_start: i64,
}

type Counts = HashMap<Cell, u64>;

/// The counters of all organisations.
#[derive(Debug)]
pub(crate) struct QuotaBook {
    shards: Vec<Mutex<HashMap<OrgId, Counts>>>,
    hasher: RandomState,
}

impl Default for QuotaBook {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl QuotaBook {
    /// Counts what the database knows.
    pub(crate) fn load(
        &self,
        org: OrgId,
        key: Option<KeyId>,
        kind: LimitKind,
        window_start: Timestamp,
        amount: u64,
    ) {
        let cell = Cell {
            key,
            kind,
            window_start: window_start.as_micros(),
        };
        *self
            .shard(org)
            .entry(org)
            .or_default()
            .entry(cell)
            .or_default() += amount;
    }

    /// Counts `asked` against every quota, or against none and answers which one refused.
    pub(crate) fn reserve(
        &self,
        allowances: &Allowances,
        asked: &Quantities,
        now: Timestamp,
    ) -> Result<(), LimitRefusal> {
        let mut shard = self.shard(allowances.org);
        let counts = shard.entry(allowances.org).or_default();
        for (scope, kind, limit) in allowances.cells() {
            let (weight, Some(limit)) = (asked.weight(kind), limit) else {
                continue;
            };
            if weight == 0 {
                continue;
            }
            let used = counts
                .get(&cell(allowances, scope, kind, now))
                .copied()
                .unwrap_or_default();
            if used.saturating_add(weight) > limit.saturating_mul(kind.scale()) {
                return Err(refusal(scope, kind, limit, used, now));
            }
        }
        for (scope, kind, _) in allowances.cells() {
            let weight = asked.weight(kind);
            if weight > 0 {
                *counts
                    .entry(cell(allowances, scope, kind, now))
                    .or_default() += weight;
            }
        }
        Ok(())
    }

    /// Corrects what was counted at `at` from `asked` to `charged`, in the windows it was counted in.
    pub(crate) fn settle(
        &self,
        allowances: &Allowances,
        asked: &Quantities,
        charged: &Quantities,
        at: Timestamp,
    ) {
        let mut shard = self.shard(allowances.org);
        let counts = shard.entry(allowances.org).or_default();
        for (scope, kind, _) in allowances.cells() {
            let (was, is) = (asked.weight(kind), charged.weight(kind));
            if was != is {
                let count = counts.entry(cell(allowances, scope, kind, at)).or_default();
                *count = count.saturating_add(is).saturating_sub(was);
            }
        }
    }

    /// What is counted in the window of `now`, what is on hold included.
    pub(crate) fn used(
        &self,
        org: OrgId,
        key: Option<KeyId>,
        kind: LimitKind,
        now: Timestamp,
    ) -> u64 {
        let (start, _) = window(kind, now);
        let cell = Cell {
            key,
            kind,
            window_start: start.as_micros(),
        };
        self.shard(org)
            .get(&org)
            .and_then(|counts| counts.get(&cell).copied())
            .unwrap_or_default()
    }

    /// Forgets windows that began before `before`.
    pub(crate) fn forget(&self, before: Timestamp) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            for counts in shard.values_mut() {
                counts.retain(|cell, _| cell.window_start >= before.as_micros());
            }
            shard.retain(|_, counts| !counts.is_empty());
        }
    }

    fn shard(&self, org: OrgId) -> MutexGuard<'_, HashMap<OrgId, Counts>> {
        let place = usize::try_from(self.hasher.hash_one(org) % SHARDS as u64).unwrap_or_default();
        lock(&self.shards[place])
    }
}

fn cell(allowances: &Allowances, scope: LimitScope, kind: LimitKind, at: Timestamp) -> Cell {
    let (start, _) = window(kind, at);
    Cell {
        key: match scope {
            LimitScope::Organization => None,
            LimitScope::Key => allowances.key.map(|(id, _)| id),
        },
        kind,
        window_start: start.as_micros(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    /// 2027-01-15T12:00:00Z.
    const NOON: Timestamp = Timestamp::from_secs(1_800_014_400);

    fn words(words: u64) -> Quantities {
        Quantities {
            words,
            audio_ms_out: words * 100,
            ..Quantities::default()
        }
    }

    fn allowances(org: &[(LimitKind, u64)], key: &[(LimitKind, u64)]) -> Allowances {
        Allowances {
            org: OrgId::generate(),
            org_limits: org.iter().copied().collect(),
            key: Some((KeyId::generate(), key.iter().copied().collect())),
        }
    }

    #[test]
    fn all_quotas_or_none_are_counted() {
        let book = QuotaBook::default();
        let who = allowances(
            &[
                (LimitKind::WordsPerDay, 20),
                (LimitKind::WordsPerMonth, 100),
            ],
            &[(LimitKind::AudioSecondsPerMonth, 1)],
        );
        book.reserve(&who, &words(7), NOON).unwrap();
        let refused = book.reserve(&who, &words(4), NOON).unwrap_err();
        assert_eq!(
            (refused.kind, refused.scope, refused.limit),
            (LimitKind::AudioSecondsPerMonth, LimitScope::Key, 1)
        );
        let refused = book
            .reserve(&Allowances { key: None, ..who }, &words(14), NOON)
            .unwrap_err();
        assert_eq!(
            (refused.kind, refused.remaining),
            (LimitKind::WordsPerDay, 13)
        );
        assert_eq!(refused.retry_after, Duration::from_secs(12 * 3600));
        assert_eq!(book.used(who.org, None, LimitKind::WordsPerMonth, NOON), 7);
        book.reserve(&who, &words(3), NOON).unwrap();
    }

    #[test]
    fn what_comes_back_after_midnight_goes_to_the_old_day() {
        let book = QuotaBook::default();
        let who = allowances(&[(LimitKind::WordsPerDay, 10)], &[]);
        let tomorrow = NOON.next_day_start();
        book.reserve(&who, &words(10), NOON).unwrap();
        book.reserve(&who, &words(10), tomorrow).unwrap();
        book.settle(&who, &words(10), &words(1), NOON);
        assert_eq!(book.used(who.org, None, LimitKind::WordsPerDay, NOON), 1);
        assert_eq!(
            book.used(who.org, None, LimitKind::WordsPerDay, tomorrow),
            10
        );
        assert_eq!(book.used(who.org, None, LimitKind::WordsPerMonth, NOON), 11);
        book.forget(tomorrow);
        assert_eq!(book.used(who.org, None, LimitKind::WordsPerDay, NOON), 0);
        assert_eq!(
            book.used(who.org, None, LimitKind::WordsPerDay, tomorrow),
            10
        );
    }

    #[test]
    fn of_many_at_once_exactly_those_that_fit_are_admitted() {
        let book = QuotaBook::default();
        let who = allowances(
            &[(LimitKind::WordsPerDay, 1000)],
            &[(LimitKind::WordsPerMonth, 777)],
        );
        let admitted = std::sync::atomic::AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        if book.reserve(&who, &words(1), NOON).is_ok() {
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
        fn counters_are_the_sum_of_what_was_charged(
            requests in proptest::collection::vec((1_u64..20, 0_u64..20, 0_i64..3), 1..60),
        ) {
            let book = QuotaBook::default();
            let who = allowances(&[(LimitKind::WordsPerMonth, 200)], &[]);
            let mut charged_total = 0;
            for (asked, charged, day) in requests {
                let at = NOON.saturating_add(Duration::from_secs(u64::try_from(day).unwrap() * 86_400));
                let charged = charged.min(asked);
                if book.reserve(&who, &words(asked), at).is_ok() {
                    book.settle(&who, &words(asked), &words(charged), at);
                    charged_total += charged;
                }
                prop_assert!(book.used(who.org, None, LimitKind::WordsPerMonth, NOON) <= 200);
            }
            prop_assert_eq!(book.used(who.org, None, LimitKind::WordsPerMonth, NOON), charged_total);
        }
    }
}

#![allow(clippy::unwrap_used)]

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use voxgate_domain::{LimitKind, LimitScope, ManualClock, SystemClock, Timestamp};

use super::*;
use crate::demand::{CellAsk, KINDS, kind_of};

const BOTH: [LimitScope; 2] = [LimitScope::Organization, LimitScope::Key];

fn stopped() -> (Arc<ManualClock>, Arc<Memory>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(
        1_800_000_000_000_000,
    )));
    let memory = Arc::new(Memory::new(Arc::clone(&clock) as Arc<dyn Clock>));
    (clock, memory)
}

fn demand(org: OrgId, key: Option<KeyId>, asks: &[(LimitScope, LimitKind, u64, u64)]) -> Demand {
    let mut demand = Demand::new(org, key);
    for &(scope, kind, limit, weight) in asks {
        assert!(demand.ask(CellAsk {
            scope,
            kind,
            limit,
            weight
        }));
    }
    demand
}

fn kinds() -> impl Iterator<Item = LimitKind> {
    (0..KINDS).map(kind_of)
}

#[test]
fn of_any_number_at_once_exactly_the_limit_is_admitted_for_every_kind() {
    const THREADS: u64 = 8;
    const LIMIT: u64 = 100;
    // A thousand asks for a hundred places, a hundred times for every kind.
    const ASKS: u64 = 1000;
    for kind in kinds() {
        for scope in BOTH {
            for round in 0..100 {
                let memory = Arc::new(Memory::new(Arc::new(SystemClock::new())));
                let demand = demand(
                    OrgId::generate(),
                    Some(KeyId::generate()),
                    &[(scope, kind, LIMIT, 1)],
                );
                let barrier = Barrier::new(THREADS as usize);
                let admitted = AtomicU64::new(0);
                std::thread::scope(|threads| {
                    for _ in 0..THREADS {
                        threads.spawn(|| {
                            let mut held = Vec::new();
                            barrier.wait();
                            for _ in 0..ASKS / THREADS {
                                held.extend(memory.decide(&demand, 1).verdict.ok());
                            }
                            admitted.fetch_add(held.len() as u64, Ordering::Relaxed);
                            // Nobody's stream ends before everyone has asked.
                            barrier.wait();
                        });
                    }
                });
                assert_eq!(admitted.into_inner(), LIMIT, "{kind:?} {scope:?} {round}");
            }
        }
    }
}

#[test]
fn one_refusal_counts_nothing_anywhere() {
    let (_, memory) = stopped();
    let (org, key) = (OrgId::generate(), Some(KeyId::generate()));
    let mut asks: Vec<_> = BOTH
        .into_iter()
        .flat_map(|scope| kinds().map(move |kind| (scope, kind, 5, 1)))
        .collect();
    for refusing in 0..asks.len() {
        asks[refusing].2 = 0;
        let decision = memory.decide(&demand(org, key, &asks), 1);
        let state = decision.verdict.unwrap_err();
        assert_eq!(
            (state.scope, state.kind),
            (asks[refusing].0, asks[refusing].1)
        );
        asks[refusing].2 = 5;
    }
    let states = memory.peek(&demand(org, key, &asks), 1);
    assert!(
        states
            .iter()
            .all(|state| state.remaining == 5 && state.reset_after.is_zero())
    );
    assert_eq!(states.iter().count(), 2 * KINDS);
}

#[test]
fn the_longest_wait_refuses() {
    let (_, memory) = stopped();
    let org = OrgId::generate();
    let asks = [
        (
            LimitScope::Organization,
            LimitKind::GenerationPer10Seconds,
            1,
            1,
        ),
        (LimitScope::Organization, LimitKind::RequestsPerMinute, 1, 1),
        (LimitScope::Organization, LimitKind::ConcurrentStreams, 1, 1),
    ];
    let demand = demand(org, None, &asks);
    let held = memory.decide(&demand, 1).verdict.unwrap();
    let refused = memory.decide(&demand, 1).verdict.unwrap_err();
    assert_eq!(refused.kind, LimitKind::RequestsPerMinute);
    assert_eq!((refused.limit, refused.remaining), (1, 0));
    assert!(refused.retry_after >= Duration::from_secs(60));
    drop(held);
}

#[test]
fn waiting_as_long_as_told_is_enough_and_no_less_is() {
    let (clock, memory) = stopped();
    let org = OrgId::generate();
    for kind in kinds().filter(|kind| *kind != LimitKind::ConcurrentStreams) {
        let demand = demand(org, None, &[(LimitScope::Organization, kind, 3, 1)]);
        for _ in 0..3 {
            clock.advance(Duration::from_millis(777));
            assert!(memory.decide(&demand, 1).verdict.is_ok());
        }
        let refused = memory.decide(&demand, 1).verdict.unwrap_err();
        clock.advance(refused.retry_after - Duration::from_millis(1));
        assert!(memory.decide(&demand, 1).verdict.is_err(), "{kind:?}");
        clock.advance(Duration::from_millis(1));
        assert!(memory.decide(&demand, 1).verdict.is_ok(), "{kind:?}");
    }
}

#[test]
fn setting_the_wall_clock_changes_nothing() {
    let (clock, memory) = stopped();
    let demand = demand(
        OrgId::generate(),
        None,
        &[(LimitScope::Organization, LimitKind::RequestsPerMinute, 1, 1)],
    );
    assert!(memory.decide(&demand, 1).verdict.is_ok());
    for micros in [0, 4_000_000_000_000_000] {
        clock.jump_to(Timestamp::from_micros(micros));
        assert!(memory.decide(&demand, 1).verdict.is_err());
    }
    clock.jump_to(Timestamp::from_micros(0));
    clock.advance(Duration::from_secs(61));
    assert!(memory.decide(&demand, 1).verdict.is_ok());
}

#[test]
fn streams_end_with_their_grant() {
    let (clock, memory) = stopped();
    let asks = [
        (LimitScope::Organization, LimitKind::ConcurrentStreams, 2, 1),
        (LimitScope::Key, LimitKind::ConcurrentStreams, 1, 1),
    ];
    let org = OrgId::generate();
    let one = demand(org, Some(KeyId::generate()), &asks);
    let two = demand(org, Some(KeyId::generate()), &asks);
    let three = demand(org, Some(KeyId::generate()), &asks);
    let first = memory.decide(&one, 1).verdict.unwrap();
    assert!(first.holds_stream());
    assert_eq!(
        memory.decide(&one, 1).verdict.unwrap_err().scope,
        LimitScope::Key
    );
    let _second = memory.decide(&two, 1).verdict.unwrap();
    let refused = memory.decide(&three, 1).verdict.unwrap_err();
    assert_eq!(refused.scope, LimitScope::Organization);
    // However long it runs, it is not forgotten.
    clock.advance(Duration::from_secs(100_000));
    assert!(memory.decide(&three, 1).verdict.is_err());
    drop(first);
    assert!(memory.decide(&three, 1).verdict.is_ok());
}

#[test]
fn what_is_given_back_was_never_taken() {
    let (clock, memory) = stopped();
    let asks = [
        (LimitScope::Organization, LimitKind::TokensPerMinute, 10, 4),
        (LimitScope::Key, LimitKind::TokensPerMinute, 10, 4),
        (LimitScope::Key, LimitKind::ReadPer10Seconds, 10, 1),
    ];
    let demand = demand(OrgId::generate(), Some(KeyId::generate()), &asks);
    let mut grant = memory.decide(&demand, 1).verdict.unwrap();
    memory.settle(&mut grant, 1, 9);
    clock.advance(Duration::from_secs(3));
    memory.settle(&mut grant, 1, 10);
    assert_eq!(memory.give_back(&mut grant).len(), 3);
    let states = memory.peek(&demand, 1);
    assert!(
        states.iter().all(|state| state.remaining == 10),
        "{states:?}"
    );
    // A second time there is nothing left to give.
    memory.give_back(&mut grant);
    assert!(
        memory
            .peek(&demand, 1)
            .iter()
            .all(|state| state.remaining == 10)
    );
}

#[test]
fn corrections_go_down_in_their_slot_and_up_from_now() {
    let (clock, memory) = stopped();
    let kind = LimitKind::TokensPerMinute;
    let demand = demand(
        OrgId::generate(),
        None,
        &[(LimitScope::Organization, kind, 100, 40)],
    );
    let left = || {
        memory
            .peek(&demand, 1)
            .get(LimitScope::Organization, kind)
            .unwrap()
    };
    let mut grant = memory.decide(&demand, 1).verdict.unwrap();
    memory.settle(&mut grant, 1, 30);
    assert_eq!(left().remaining, 70);
    clock.advance(Duration::from_secs(30));
    memory.settle(&mut grant, 1, 50);
    assert_eq!(left().remaining, 50);
    clock.advance(Duration::from_secs(31));
    // The 30 have left, the 20 have not.
    assert_eq!(left().remaining, 80);
    memory.settle(&mut grant, 1, 45);
    assert_eq!(left().remaining, 85);
    // No request counts more than the whole limit.
    memory.settle(&mut grant, 1, 1_000_000);
    assert_eq!(left().remaining, 100 - 70);
    clock.advance(Duration::from_secs(61));
    assert_eq!(left().remaining, 100);
    memory.settle(&mut grant, 1, 0);
    assert_eq!(left().remaining, 100);
}

#[test]
fn a_large_request_is_possible_and_alone() {
    let (clock, memory) = stopped();
    let kind = LimitKind::TokensPerMinute;
    let org = OrgId::generate();
    let large = |weight| demand(org, None, &[(LimitScope::Organization, kind, 100, weight)]);
    assert!(memory.decide(&large(5_000), 1).verdict.is_ok());
    assert!(memory.decide(&large(1), 1).verdict.is_err());
    assert!(memory.decide(&large(0), 1).verdict.is_ok());
    clock.advance(Duration::from_secs(61));
    assert!(memory.decide(&large(1), 1).verdict.is_ok());
    assert!(memory.decide(&large(5_000), 1).verdict.is_err());
}

#[test]
fn a_share_is_rounded_down_but_not_to_nothing() {
    let (_, memory) = stopped();
    for (limit, nodes, expected) in [(10, 3, 3), (2, 3, 1), (0, 3, 0), (9, 1, 9)] {
        let demand = demand(
            OrgId::generate(),
            None,
            &[(
                LimitScope::Organization,
                LimitKind::RequestsPerMinute,
                limit,
                1,
            )],
        );
        let admitted = (0..20)
            .filter(|_| memory.decide(&demand, nodes).verdict.is_ok())
            .count();
        assert_eq!(admitted, expected);
    }
}

#[test]
fn idle_organisations_and_keys_are_forgotten() {
    let (clock, memory) = stopped();
    let asks = [
        (LimitScope::Organization, LimitKind::RequestsPerMinute, 5, 1),
        (LimitScope::Key, LimitKind::ConcurrentStreams, 5, 1),
    ];
    let kept = demand(OrgId::generate(), Some(KeyId::generate()), &asks);
    let held = memory.decide(&kept, 1).verdict.unwrap();
    let org = OrgId::generate();
    for _ in 0..20 {
        for _ in 0..1_000 {
            let _ = memory.decide(
                &demand(OrgId::generate(), Some(KeyId::generate()), &asks),
                1,
            );
            let _ = memory.decide(&demand(org, Some(KeyId::generate()), &asks), 1);
        }
        clock.advance(Duration::from_secs(62));
    }
    let (orgs, keys) = memory.known();
    // Twice 1,000 at a time, and what each shard keeps anyway.
    assert!(orgs <= 2_000 + 16 * SHARDS, "{orgs}");
    assert!(keys <= orgs + 2_000 + 16, "{keys}");
    assert_eq!(
        memory
            .peek(&kept, 1)
            .get(LimitScope::Key, LimitKind::ConcurrentStreams)
            .unwrap()
            .remaining,
        4,
        "a running stream is not idle"
    );
    drop(held);
}

proptest! {
    #[test]
    fn no_window_holds_more_than_its_limit(
        limit in 1_u64..30,
        kind in proptest::sample::select(kinds().take(WINDOWS).collect::<Vec<_>>()),
        steps in proptest::collection::vec((0_u64..5_000, 0_u64..12, proptest::bool::weighted(0.2)), 1..300),
    ) {
        let (clock, memory) = stopped();
        let (org, key) = (OrgId::generate(), Some(KeyId::generate()));
        let window = Duration::from_millis(WINDOW_MS[kind.index().unwrap()]);
        let mut now = Duration::ZERO;
        let mut admitted: Vec<(Duration, u64)> = Vec::new();
        for (step, weight, give_back) in steps {
            let step = Duration::from_millis(step);
            clock.advance(step);
            now += step;
            let demand = demand(org, key, &[(LimitScope::Key, kind, limit, weight)]);
            let decision = memory.decide(&demand, 1);
            let state = decision.states.get(LimitScope::Key, kind).unwrap();
            match decision.verdict {
                Ok(mut grant) if give_back => {
                    memory.give_back(&mut grant);
                }
                Ok(_) => admitted.push((now, counted(limit, weight))),
                Err(refused) => {
                    prop_assert_eq!(refused, state);
                    prop_assert!(refused.remaining < counted(limit, weight));
                    prop_assert!(!refused.retry_after.is_zero() && refused.retry_after <= refused.reset_after);
                }
            }
            let recent: u64 = admitted
                .iter()
                .filter(|(at, _)| *at + window > now)
                .map(|(_, units)| units)
                .sum();
            prop_assert!(recent <= limit, "{} > {}", recent, limit);
            let state = memory.peek(&demand, 1).get(LimitScope::Key, kind).unwrap();
            prop_assert!(state.remaining <= limit - recent);
        }
    }
}

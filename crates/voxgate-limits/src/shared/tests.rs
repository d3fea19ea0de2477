//! The script against the code: both are told the same time and asked the same, and must say the same.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use voxgate_domain::{
    Clock, KeyId, LimitKind, LimitScope, ManualClock, OrgId, SystemClock, Timestamp,
};
use voxgate_testing::RedisServer;

use super::*;
use crate::demand::{CellAsk, CellState, KEY_CELLS, KINDS, WINDOWS, kind_of};

/// Both sides, and the clock they share.
struct Pair {
    clock: Arc<ManualClock>,
    memory: Arc<Memory>,
    shared: Shared,
    /// Where the shared side notes what Redis admitted; nobody asks it here.
    notes: Arc<Memory>,
}

impl Pair {
    async fn new(redis: &RedisServer, begin: Duration) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(0)));
        clock.advance(begin);
        let mut config = RedisConfig::new(&redis.url);
        // Renewing goes by the real clock, so it must not happen here.
        config.lease_ttl = Duration::from_secs(86_400);
        config.response_timeout = Duration::from_secs(10);
        let pair = Self {
            memory: Arc::new(Memory::new(Arc::clone(&clock) as Arc<dyn Clock>)),
            clock,
            shared: Shared::connect(config).await.unwrap(),
            notes: Arc::new(Memory::new(Arc::new(SystemClock::new()))),
        };
        pair.advance(Duration::ZERO);
        pair
    }

    fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.tell(self.clock.monotonic().as_millis());
    }

    fn tell(&self, now_ms: u128) {
        *self.shared.link.scripts.time.lock().unwrap() = now_ms.to_string();
    }

    /// Asks both, and compares; the two grants, where it was admitted.
    async fn decide(&self, demand: &Demand) -> Result<Option<(Grant, Grant)>, TestCaseError> {
        let here = self.memory.decide(demand, 1);
        let there = self.shared.decide(demand, &self.notes).await.unwrap();
        prop_assert_eq!(all(&here.states), all(&there.states));
        match (here.verdict, there.verdict) {
            (Ok(here), Ok(there)) => Ok(Some((here, there))),
            (Err(here), Err(there)) => {
                prop_assert_eq!(here, there);
                Ok(None)
            }
            (here, there) => {
                prop_assert!(false, "here {here:?}, there {there:?}");
                Ok(None)
            }
        }
    }

    async fn settle(&self, grants: &mut (Grant, Grant), index: usize, actual: u64) {
        self.memory.settle(&mut grants.0, index, actual);
        let changes: Vec<Change> = self
            .notes
            .settle(&mut grants.1, index, actual)
            .into_iter()
            .flatten()
            .collect();
        self.shared.correct(&mut grants.1, &changes).await;
    }

    async fn release(&self, (here, mut there): (Grant, Grant)) {
        drop(here);
        if let Some(lease) = there.take_lease() {
            lease.end().await;
        }
    }

    async fn give_back(&self, (mut here, mut there): (Grant, Grant)) {
        self.memory.give_back(&mut here);
        let changes = self.notes.give_back(&mut there);
        self.shared.correct(&mut there, &changes).await;
        self.release((here, there)).await;
    }
}

fn all(states: &States) -> Vec<CellState> {
    states.iter().collect()
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Decide {
        who: u8,
        asks: Vec<(usize, u64, u64)>,
    },
    Settle {
        which: usize,
        index: usize,
        actual: u64,
    },
    GiveBack(usize),
    Release(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let cells = prop_oneof![0..KINDS, KEY_CELLS..KEY_CELLS + KINDS];
    let ask = (
        cells,
        prop_oneof![3 => 0_u64..12, 1 => Just(1_000_000_000_000_000)],
        prop_oneof![4 => 0_u64..6, 1 => Just(500_u64)],
    );
    let step = prop_oneof![
        3 => (0_u64..3_000).prop_map(Step::Wait),
        1 => (3_000_u64..90_000).prop_map(Step::Wait),
        8 => (0_u8..4, proptest::collection::vec(ask, 1..6))
            .prop_map(|(who, asks)| Step::Decide { who, asks }),
        2 => (any::<usize>(), 0..WINDOWS, 0_u64..15)
            .prop_map(|(which, index, actual)| Step::Settle { which, index, actual }),
        1 => any::<usize>().prop_map(Step::GiveBack),
        1 => any::<usize>().prop_map(Step::Release),
    ];
    proptest::collection::vec(step, 1..80)
}

#[test]
fn the_script_says_what_the_code_says() {
    let redis = RedisServer::start().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let begins = prop_oneof![Just(0), Just(1_799_999_999_999_u64), 0..100_000_u64];
    let mut runner = TestRunner::new(Config {
        cases: 256,
        failure_persistence: None,
        ..Config::default()
    });
    runner
        .run(&(begins, steps()), |(begin, steps)| {
            runtime.block_on(run(&redis, begin, steps))
        })
        .unwrap();
}

async fn run(redis: &RedisServer, begin: u64, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let pair = Pair::new(redis, Duration::from_millis(begin)).await;
    let orgs = [OrgId::generate(), OrgId::generate()];
    let keys = [KeyId::generate(), KeyId::generate()];
    let mut grants: Vec<(Grant, Grant)> = Vec::new();
    for step in steps {
        match step {
            Step::Wait(ms) => pair.advance(Duration::from_millis(ms)),
            Step::Decide { who, asks } => {
                let key = keys[usize::from(who / 2)];
                let mut demand = Demand::new(orgs[usize::from(who % 2)], Some(key));
                for (cell, limit, weight) in asks {
                    demand.ask(CellAsk {
                        scope: crate::demand::scope_of(cell),
                        kind: kind_of(cell),
                        limit,
                        weight,
                    });
                }
                let before = all(&pair.shared.peek(&demand).await.unwrap());
                prop_assert_eq!(all(&pair.memory.peek(&demand, 1)), before);
                grants.extend(pair.decide(&demand).await?);
            }
            Step::Settle {
                which,
                index,
                actual,
            } => {
                if let Some(which) = which.checked_rem(grants.len()) {
                    pair.settle(&mut grants[which], index, actual).await;
                }
            }
            Step::GiveBack(which) => {
                if let Some(which) = which.checked_rem(grants.len()) {
                    pair.give_back(grants.swap_remove(which)).await;
                }
            }
            Step::Release(which) => {
                if let Some(which) = which.checked_rem(grants.len()) {
                    pair.release(grants.swap_remove(which)).await;
                }
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_clock_of_redis_set_back_locks_nobody_for_longer_than_the_window() {
    let redis = RedisServer::start().unwrap();
    let pair = Pair::new(&redis, Duration::from_secs(1_000_000)).await;
    let mut demand = Demand::new(OrgId::generate(), None);
    for kind in [LimitKind::RequestsPerMinute, LimitKind::ConcurrentStreams] {
        demand.ask(CellAsk {
            scope: LimitScope::Organization,
            kind,
            limit: 2,
            weight: 1,
        });
    }
    let ask = || pair.shared.decide(&demand, &pair.notes);
    let first = ask().await.unwrap().verdict.unwrap();
    assert!(ask().await.unwrap().verdict.is_ok());
    assert!(ask().await.unwrap().verdict.is_err());
    // By half a window: what was counted stays.
    pair.tell(999_970_000);
    assert!(ask().await.unwrap().verdict.is_err());
    // By an hour: the windows begin anew, the stream that runs still counts; the other ended when it was dropped.
    pair.tell(996_400_000);
    drop(ask().await.unwrap().verdict);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let states = pair.shared.peek(&demand).await.unwrap();
    let left = |kind| {
        states
            .get(LimitScope::Organization, kind)
            .unwrap()
            .remaining
    };
    assert_eq!(left(LimitKind::RequestsPerMinute), 1);
    assert_eq!(left(LimitKind::ConcurrentStreams), 1);
    drop(first);
}

#[test]
fn secrets_in_addresses_are_not_shown() {
    let config = RedisConfig::new("redis://user:hunter2@127.0.0.1");
    assert!(!format!("{config:?}").contains("hunter2"));
}

//! Several limiters and a real Redis: exactness, leases, and the bounds on overshoot while Redis goes away and comes back.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use voxgate_domain::{KeyId, LimitKind, LimitScope, OrgId, SystemClock};
use voxgate_limits::{CellAsk, Demand, Grant, Limiter, LimiterError, Mode, RedisConfig, decides};
use voxgate_testing::RedisServer;

const ORG: LimitScope = LimitScope::Organization;

/// A server's limiter. Patient, so that a busy machine is not mistaken for an outage.
async fn server(redis: &RedisServer, nodes: u32) -> Arc<Limiter> {
    let mut config = RedisConfig::new(&redis.url);
    config.response_timeout = Duration::from_secs(5);
    connect(config, nodes).await
}

async fn connect(config: RedisConfig, nodes: u32) -> Arc<Limiter> {
    let limiter = Limiter::connect_redis(config, Arc::new(SystemClock::new()))
        .await
        .unwrap();
    limiter.set_nodes(nodes);
    Arc::new(limiter)
}

fn demand(org: OrgId, asks: &[(LimitScope, LimitKind, u64)]) -> Demand {
    let mut demand = Demand::new(org, Some(KeyId::from(org.as_uuid())));
    for &(scope, kind, limit) in asks {
        assert!(demand.ask(CellAsk {
            scope,
            kind,
            limit,
            weight: 1
        }));
    }
    demand
}

/// Asks until refused; the grants.
async fn exhaust(limiter: &Limiter, demand: &Demand) -> Vec<Grant> {
    let mut grants = Vec::new();
    while let Ok(grant) = limiter.decide(demand).await.verdict {
        grants.push(grant);
    }
    grants
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_admit_exactly_the_limit_of_every_kind() {
    const LIMIT: u64 = 100;
    let redis = RedisServer::start().unwrap();
    let servers = [
        server(&redis, 3).await,
        server(&redis, 3).await,
        server(&redis, 3).await,
    ];
    for kind in LimitKind::SETTABLE
        .into_iter()
        .filter(|kind| decides(*kind))
    {
        for scope in [ORG, LimitScope::Key] {
            let demand = demand(OrgId::generate(), &[(scope, kind, LIMIT)]);
            let mut asking = JoinSet::new();
            for n in 0..300 {
                let (limiter, demand) = (Arc::clone(&servers[n % 3]), demand.clone());
                asking.spawn(async move { limiter.decide(&demand).await.verdict.ok() });
            }
            let held: Vec<Grant> = asking.join_all().await.into_iter().flatten().collect();
            assert_eq!(held.len() as u64, LIMIT, "{kind:?} {scope:?}");
        }
    }
    assert!(servers.iter().all(|server| server.mode() == Mode::Shared));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrections_and_returns_are_seen_by_the_other_server() {
    let redis = RedisServer::start().unwrap();
    let (one, two) = (server(&redis, 2).await, server(&redis, 2).await);
    let kind = LimitKind::TokensPerMinute;
    let mut demand = Demand::new(OrgId::generate(), None);
    demand.ask(CellAsk {
        scope: ORG,
        kind,
        limit: 100,
        weight: 60,
    });
    let left = async || two.peek(&demand).await.get(ORG, kind).unwrap().remaining;
    let mut grant = one.decide(&demand).await.verdict.unwrap();
    assert_eq!(left().await, 40);
    one.settle(&mut grant, kind, 10).await;
    assert_eq!(left().await, 90);
    one.settle(&mut grant, kind, 70).await;
    assert_eq!(left().await, 30);
    one.give_back(grant).await;
    assert_eq!(left().await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_a_dead_server_end_with_their_leases_and_no_others_do() {
    let redis = RedisServer::start().unwrap();
    let mut config = RedisConfig::new(&redis.url);
    config.lease_ttl = Duration::from_millis(1_500);
    config.response_timeout = Duration::from_secs(5);
    let demand = demand(OrgId::generate(), &[(ORG, LimitKind::ConcurrentStreams, 3)]);

    let living = connect(config.clone(), 2).await;
    let _running = living.decide(&demand).await.verdict.unwrap();
    // A server of its own runtime, which is then gone at once: nobody renews, nobody says good-bye.
    let doomed = std::thread::spawn({
        let demand = demand.clone();
        let config = config.clone();
        move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let held = runtime.block_on(async {
                let limiter = connect(config, 2).await;
                let held = exhaust(&limiter, &demand).await;
                (limiter, held)
            });
            runtime.shutdown_background();
            held
        }
    });
    let (_limiter, dead) = doomed.join().unwrap();
    let died = Instant::now();
    assert_eq!(dead.len(), 2);
    assert!(living.decide(&demand).await.verdict.is_err());
    until("the dead server's streams ended", async || {
        living.decide(&demand).await.verdict.is_ok()
    })
    .await;
    assert!(
        died.elapsed() < Duration::from_secs(4),
        "{:?}",
        died.elapsed()
    );
    // Several leases later the running stream still counts.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    assert_eq!(exhaust(&living, &demand).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_end_when_dropped_released_or_shut_down() {
    let redis = RedisServer::start().unwrap();
    let (one, two) = (server(&redis, 2).await, server(&redis, 2).await);
    let demand = demand(OrgId::generate(), &[(ORG, LimitKind::ConcurrentStreams, 4)]);
    let free = async || {
        let states = two.peek(&demand).await;
        states
            .get(ORG, LimitKind::ConcurrentStreams)
            .unwrap()
            .remaining
    };
    let mut held = exhaust(&one, &demand).await;
    assert_eq!((held.len(), free().await), (4, 0));
    one.release(held.pop().unwrap()).await;
    assert_eq!(free().await, 1);
    drop(held.pop());
    until("a dropped stream ended", async || free().await == 2).await;
    one.shutdown().await;
    assert_eq!(free().await, 4);
    assert_eq!(one.mode(), Mode::Degraded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_started_again_empty_it_adds_at_most_two_limits() {
    const LIMIT: u64 = 10;
    let mut redis = RedisServer::start().unwrap();
    let (one, two) = (server(&redis, 2).await, server(&redis, 2).await);
    let org = OrgId::generate();
    let requests = demand(org, &[(ORG, LimitKind::RequestsPerMinute, LIMIT)]);
    let streams = demand(org, &[(LimitScope::Key, LimitKind::ConcurrentStreams, 4)]);

    let mut total = 0;
    for (limiter, times) in [(&one, 6), (&two, 2)] {
        for _ in 0..times {
            assert!(limiter.decide(&requests).await.verdict.is_ok());
            total += 1;
        }
    }
    let running = [
        one.decide(&streams).await.verdict.unwrap(),
        one.decide(&streams).await.verdict.unwrap(),
        two.decide(&streams).await.verdict.unwrap(),
    ];

    redis.stop();
    // Each server knows what it admitted itself: the first is beyond its half, the second has three left in it.
    assert_eq!(exhaust(&one, &requests).await.len(), 0);
    let more = exhaust(&two, &requests).await.len() as u64;
    assert_eq!(more, 3);
    total += more;
    assert_eq!((one.mode(), two.mode()), (Mode::Degraded, Mode::Degraded));
    assert!(total < 2 * LIMIT);
    assert!(
        one.decide_now(&requests)
            .is_some_and(|decision| decision.verdict.is_err())
    );
    let mut away = exhaust(&two, &streams).await;
    assert_eq!(away.len(), 1, "half of four streams, and one runs");

    redis.start_again().unwrap();
    until("both servers found Redis again", async || {
        one.mode() == Mode::Shared && two.mode() == Mode::Shared
    })
    .await;
    // All four streams were reported before anybody could ask.
    assert!(one.decide(&streams).await.verdict.is_err());
    two.release(away.pop().unwrap()).await;
    assert!(one.decide(&streams).await.verdict.is_ok());
    total += exhaust(&one, &requests).await.len() as u64;
    total += exhaust(&two, &requests).await.len() as u64;
    assert!(total < 3 * LIMIT, "{total}");
    drop(running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_for_a_while_it_adds_less_than_one_limit() {
    const LIMIT: u64 = 300;
    let mut redis = RedisServer::start().unwrap();
    let mut config = RedisConfig::new(&redis.url);
    config.response_timeout = Duration::from_millis(400);
    let servers = [
        connect(config.clone(), 3).await,
        connect(config.clone(), 3).await,
        connect(config, 3).await,
    ];
    let demand = demand(
        OrgId::generate(),
        &[(ORG, LimitKind::RequestsPerMinute, LIMIT)],
    );
    // Everyone asks all the time, while Redis falls silent and wakes; all within one window.
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut asking = JoinSet::new();
    for n in 0..12 {
        let (limiter, demand, stop) = (
            Arc::clone(&servers[n % 3]),
            demand.clone(),
            Arc::clone(&stop),
        );
        asking.spawn(async move {
            let mut admitted = 0_u64;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                admitted += u64::from(limiter.decide(&demand).await.verdict.is_ok());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            admitted
        });
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    redis.pause().unwrap();
    until("all fell back", async || {
        servers.iter().all(|server| server.mode() == Mode::Degraded)
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    redis.resume().unwrap();
    until("all found Redis again", async || {
        servers.iter().all(|server| server.mode() == Mode::Shared)
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let total: u64 = asking.join_all().await.into_iter().sum();
    assert!((LIMIT / 2..2 * LIMIT).contains(&total), "{total}");
}

#[tokio::test]
async fn inside_an_outage_everyone_has_a_share() {
    let mut redis = RedisServer::start().unwrap();
    let servers = [
        server(&redis, 3).await,
        server(&redis, 3).await,
        server(&redis, 3).await,
    ];
    redis.stop();
    for (limit, most) in [(10, 10), (2, 3), (0, 0)] {
        let demand = demand(
            OrgId::generate(),
            &[(ORG, LimitKind::RequestsPerMinute, limit)],
        );
        let mut total = 0;
        for limiter in &servers {
            total += exhaust(limiter, &demand).await.len();
        }
        assert!(total <= most, "{total} of {limit}");
        assert_eq!(total == 0, limit == 0);
    }
}

#[tokio::test]
async fn a_server_does_not_start_without_the_redis_it_was_told() {
    let mut redis = RedisServer::start().unwrap();
    redis.stop();
    let clock = Arc::new(SystemClock::new());
    let refused = Limiter::connect_redis(RedisConfig::new(&redis.url), clock.clone()).await;
    assert!(matches!(refused, Err(LimiterError::Unavailable(_))));
    let refused = Limiter::connect_redis(RedisConfig::new("nonsense"), clock).await;
    assert!(matches!(refused, Err(LimiterError::Address(_))));
}

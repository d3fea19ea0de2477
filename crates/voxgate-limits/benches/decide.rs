//! Decisions per second in memory: what a metered request costs before anything is done for it.
//!
//! `cargo bench -p voxgate-limits`. Items are decisions; each asks four limits of an organisation and three of its key, and
//! ends the stream it was given.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use divan::Bencher;
use divan::counter::ItemsCount;
use voxgate_domain::{KeyId, LimitKind, LimitScope, LimitSet, OrgId, SystemClock};
use voxgate_limits::{CellAsk, Demand, Limiter};

const AT_A_TIME: usize = 10_000;

fn main() {
    divan::main();
}

/// All limits of the organisation and the key, far away.
fn full(org: OrgId, key: KeyId) -> Demand {
    use LimitKind::{
        ConcurrentStreams, GenerationPer10Seconds, RequestsPerMinute, TokensPerMinute,
    };
    let mut demand = Demand::new(org, Some(key));
    let org_kinds = [
        RequestsPerMinute,
        TokensPerMinute,
        GenerationPer10Seconds,
        ConcurrentStreams,
    ];
    for (scope, kinds) in [
        (LimitScope::Organization, &org_kinds[..]),
        (
            LimitScope::Key,
            &[RequestsPerMinute, TokensPerMinute, ConcurrentStreams][..],
        ),
    ] {
        for &kind in kinds {
            let weight = if kind == TokensPerMinute { 200 } else { 1 };
            demand.ask(CellAsk {
                scope,
                kind,
                limit: LimitSet::MAX,
                weight,
            });
        }
    }
    demand
}

/// Requests per minute of the organisation and of the key: what every request has.
fn requests(org: OrgId, key: KeyId) -> Demand {
    let mut demand = Demand::new(org, Some(key));
    for scope in [LimitScope::Organization, LimitScope::Key] {
        demand.ask(CellAsk {
            scope,
            kind: LimitKind::RequestsPerMinute,
            limit: LimitSet::MAX,
            weight: 1,
        });
    }
    demand
}

fn run(bencher: Bencher<'_, '_>, orgs: usize, of: fn(OrgId, KeyId) -> Demand) {
    let limiter = Limiter::in_memory(Arc::new(SystemClock::new()));
    let demands: Vec<Demand> = (0..orgs)
        .map(|_| of(OrgId::generate(), KeyId::generate()))
        .collect();
    let begin = AtomicUsize::new(0);
    bencher.counter(ItemsCount::new(AT_A_TIME)).bench(|| {
        // Threads begin at different organisations.
        let mut at = begin.fetch_add(orgs / 2, Ordering::Relaxed);
        for _ in 0..AT_A_TIME {
            at += 1;
            let decision = limiter.decide_now(black_box(&demands[at % orgs]));
            drop(black_box(decision));
        }
    });
}

#[divan::bench(args = [1, 1_000, 100_000], threads = [1, 2])]
fn two_limits(bencher: Bencher<'_, '_>, orgs: usize) {
    run(bencher, orgs, requests);
}

#[divan::bench(args = [1, 1_000, 100_000], threads = [1, 2])]
fn seven_limits(bencher: Bencher<'_, '_>, orgs: usize) {
    run(bencher, orgs, full);
}

/// A key's fingerprint looked up in a map that a lock guards, its demand put together, then two limits decided.
#[divan::bench(args = [1_000], threads = [1, 2])]
fn key_check_and_two_limits(bencher: Bencher<'_, '_>, orgs: usize) {
    let limiter = Limiter::in_memory(Arc::new(SystemClock::new()));
    let known: Vec<([u8; 32], (OrgId, KeyId))> = (0..orgs)
        .map(|_| {
            let key = KeyId::generate();
            let mut fingerprint = [0; 32];
            fingerprint[..16].copy_from_slice(key.as_uuid().as_bytes());
            (fingerprint, (OrgId::generate(), key))
        })
        .collect();
    let keys: RwLock<HashMap<[u8; 32], (OrgId, KeyId)>> =
        RwLock::new(known.iter().copied().collect());
    let begin = AtomicUsize::new(0);
    bencher.counter(ItemsCount::new(AT_A_TIME)).bench(|| {
        let mut at = begin.fetch_add(orgs / 2, Ordering::Relaxed);
        for _ in 0..AT_A_TIME {
            at += 1;
            let fingerprint = black_box(&known[at % orgs].0);
            let owner = keys
                .read()
                .ok()
                .and_then(|keys| keys.get(fingerprint).copied());
            let decision = owner.and_then(|(org, key)| limiter.decide_now(&requests(org, key)));
            drop(black_box(decision));
        }
    });
}

//! Limits: exact under any parallelism, given back where nothing was delivered, whole again when they say.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use voxgate_domain::{LimitKind, Role, Timestamp};
use voxgate_services::gate::GateError;
use voxgate_services::orgs::UpdateOrg;
use voxgate_services::speech::SpeechError;
use voxgate_services::{Principal, Services};

use crate::fixture::{Fixture, NOON, say, words};

on_both!(
    of_three_hundred_at_once_exactly_the_words_that_fit_are_spoken,
    of_three_hundred_at_once_exactly_the_requests_that_fit_are_admitted,
    words_come_back_at_midnight_and_at_the_first,
    a_lowered_limit_holds_at_once,
);

/// Asks for the same text many times at once; answers how many were spoken. Everybody else must have been refused by the
/// named limit.
async fn volley(
    services: &Services,
    principal: &Principal,
    times: usize,
    text: &str,
    kind: LimitKind,
) -> usize {
    let tasks: Vec<_> = (0..times)
        .map(|_| {
            let (speech, principal) = (services.speech().clone(), principal.clone());
            let command = say(text);
            tokio::spawn(async move { speech.synthesize(&principal, command).await })
        })
        .collect();
    let mut spoken = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => spoken += 1,
            Err(SpeechError::Gate(GateError::Limited(refusal))) => assert_eq!(refusal.kind, kind),
            Err(other) => panic!("{other:?}"),
        }
    }
    spoken
}

async fn of_three_hundred_at_once_exactly_the_words_that_fit_are_spoken(f: Fixture) {
    let org = f.organization("small", 100, 1000).await;
    let member = f.member("anna@example.com", Role::OrgUser, org).await;
    let spoken = volley(
        &f.services,
        &member,
        300,
        "three short words",
        LimitKind::WordsPerDay,
    )
    .await;
    assert_eq!(spoken, 33);
    let summary = f.services.usage().summary(&member, None).await.unwrap();
    assert_eq!(
        (summary.daily.words_used, summary.daily.remaining),
        (99, Some(1))
    );
    assert_eq!(
        (summary.monthly.words_used, summary.totals.requests),
        (99, 33)
    );
    // What is left can be used; a refusal says how much that is.
    f.services
        .speech()
        .synthesize(&member, say("one"))
        .await
        .unwrap();
    let refused = f
        .services
        .speech()
        .synthesize(&member, say("two words"))
        .await;
    let Err(SpeechError::Gate(GateError::Limited(refusal))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((refusal.limit, refusal.remaining), (100, 0));
    assert_eq!(refusal.reset, NOON.next_day_start());
    assert_eq!(refusal.retry_after, Duration::from_secs(12 * 3600));
    // Refused words do not use up requests.
    assert_eq!(f.requests_left(&member).await, 1000 - 34);
    f.stop().await;
}

async fn of_three_hundred_at_once_exactly_the_requests_that_fit_are_admitted(f: Fixture) {
    let org = f.organization("small", 100_000, 50).await;
    let member = f.member("anna@example.com", Role::OrgUser, org).await;
    let spoken = volley(
        &f.services,
        &member,
        300,
        "word",
        LimitKind::RequestsPerMinute,
    )
    .await;
    assert_eq!(spoken, 50);
    // Setting the wall clock frees nobody and locks nobody.
    f.clock
        .jump_to(NOON.saturating_add(Duration::from_secs(7 * 86_400)));
    assert_eq!(
        volley(
            &f.services,
            &member,
            5,
            "word",
            LimitKind::RequestsPerMinute
        )
        .await,
        0
    );
    f.clock.jump_to(NOON);
    f.clock.advance(Duration::from_secs(61));
    assert_eq!(f.requests_left(&member).await, 50);
    assert_eq!(
        volley(
            &f.services,
            &member,
            60,
            "word",
            LimitKind::RequestsPerMinute
        )
        .await,
        50
    );
    f.stop().await;
}

async fn words_come_back_at_midnight_and_at_the_first(f: Fixture) {
    let org = f.organization("small", 10, 1000).await;
    f.member("anna@example.com", Role::OrgUser, org).await;
    let monthly = UpdateOrg {
        monthly_word_limit: Some(15),
        ..UpdateOrg::default()
    };
    f.services
        .orgs()
        .update(&f.admin, org, monthly)
        .await
        .unwrap();
    let member = f.again("anna@example.com").await;
    let speech = f.services.speech();
    let kind = |refused: Result<_, SpeechError>| match refused {
        Err(SpeechError::Gate(GateError::Limited(refusal))) => refusal.kind,
        other => panic!("{:?}", other.map(|_: voxgate_services::speech::Spoken| ())),
    };
    speech.synthesize(&member, say(words(10))).await.unwrap();
    assert_eq!(
        kind(speech.synthesize(&member, say("word")).await),
        LimitKind::WordsPerDay
    );
    f.clock.jump_to(NOON.next_day_start());
    assert_eq!(
        kind(speech.synthesize(&member, say(words(6))).await),
        LimitKind::WordsPerMonth
    );
    speech.synthesize(&member, say(words(5))).await.unwrap();
    assert_eq!(
        kind(speech.synthesize(&member, say("word")).await),
        LimitKind::WordsPerMonth
    );
    f.clock.jump_to(NOON.next_month_start());
    speech.synthesize(&member, say(words(10))).await.unwrap();
    f.stop().await;
}

async fn a_lowered_limit_holds_at_once(f: Fixture) {
    let org = f.organization("small", 10, 1000).await;
    let member = f.member("anna@example.com", Role::OrgUser, org).await;
    f.services
        .speech()
        .synthesize(&member, say("word"))
        .await
        .unwrap();
    let none = UpdateOrg {
        daily_word_limit: Some(0),
        ..UpdateOrg::default()
    };
    f.services.orgs().update(&f.admin, org, none).await.unwrap();
    // Every request shows its credential, so the next one knows.
    let member = f.again("anna@example.com").await;
    let refused = f.services.speech().synthesize(&member, say("word")).await;
    assert!(matches!(
        refused,
        Err(SpeechError::Gate(GateError::Limited(_)))
    ));
    f.stop().await;
}

/// Random requests over random days, some failing, against a model that adds up by hand.
#[test]
fn word_windows_agree_with_a_model() {
    const DAILY: u64 = 40;
    const MONTHLY: u64 = 100;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let f = Arc::new(runtime.block_on(Fixture::sqlite()));
    let case = std::sync::atomic::AtomicU32::new(0);
    let mut runner = TestRunner::new(Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    });
    let step = (0_u64..40, 1_usize..30, any::<bool>());
    runner
        .run(&proptest::collection::vec(step, 1..25), |steps| {
            let case = case.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let f = Arc::clone(&f);
            runtime.block_on(async move {
                f.clock.jump_to(NOON);
                let org = f.organization(&format!("org{case}"), DAILY, 100_000).await;
                let email = format!("user{case}@example.com");
                let monthly = UpdateOrg {
                    monthly_word_limit: Some(MONTHLY),
                    ..UpdateOrg::default()
                };
                f.services
                    .orgs()
                    .update(&f.admin, org, monthly)
                    .await
                    .unwrap();
                let member = f.member(&email, Role::OrgUser, org).await;
                let mut charged: Vec<(Timestamp, u64)> = Vec::new();
                for (hours, count, fails) in steps {
                    f.clock.advance(Duration::from_secs(hours * 3600));
                    let now = voxgate_domain::Clock::now(&*f.clock);
                    let sum = |same: &dyn Fn(Timestamp) -> bool| -> u64 {
                        charged
                            .iter()
                            .filter(|(at, _)| same(*at))
                            .map(|(_, words)| words)
                            .sum()
                    };
                    let today = sum(&|at| at.day_start() == now.day_start());
                    let month = sum(&|at| at.month_start() == now.month_start());
                    let text = if fails {
                        format!("[[fail]] {}", words(count))
                    } else {
                        words(count)
                    };
                    let asked = voxgate_domain::count_words(&text);
                    let fits = today + asked <= DAILY && month + asked <= MONTHLY;
                    match f.services.speech().synthesize(&member, say(text)).await {
                        Ok(_) => {
                            prop_assert!(fits && !fails);
                            charged.push((now, asked));
                        }
                        Err(SpeechError::Gate(GateError::Limited(_))) => prop_assert!(!fits),
                        Err(SpeechError::Engine(_)) => prop_assert!(fits && fails),
                        Err(other) => panic!("{other:?}"),
                    }
                    let summary = f.services.usage().summary(&member, None).await.unwrap();
                    let now_in = |same: &dyn Fn(Timestamp) -> bool| -> u64 {
                        charged
                            .iter()
                            .filter(|(at, _)| same(*at))
                            .map(|(_, words)| words)
                            .sum()
                    };
                    prop_assert_eq!(
                        summary.daily.words_used,
                        now_in(&|at| at.day_start() == now.day_start())
                    );
                    let this_month = now_in(&|at| at.month_start() == now.month_start());
                    prop_assert_eq!(summary.monthly.words_used, this_month);
                    prop_assert_eq!(summary.totals.words, this_month);
                }
                Ok(())
            })
        })
        .unwrap();
}

//! Limits are exact under parallel load: not one request and not one word more than allowed.

use std::collections::BTreeMap;

use serde_json::json;
use voxgate_testing::{Answer, Client, Options, TestServer};

use crate::world::{Database, make_org, usage, words};

/// Sends that many requests at once and answers how often each status came, with one answer of each.
async fn storm(client: &Client, requests: usize, text: &str) -> BTreeMap<u16, (u64, Answer)> {
    let tasks: Vec<_> = (0..requests)
        .map(|_| {
            let (client, text) = (client.clone(), text.to_owned());
            tokio::spawn(async move { client.speak(&text).await.unwrap() })
        })
        .collect();
    let mut counts: BTreeMap<u16, (u64, Answer)> = BTreeMap::new();
    for task in tasks {
        let answer = task.await.unwrap();
        counts
            .entry(answer.status)
            .and_modify(|entry| entry.0 += 1)
            .or_insert((1, answer));
    }
    counts
}

fn count(counts: &BTreeMap<u16, (u64, Answer)>, status: u16) -> u64 {
    counts.get(&status).map_or(0, |entry| entry.0)
}

/// The queue holds them all, so that nothing but the limit refuses.
fn options(database: &Database) -> Options {
    database.options(Options::fake().set("engines.queue_depth", "1000"))
}

async fn requests_per_minute_are_exact(database: Database) {
    const LIMIT: u64 = 37;
    let server = TestServer::start(options(&database)).await.unwrap();
    let org = make_org(&server, "minute", json!({"rate_limit_per_minute": LIMIT})).await;
    let counts = storm(&org.admin, 300, "two words").await;
    assert_eq!(
        (count(&counts, 200), count(&counts, 429)),
        (LIMIT, 300 - LIMIT),
        "{:?}",
        counts.keys()
    );
    let refused = &counts[&429].1;
    assert_eq!(refused.json()["detail"], "Rate limit exceeded");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    // The window slides in slots, so the longest wait is a minute and one slot, rounded up.
    assert!((1..=61).contains(&wait), "Retry-After: {wait}");
    assert_eq!(refused.header("x-ratelimit-limit"), LIMIT.to_string());
    // A refused request costs nothing.
    let used = usage(&server, &org.id).await;
    assert_eq!(used["words"], 2 * LIMIT);
    assert_eq!(
        used["requests"],
        json!({"total": LIMIT, "success": LIMIT, "failed": 0, "pending": 0})
    );
    // Another organisation is not affected.
    let other = make_org(&server, "other", json!({"rate_limit_per_minute": LIMIT})).await;
    other
        .admin
        .speak("two words")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
}

async fn words_are_exact(database: Database, limit: &str, detail: &str) {
    // 5 words each: 24 requests fit, and a remainder that no request of 5 words may take.
    const LIMIT: u64 = 123;
    let server = TestServer::start(options(&database)).await.unwrap();
    let org = make_org(
        &server,
        "words",
        json!({limit: LIMIT, "rate_limit_per_minute": 10_000}),
    )
    .await;
    let counts = storm(&org.admin, 120, &words(5)).await;
    assert_eq!(
        (count(&counts, 200), count(&counts, 429)),
        (24, 96),
        "{:?}",
        counts.keys()
    );
    let refused = &counts[&429].1;
    assert_eq!(refused.json()["detail"], detail);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(usage(&server, &org.id).await["words"], 120);
    // Exactly to the limit, then not one more.
    org.admin
        .speak(&words(3))
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    org.admin.speak("one").await.unwrap().expect(429).unwrap();
    assert_eq!(usage(&server, &org.id).await["words"], LIMIT);
}

async fn failed_requests_give_their_words_back(database: Database) {
    let server = TestServer::start(options(&database)).await.unwrap();
    let org = make_org(
        &server,
        "back",
        json!({"daily_word_limit": 50, "rate_limit_per_minute": 10_000}),
    )
    .await;
    // The fake engine breaks down at this mark, after its first chunk.
    let failed = storm(&org.admin, 40, &format!("[[fail]] {}", words(9))).await;
    assert_eq!(
        count(&failed, 200) + count(&failed, 429) + count(&failed, 500),
        40,
        "{:?}",
        failed.keys()
    );
    assert_eq!(count(&failed, 200), 0);
    let used = usage(&server, &org.id).await;
    assert_eq!(
        (&used["words"], &used["requests"]["pending"]),
        (&json!(0), &json!(0)),
        "{used}"
    );
    // So the whole allowance is still there.
    org.admin
        .speak(&words(50))
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    org.admin.speak("one").await.unwrap().expect(429).unwrap();
}

macro_rules! on_both {
    ($($name:ident => $run:expr),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let run = $run;
                run(super::Database::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let run = $run;
                run(super::Database::postgres().await).await;
            })+
        }
    };
}

on_both!(
    requests_per_minute => super::requests_per_minute_are_exact,
    words_per_day => |database| super::words_are_exact(database, "daily_word_limit", "Daily word limit exceeded"),
    words_per_month => |database| super::words_are_exact(database, "monthly_word_limit", "Monthly word limit exceeded"),
    failures_cost_nothing => super::failed_requests_give_their_words_back,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_nothing_is_whole() {
    let server = TestServer::start(Options::fake()).await.unwrap();
    let path = format!(
        "/admin/v1/organizations/{}/usage/export",
        server.bootstrap.organization_id
    );
    for (format, lines) in [("csv", 1), ("jsonl", 0)] {
        let nothing = format!("{path}?format={format}&from=2001-01-01&until=2001-01-02");
        let answer = server.admin().get(&nothing).await.unwrap();
        let text = answer.expect(200).unwrap().text();
        assert_eq!(text.lines().count(), lines, "{text}");
    }
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
}

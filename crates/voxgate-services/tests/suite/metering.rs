//! Metering: a record for every request, once, also where the process ends between the answer and the books.

use std::time::Duration;

use voxgate_domain::{LimitKind, Micros, Price, PriceUnit, Role, Service, TransferId};
use voxgate_services::Process;
use voxgate_services::credits::{Change, ChangeCredits};
use voxgate_services::gate::GateError;
use voxgate_services::orgs::UpdateOrg;
use voxgate_services::speech::SpeechError;
use voxgate_services::usage::{ExportQuery, UsageGroup, UsageQuery};

use crate::fixture::{Fixture, NOON, Options, say, words};

on_both!(
    reports_and_exports_agree_with_what_was_spoken,
    tokens_and_audio_are_limited_too,
    streams_at_once_are_limited,
);

async fn reports_and_exports_agree_with_what_was_spoken(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    for count in 1..=5 {
        f.services
            .speech()
            .synthesize(&anna, say(words(count)))
            .await
            .unwrap();
        f.clock.advance(Duration::from_secs(3600));
    }
    let failed = f
        .services
        .speech()
        .synthesize(&f.admin, say("[[fail]] it"))
        .await;
    assert!(failed.is_err());
    let usage = f.services.usage();
    let (from, until) = (NOON.day_start(), NOON.next_day_start());
    let query = |group| UsageQuery {
        from,
        until,
        group,
        user: None,
        key: None,
    };
    for group in [
        UsageGroup::Day,
        UsageGroup::Hour,
        UsageGroup::Key,
        UsageGroup::User,
        UsageGroup::Voice,
        UsageGroup::Model,
        UsageGroup::Service,
        UsageGroup::Dialect,
    ] {
        let rows = usage.report(&f.admin, f.org, query(group)).await.unwrap();
        let words: u64 = rows.iter().map(|row| row.sums.quantities.words).sum();
        let requests: u64 = rows.iter().map(|row| row.sums.requests).sum();
        let failed: u64 = rows.iter().map(|row| row.sums.failed).sum();
        assert_eq!((words, requests, failed), (15, 6, 1));
    }
    let hours = usage
        .report(&f.admin, f.org, query(UsageGroup::Hour))
        .await
        .unwrap();
    assert_eq!(hours.len(), 6);
    // Page by page, and nothing twice.
    let mut after = None;
    let mut seen = Vec::new();
    loop {
        let page = ExportQuery {
            from,
            until,
            user: None,
            key: None,
            after,
            limit: 2,
        };
        let rows = usage.export_page(&f.admin, f.org, page).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = Some((last.facts.created_at, last.facts.id));
        seen.extend(rows);
    }
    assert_eq!(seen.len(), 6);
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].facts.created_at <= pair[1].facts.created_at)
    );
    let bytes: u64 = seen
        .iter()
        .map(|row| row.end.as_ref().unwrap().charged.bytes_out)
        .sum();
    assert!(bytes > 0);
    // A plain member sees their own, and asks for nobody else's.
    let own = usage
        .report(&anna, f.org, query(UsageGroup::User))
        .await
        .unwrap();
    assert_eq!(own.len(), 1);
    let others = UsageQuery {
        user: f.admin.user_id(),
        ..query(UsageGroup::User)
    };
    assert!(usage.report(&anna, f.org, others).await.is_err());
    let elsewhere = f.organization("elsewhere", 1, 1).await;
    assert!(
        usage
            .report(&anna, elsewhere, query(UsageGroup::Day))
            .await
            .is_err()
    );
    f.stop().await;
}

async fn limit(f: &Fixture, kind: LimitKind, value: u64) {
    let update = UpdateOrg {
        limits: vec![(kind, Some(value))],
        ..UpdateOrg::default()
    };
    f.services
        .orgs()
        .update(&f.admin, f.org, update)
        .await
        .unwrap();
}

async fn tokens_and_audio_are_limited_too(f: Fixture) {
    f.member("anna@example.com", Role::OrgUser, f.org).await;
    limit(&f, LimitKind::TokensPerMinute, 10).await;
    let anna = f.again("anna@example.com").await;
    let speech = f.services.speech();
    // 38 characters are 10 tokens.
    speech.synthesize(&anna, say("a".repeat(38))).await.unwrap();
    let refused = speech.synthesize(&anna, say("a")).await;
    let Err(SpeechError::Gate(GateError::Limited(limit_hit))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (limit_hit.kind, limit_hit.limit),
        (LimitKind::TokensPerMinute, 10)
    );
    assert!(limit_hit.retry_after > Duration::from_secs(50));
    f.clock.advance(Duration::from_secs(62));
    // A text larger than the whole limit is admitted by an empty window.
    speech
        .synthesize(&anna, say("a".repeat(400)))
        .await
        .unwrap();
    f.clock.advance(Duration::from_secs(62));
    limit(&f, LimitKind::AudioSecondsPerMonth, 1).await;
    let anna = f.again("anna@example.com").await;
    let refused = speech.synthesize(&anna, say("a")).await;
    let Err(SpeechError::Gate(GateError::Limited(limit_hit))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(limit_hit.kind, LimitKind::AudioSecondsPerMonth);
    f.stop().await;
}

async fn streams_at_once_are_limited(f: Fixture) {
    f.member("anna@example.com", Role::OrgUser, f.org).await;
    limit(&f, LimitKind::ConcurrentStreams, 1).await;
    let anna = f.again("anna@example.com").await;
    let (speech, caller) = (f.services.speech().clone(), anna.clone());
    let text = format!("[[slow]] {}", words(200));
    let call = tokio::spawn(async move { speech.synthesize(&caller, say(text)).await });
    while f.engine.counts().chunks == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = f.services.speech().synthesize(&anna, say("a")).await;
    let Err(SpeechError::Gate(GateError::Limited(limit_hit))) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(limit_hit.kind, LimitKind::ConcurrentStreams);
    call.abort();
    drop(call.await);
    f.services
        .speech()
        .synthesize(&anna, say("a"))
        .await
        .unwrap();
    f.stop().await;
}

/// A server whose database cannot be written when it ends leaves its records to the journal; the next one finds them, and
/// finding them twice bills once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let mut options = Options::default();
    options.config.metering.journal_dir = Some(journal.clone());
    let f = Fixture::sqlite_with(options).await;
    let price = Price {
        service: Service::Tts,
        model: None,
        unit: PriceUnit::Word,
        micros: Micros::new(100),
    };
    let credits = f.services.credits();
    credits
        .set_prices(&f.admin, None, vec![price])
        .await
        .unwrap();
    let grant = ChangeCredits {
        id: TransferId::generate(),
        organization_id: f.org,
        change: Change::Grant,
        amount: Micros::new(10_000),
        memo: String::new(),
    };
    credits.change(&f.admin, grant).await.unwrap();
    f.services
        .speech()
        .synthesize(&f.admin, say("three short words"))
        .await
        .unwrap();
    // What is on disk at this moment is what a killed process would leave.
    let left: Vec<_> = std::fs::read_dir(&journal)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(
        left.len(),
        1,
        "the record is on disk before the answer is out"
    );
    let content = std::fs::read(&left[0]).unwrap();
    let summary = f.services.usage().summary(&f.admin, None).await.unwrap();
    assert_eq!((summary.totals.words, summary.totals.success), (3, 1));
    // The same records come once more, in two files, one of them cut off in the middle.
    std::fs::write(journal.join("dead-00000001.usage"), &content).unwrap();
    std::fs::write(
        journal.join("dead-00000002.usage"),
        &content[..content.len() / 2],
    )
    .unwrap();
    let next = f.another_with_journal(Process::SoleServer, &journal).await;
    let summary = next.usage().summary(&f.admin, None).await.unwrap();
    assert_eq!((summary.totals.words, summary.totals.success), (3, 1));
    assert_eq!(
        (summary.daily.words_used, summary.monthly.words_used),
        (3, 3)
    );
    let balance = next.credits().balance(&f.admin, f.org).await.unwrap();
    assert_eq!((balance.available.get(), balance.held.get()), (9_700, 0));
    assert!(!journal.join("dead-00000001.usage").exists());
    assert!(!journal.join("dead-00000002.usage").exists());
    assert_eq!(f.db.check_books().await.unwrap(), Vec::<String>::new());
    next.shutdown().await;
    f.stop().await;
    assert_eq!(
        std::fs::read_dir(&journal).unwrap().count(),
        0,
        "nothing is left over"
    );
}

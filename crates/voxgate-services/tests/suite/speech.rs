//! Synthesis: what is answered, and that the books agree with it however it ends.

use std::time::Duration;

use futures_util::StreamExt as _;
use voxgate_audio::AudioFormat;
use voxgate_domain::{LimitKind, OrgStatus, Page, RequestStatus, Role};
use voxgate_engine::PoolConfig;
use voxgate_engine::fake::FakeEngine;
use voxgate_services::gate::GateError;
use voxgate_services::orgs::UpdateOrg;
use voxgate_services::speech::{SpeechCommand, SpeechError, SpokenBody};
use voxgate_services::usage::{ListRequests, UsageRecord};
use voxgate_services::{Principal, Process, Services, StartError};

use crate::fixture::{Fixture, Options, say, words};

on_both!(
    a_text_becomes_a_file_and_a_record,
    what_cannot_be_spoken_is_refused_and_costs_nothing,
    a_failure_gives_the_words_back,
    a_caller_who_leaves_gets_the_words_back,
    leaving_at_any_moment_leaves_nothing_pending,
    what_a_crash_left_is_settled_at_the_next_start,
    a_process_that_lives_keeps_its_requests,
    suspended_organisations_do_not_speak,
);

async fn records(f: &Fixture, principal: &Principal) -> Vec<UsageRecord> {
    records_of(&f.services, principal).await
}

async fn records_of(services: &Services, principal: &Principal) -> Vec<UsageRecord> {
    let query = ListRequests {
        page: Page::new(100, 0),
        ..ListRequests::default()
    };
    let listed = services.usage().requests(principal, query).await;
    listed.unwrap().items
}

async fn words_used(f: &Fixture, principal: &Principal) -> u64 {
    words_used_by(&f.services, principal).await
}

async fn words_used_by(services: &Services, principal: &Principal) -> u64 {
    let summary = services.usage().summary(principal, None).await.unwrap();
    assert_eq!(summary.daily.words_used, summary.monthly.words_used);
    assert_eq!(summary.daily.words_used, summary.totals.words);
    summary.daily.words_used
}

/// Waits until a request is seen as pending: the only server on a database writes it down once it lasts.
async fn seen_pending(f: &Fixture, principal: &Principal) {
    let pending = |record: &UsageRecord| record.status == RequestStatus::Pending;
    while !records(f, principal).await.iter().any(pending) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until nothing is pending any more.
async fn settled(f: &Fixture, principal: &Principal) -> Vec<UsageRecord> {
    for _ in 0..500 {
        let records = records(f, principal).await;
        if records
            .iter()
            .all(|record| record.status != RequestStatus::Pending)
        {
            return records;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something stays pending");
}

async fn a_text_becomes_a_file_and_a_record(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let spoken = f
        .services
        .speech()
        .synthesize(&anna, say("Hello, world!"))
        .await
        .unwrap();
    assert_eq!((spoken.meta.words, spoken.meta.characters), (2, 13));
    assert_eq!(spoken.meta.voice_id, "fake_anna");
    let rate = spoken
        .meta
        .limits
        .get(LimitKind::RequestsPerMinute)
        .unwrap();
    assert_eq!((rate.limit, rate.remaining), (100, 99));
    let SpokenBody::Complete {
        bytes,
        outcome: Some(outcome),
    } = spoken.body
    else {
        panic!("a short text is answered whole");
    };
    assert_eq!(&bytes[..4], b"RIFF");
    let riff = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
    assert_eq!(
        riff as usize,
        bytes.len() - 8,
        "the header knows the true size"
    );
    // Committed before the answer.
    let records = records(&f, &anna).await;
    let record = &records[0];
    assert_eq!(
        (record.status, record.words, record.characters),
        (RequestStatus::Success, 2, 13)
    );
    assert_eq!(
        (record.voice.as_str(), record.format.as_str()),
        ("en_female_warm_1", "wav")
    );
    assert_eq!(record.audio_ms, Some(outcome.audio_ms));
    assert_eq!(record.bytes_out, Some(outcome.bytes));
    assert_eq!(record.id, spoken.meta.request_id);
    assert_eq!(words_used(&f, &anna).await, 2);
    f.stop().await;
}

async fn what_cannot_be_spoken_is_refused_and_costs_nothing(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let speech = f.services.speech();
    let ask = |command: SpeechCommand| speech.synthesize(&anna, command);
    let unknown = SpeechCommand {
        voice: "nobody".into(),
        ..say("a")
    };
    assert!(matches!(
        ask(unknown).await,
        Err(SpeechError::VoiceNotFound(_))
    ));
    let fast = SpeechCommand {
        speed: 2.5,
        ..say("a")
    };
    assert!(matches!(ask(fast).await, Err(SpeechError::InvalidSpeed(_))));
    let strange = SpeechCommand {
        speed: f32::NAN,
        ..say("a")
    };
    assert!(matches!(
        ask(strange).await,
        Err(SpeechError::InvalidSpeed(_))
    ));
    let rate = SpeechCommand {
        sample_rate_hz: 12_345,
        ..say("a")
    };
    assert!(matches!(
        ask(rate).await,
        Err(SpeechError::InvalidOutput(_))
    ));
    assert!(matches!(
        ask(say("a".repeat(5001))).await,
        Err(SpeechError::TextTooLong {
            characters: 5001,
            max: 5000
        })
    ));
    assert!(matches!(
        ask(say(" \n\t ")).await,
        Err(SpeechError::NothingToSpeak)
    ));
    assert_eq!(records(&f, &anna).await.len(), 0);
    assert_eq!(f.requests_left(&anna).await, 100);
    assert!(matches!(
        ask(say("...")).await,
        Err(SpeechError::NothingToSpeak)
    ));
    assert!(matches!(
        ask(say("你好")).await,
        Err(SpeechError::UnsupportedScript { .. })
    ));
    assert_eq!(words_used(&f, &anna).await, 0);
    // The operator belongs to no organisation.
    let nobody = speech.synthesize(&Principal::operator(), say("a")).await;
    assert!(matches!(
        nobody,
        Err(SpeechError::Gate(GateError::NoOrganization))
    ));
    f.stop().await;
}

async fn a_failure_gives_the_words_back(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let failed = f
        .services
        .speech()
        .synthesize(&anna, say("[[fail]] in the middle"))
        .await;
    assert!(matches!(failed, Err(SpeechError::Engine(_))));
    let panicked = f
        .services
        .speech()
        .synthesize(&anna, say("[[panic]] in the middle"))
        .await;
    assert!(matches!(panicked, Err(SpeechError::Engine(_))));
    let records = records(&f, &anna).await;
    assert_eq!(records.len(), 2);
    for record in records {
        assert_eq!((record.status, record.words), (RequestStatus::Failed, 0));
        assert_eq!(record.error.as_deref(), Some("engine_failed"));
    }
    assert_eq!(words_used(&f, &anna).await, 0);
    f.stop().await;
}

async fn a_caller_who_leaves_gets_the_words_back(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let (speech, caller) = (f.services.speech().clone(), anna.clone());
    let text = format!("[[slow]] {}", words(200));
    let call = tokio::spawn(async move { speech.synthesize(&caller, say(text)).await });
    seen_pending(&f, &anna).await;
    assert_eq!(words_used(&f, &anna).await, 201);
    call.abort();
    let records = settled(&f, &anna).await;
    assert_eq!(
        (records[0].status, records[0].words),
        (RequestStatus::Failed, 0)
    );
    assert_eq!(records[0].error.as_deref(), Some("cancelled"));
    assert_eq!(words_used(&f, &anna).await, 0);
    for _ in 0..200 {
        if f.engine.counts().cancelled == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(f.engine.counts().cancelled, 1, "the engine stops too");
    f.stop().await;
}

async fn leaving_at_any_moment_leaves_nothing_pending(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let free = UpdateOrg {
        rate_limit_per_minute: Some(100_000),
        ..UpdateOrg::default()
    };
    f.services
        .orgs()
        .update(&f.admin, f.org, free)
        .await
        .unwrap();
    let token = f.login("anna@example.com", crate::fixture::PASSWORD).await;
    let caller = f.authenticate(&token).await;
    for micros in (0..80).map(|n| n * 60) {
        let (speech, caller) = (f.services.speech().clone(), caller.clone());
        let call = tokio::spawn(async move { speech.synthesize(&caller, say("some words")).await });
        tokio::time::sleep(Duration::from_micros(micros)).await;
        call.abort();
        // Gone for good before the shutdown below is to wait for what it left.
        drop(call.await);
    }
    let services = f.services.clone();
    services.shutdown().await;
    let records = records(&f, &anna).await;
    assert!(
        records
            .iter()
            .all(|record| record.status != RequestStatus::Pending)
    );
    let charged: u64 = records.iter().map(|record| record.words).sum();
    let spoken = records
        .iter()
        .filter(|record| record.status == RequestStatus::Success)
        .count();
    assert_eq!(charged, 2 * spoken as u64);
    assert_eq!(words_used(&f, &anna).await, charged);
    f.stop().await;
}

/// A request of a process that no longer exists, as a crash leaves it.
async fn leave_pending(f: &Fixture, anna: &Principal) {
    let (speech, caller) = (f.services.speech().clone(), anna.clone());
    let text = format!("[[slow]] {}", words(300));
    tokio::spawn(async move { speech.synthesize(&caller, say(text)).await });
    while f.engine.counts().chunks == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    seen_pending(f, anna).await;
}

async fn what_a_crash_left_is_settled_at_the_next_start(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    leave_pending(&f, &anna).await;
    assert_eq!(words_used(&f, &anna).await, 301);
    // A command beside the server touches nothing.
    let command = f.another(Process::Command).await;
    assert_eq!(words_used(&f, &anna).await, 301);
    command.shutdown().await;
    let next = f.another(Process::SoleServer).await;
    let records = records_of(&next, &anna).await;
    assert_eq!(
        (records[0].status, records[0].words),
        (RequestStatus::Failed, 0)
    );
    assert_eq!(records[0].error.as_deref(), Some("interrupted"));
    assert_eq!(words_used_by(&next, &anna).await, 0);
    next.shutdown().await;
    f.stop().await;
}

async fn a_process_that_lives_keeps_its_requests(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let refused = f.another_with_other_secrets().await;
    assert!(matches!(refused, Err(StartError::ForeignSecrets)));
    leave_pending(&f, &anna).await;
    let beside = f.another(Process::OneOfSeveral).await;
    assert_eq!(words_used(&f, &anna).await, 301);
    assert_eq!(
        records_of(&beside, &anna).await[0].status,
        RequestStatus::Pending
    );
    beside.shutdown().await;
    // Silent for longer than a minute, it is believed dead.
    f.clock.advance(Duration::from_secs(61));
    let beside = f.another(Process::OneOfSeveral).await;
    assert_eq!(words_used_by(&beside, &anna).await, 0);
    beside.shutdown().await;
    f.stop().await;
}

async fn suspended_organisations_do_not_speak(f: Fixture) {
    f.member("anna@example.com", Role::OrgUser, f.org).await;
    let status = |status| UpdateOrg {
        status: Some(status),
        ..UpdateOrg::default()
    };
    f.services
        .orgs()
        .update(&f.admin, f.org, status(OrgStatus::Suspended))
        .await
        .unwrap();
    let anna = f.again("anna@example.com").await;
    let refused = f.services.speech().synthesize(&anna, say("a")).await;
    assert!(matches!(
        refused,
        Err(SpeechError::Gate(GateError::OrganizationNotActive))
    ));
    assert_eq!(f.requests_left(&anna).await, 100);
    f.stop().await;
}

/// Audio beyond 64 KiB is streamed here.
async fn streaming() -> (Fixture, Principal) {
    let mut options = Options::default();
    options.config.speech.max_buffered_bytes = 64 * 1024;
    let f = Fixture::sqlite_with(options).await;
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    (f, anna)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_audio_is_streamed_whole_and_settled_at_its_end() {
    let (f, anna) = streaming().await;
    let text = words(200);
    let spoken = f
        .services
        .speech()
        .synthesize(&anna, say(&*text))
        .await
        .unwrap();
    let SpokenBody::Stream { first, mut rest } = spoken.body else {
        panic!("long audio is streamed");
    };
    assert!(
        first.len() > 64 * 1024 && first.len() < 192 * 1024,
        "{}",
        first.len()
    );
    let mut total = first.len();
    while let Some(piece) = rest.next().await {
        total += piece.unwrap().len();
    }
    let samples = FakeEngine::duration_ms(text.len(), 1.0) * 24;
    assert_eq!(total as u64, 44 + samples * 2);
    let records = records(&f, &anna).await;
    assert_eq!(
        (records[0].status, records[0].words),
        (RequestStatus::Success, 200)
    );
    assert_eq!(records[0].bytes_out, Some(total as u64));
    f.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_left_is_charged_for_what_was_taken() {
    let (f, anna) = streaming().await;
    // Left before anything was taken: nothing.
    let spoken = f
        .services
        .speech()
        .synthesize(&anna, say(words(400)))
        .await
        .unwrap();
    drop(spoken);
    let records = settled(&f, &anna).await;
    assert_eq!(
        (records[0].status, records[0].words),
        (RequestStatus::Failed, 0)
    );
    // Left in the middle: a share.
    let spoken = f
        .services
        .speech()
        .synthesize(&anna, say(words(400)))
        .await
        .unwrap();
    let SpokenBody::Stream { first, mut rest } = spoken.body else {
        panic!("long audio is streamed");
    };
    let mut taken = first.len();
    for _ in 0..6 {
        taken += rest.next().await.unwrap().unwrap().len();
    }
    drop(rest);
    let records = settled(&f, &anna).await;
    let record = &records[0];
    assert_eq!(record.error.as_deref(), Some("cancelled"));
    assert!(record.words > 0 && record.words < 400, "{record:?}");
    assert!(record.bytes_out.unwrap() <= taken as u64);
    assert_eq!(words_used(&f, &anna).await, record.words);
    f.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_refuses_and_costs_nothing() {
    let options = Options {
        pool: PoolConfig {
            threads: 1,
            queue_depth: 0,
        },
        ..Options::default()
    };
    let f = Fixture::sqlite_with(options).await;
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    leave_pending(&f, &anna).await;
    let refused = f.services.speech().synthesize(&anna, say("one more")).await;
    assert!(matches!(refused, Err(SpeechError::Busy { .. })));
    assert_eq!(words_used(&f, &anna).await, 301);
    assert_eq!(f.requests_left(&anna).await, 99);
    assert_eq!(records(&f, &anna).await[0].error.as_deref(), Some("busy"));
    f.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_models_the_answer_says_what_to_do() {
    let f = Fixture::sqlite().await;
    let bare = f.another(Process::Command).await;
    assert!(!bare.speech().is_ready() && bare.speech().voices().is_empty());
    let refused = bare.speech().synthesize(&f.admin, say("a")).await;
    let Err(SpeechError::NoVoices(text)) = refused else {
        panic!("{refused:?}");
    };
    assert!(text.contains("voxgate models pull"), "{text}");
    assert!(f.services.speech().is_ready());
    assert_eq!(
        f.services.speech().aliases(),
        [("en_female_warm_1".to_owned(), "fake_anna".to_owned())]
    );
    bare.shutdown().await;
    f.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_built_in_format_is_answered() {
    let f = Fixture::sqlite().await;
    for format in [
        AudioFormat::Wav,
        AudioFormat::Opus,
        AudioFormat::Flac,
        AudioFormat::Pcm,
        AudioFormat::Ulaw,
        AudioFormat::Alaw,
    ] {
        let command = SpeechCommand {
            format,
            ..say("Hello, world!")
        };
        let spoken = f
            .services
            .speech()
            .synthesize(&f.admin, command)
            .await
            .unwrap();
        let SpokenBody::Complete {
            bytes,
            outcome: Some(outcome),
        } = spoken.body
        else {
            panic!("{format}");
        };
        assert_eq!(bytes.len() as u64, outcome.bytes, "{format}");
        assert!(!bytes.is_empty());
    }
    f.stop().await;
}

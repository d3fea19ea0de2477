//! Idempotency keys: the work is done once, whoever asks how often and whatever happens between.

use std::time::Duration;

use voxgate_services::idempotency::IdempotencyError;
use voxgate_services::speech::{SpeechCommand, SpeechError, Spoken, SpokenBody};
use voxgate_services::usage::ListRequests;
use voxgate_services::{Principal, Process};

use crate::fixture::{Fixture, Options, say, words};

on_both!(
    a_repetition_gets_the_first_answer_and_costs_nothing,
    another_body_is_refused,
    twins_do_the_work_once,
    a_failure_is_not_remembered,
    a_key_is_its_owners_own,
    what_a_dead_process_was_doing_can_be_asked_again,
    an_answer_is_forgotten_after_a_day,
);

fn with_key(text: &str, key: &str) -> SpeechCommand {
    SpeechCommand {
        idempotency_key: Some(key.into()),
        ..say(text)
    }
}

fn bytes(spoken: &Spoken) -> &[u8] {
    match &spoken.body {
        SpokenBody::Complete { bytes, .. } => bytes,
        SpokenBody::Stream { .. } => panic!("a short text is answered whole"),
    }
}

async fn requests(f: &Fixture, principal: &Principal) -> u64 {
    let listed = f
        .services
        .usage()
        .requests(principal, ListRequests::default())
        .await;
    listed.unwrap().total
}

fn refusal(answer: Result<Spoken, SpeechError>) -> IdempotencyError {
    match answer {
        Err(SpeechError::Idempotency(error)) => error,
        other => panic!("{other:?}"),
    }
}

async fn a_repetition_gets_the_first_answer_and_costs_nothing(f: Fixture) {
    let speech = f.services.speech();
    let first = speech
        .synthesize(&f.admin, with_key("two words", "k-1"))
        .await
        .unwrap();
    let again = speech
        .synthesize(&f.admin, with_key("two words", "k-1"))
        .await
        .unwrap();
    assert!(!first.meta.replayed && again.meta.replayed);
    assert_eq!(bytes(&first), bytes(&again));
    assert_eq!(first.meta.request_id, again.meta.request_id);
    assert_eq!(requests(&f, &f.admin).await, 1);
    assert_eq!(f.requests_left(&f.admin).await, 99);
    for wrong in ["", "naïve", "tab\t", &"x".repeat(256)] {
        let refused = speech
            .synthesize(&f.admin, with_key("two words", wrong))
            .await;
        assert!(
            matches!(refusal(refused), IdempotencyError::Invalid),
            "{wrong:?}"
        );
    }
    f.stop().await;
}

async fn another_body_is_refused(f: Fixture) {
    let speech = f.services.speech();
    speech
        .synthesize(&f.admin, with_key("two words", "k-1"))
        .await
        .unwrap();
    let refused = speech
        .synthesize(&f.admin, with_key("other words", "k-1"))
        .await;
    assert!(matches!(refusal(refused), IdempotencyError::Reused));
    let slower = SpeechCommand {
        speed: 0.9,
        ..with_key("two words", "k-1")
    };
    let refused = speech.synthesize(&f.admin, slower).await;
    assert!(matches!(refusal(refused), IdempotencyError::Reused));
    assert_eq!(requests(&f, &f.admin).await, 1);
    f.stop().await;
}

async fn twins_do_the_work_once(f: Fixture) {
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (speech, caller) = (f.services.speech().clone(), f.admin.clone());
            let command = with_key("[[slow]] a few words", "twin");
            tokio::spawn(async move { speech.synthesize(&caller, command).await })
        })
        .collect();
    let mut replayed = 0;
    let mut audio: Option<Vec<u8>> = None;
    for task in tasks {
        let spoken = task.await.unwrap().unwrap();
        replayed += u32::from(spoken.meta.replayed);
        let heard = bytes(&spoken).to_vec();
        assert_eq!(audio.get_or_insert(heard.clone()), &heard);
    }
    assert_eq!(replayed, 19);
    assert_eq!(requests(&f, &f.admin).await, 1);
    f.stop().await;
}

async fn a_failure_is_not_remembered(f: Fixture) {
    let speech = f.services.speech();
    for _ in 0..2 {
        let failed = speech
            .synthesize(&f.admin, with_key("[[fail]] words", "k-1"))
            .await;
        assert!(matches!(failed, Err(SpeechError::Engine(_))), "{failed:?}");
        // The key is freed beside the answer.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(requests(&f, &f.admin).await, 2);
    // Also when the caller goes away in the middle.
    let (caller, other) = (f.admin.clone(), f.services.speech().clone());
    let text = format!("[[slow]] {}", words(200));
    let command = with_key(&text, "k-2");
    let before = f.engine.counts().chunks;
    let call = tokio::spawn(async move { other.synthesize(&caller, command).await });
    while f.engine.counts().chunks == before {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    call.abort();
    drop(call.await);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let spoken = speech
        .synthesize(&f.admin, with_key("now it works", "k-2"))
        .await;
    assert!(!spoken.unwrap().meta.replayed);
    f.stop().await;
}

async fn a_key_is_its_owners_own(f: Fixture) {
    let anna = f
        .member("anna@example.com", voxgate_domain::Role::OrgUser, f.org)
        .await;
    let speech = f.services.speech();
    let first = speech
        .synthesize(&f.admin, with_key("mine", "same"))
        .await
        .unwrap();
    let second = speech
        .synthesize(&anna, with_key("hers", "same"))
        .await
        .unwrap();
    assert!(!first.meta.replayed && !second.meta.replayed);
    f.stop().await;
}

async fn what_a_dead_process_was_doing_can_be_asked_again(f: Fixture) {
    let (speech, caller) = (f.services.speech().clone(), f.admin.clone());
    let text = format!("[[slow]] {}", words(300));
    let command = with_key(&text, "k-1");
    tokio::spawn(async move { speech.synthesize(&caller, command).await });
    while f.engine.counts().chunks == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // For the next process, this one is dead.
    let next = f.another(Process::SoleServer).await;
    let spoken = f
        .services
        .speech()
        .synthesize(&f.admin, with_key("something else", "k-1"))
        .await
        .unwrap();
    assert!(!spoken.meta.replayed);
    next.shutdown().await;
    f.stop().await;
}

async fn an_answer_is_forgotten_after_a_day(f: Fixture) {
    let speech = f.services.speech();
    speech
        .synthesize(&f.admin, with_key("word", "k-1"))
        .await
        .unwrap();
    f.clock.advance(Duration::from_secs(23 * 3600));
    let again = speech
        .synthesize(&f.admin, with_key("word", "k-1"))
        .await
        .unwrap();
    assert!(again.meta.replayed);
    f.clock.advance(Duration::from_secs(2 * 3600));
    let anew = speech
        .synthesize(&f.admin, with_key("other", "k-1"))
        .await
        .unwrap();
    assert!(!anew.meta.replayed);
    f.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_answer_is_not_kept_but_remembered() {
    use futures_util::StreamExt as _;
    let mut options = Options::default();
    options.config.speech.max_buffered_bytes = 64 * 1024;
    let f = Fixture::sqlite_with(options).await;
    let text = words(200);
    let speech = f.services.speech();
    let spoken = speech
        .synthesize(&f.admin, with_key(&text, "k-1"))
        .await
        .unwrap();
    let SpokenBody::Stream { mut rest, .. } = spoken.body else {
        panic!("long audio is streamed");
    };
    while let Some(piece) = rest.next().await {
        piece.unwrap();
    }
    drop(rest);
    // The record is written beside the answer.
    requests(&f, &f.admin).await;
    let again = speech.synthesize(&f.admin, with_key(&text, "k-1")).await;
    assert!(matches!(refusal(again), IdempotencyError::NotKept));
    assert_eq!(requests(&f, &f.admin).await, 1);
    f.stop().await;
}

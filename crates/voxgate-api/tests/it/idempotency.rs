//! `Idempotency-Key` over HTTP: replay, another body, a parallel twin, and what must not be replayed.

use serde_json::{Value, json};

use crate::harness::{ADMIN, Build, USER, World, get, post};

fn speech(token: &str, key: &str) -> Build {
    post("/tts/tts").token(token).header("idempotency-key", key)
}

fn text(text: &str) -> Value {
    json!({ "text": text, "audio_format": "wav" })
}

#[tokio::test]
async fn a_repetition_gets_the_stored_answer_and_is_charged_once() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let first = world
        .expect_status(200, speech(&token, "order-1").json(&text("two words")))
        .await;
    assert_eq!(first.header("idempotent-replayed"), None);
    let again = world
        .expect_status(200, speech(&token, "order-1").json(&text("two words")))
        .await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.body, first.body);
    for name in [
        "content-type",
        "content-disposition",
        "content-length",
        "x-usage-request-id",
        "x-words-used",
    ] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert!(first.header("server-timing").is_some());
    assert_eq!(again.header("server-timing"), None, "no engine was at work");
    assert_eq!(again.header("x-ratelimit-remaining"), Some("99"));
    assert_eq!(world.engine.counts().started, 1);
    let usage = world.expect(200, get("/usage").token(&token).empty()).await;
    assert_eq!(usage["daily"]["words_used"], 2);

    // Another key, another person, or none: new work.
    let other = world.login(ADMIN).await;
    for request in [
        speech(&token, "order-2").json(&text("two words")),
        speech(&other, "order-1").json(&text("two words")),
        post("/tts/tts").token(&token).json(&text("two words")),
    ] {
        let reply = world.expect_status(200, request).await;
        assert_eq!(reply.header("idempotent-replayed"), None);
        assert_ne!(
            reply.header("x-usage-request-id"),
            first.header("x-usage-request-id")
        );
    }
}

#[tokio::test]
async fn another_body_and_bad_keys_are_refused() {
    let world = World::new().await;
    let token = world.login(USER).await;
    world
        .expect_status(200, speech(&token, "k").json(&text("one")))
        .await;
    for body in [
        text("two"),
        json!({ "text": "one", "audio_format": "wav", "speed": 1.5 }),
        json!({ "text": "one", "audio_format": "flac" }),
    ] {
        let refused = world.expect(422, speech(&token, "k").json(&body)).await;
        assert_eq!(
            refused["detail"]["code"], "idempotency_key_reused",
            "{body}"
        );
    }
    for key in ["", "a b\u{e9}", &"x".repeat(256)] {
        let refused = world
            .expect(422, speech(&token, key).json(&text("one")))
            .await;
        assert!(
            refused["detail"]
                .as_str()
                .unwrap()
                .contains("Idempotency-Key"),
            "{key:?}: {refused}"
        );
    }
    assert_eq!(world.engine.counts().started, 1);
}

#[tokio::test]
async fn a_parallel_twin_waits_and_costs_nothing() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let send = || world.send(speech(&token, "twin").json(&text("[[slow]] a slow one")));
    let (a, b, c) = tokio::join!(send(), send(), send());
    let replies = [a, b, c];
    let mut replayed = 0;
    for reply in &replies {
        // A twin waits for the answer; one whose patience ends is told to come back.
        match reply.status.as_u16() {
            200 => {
                assert_eq!(reply.body, replies[0].body);
                replayed += usize::from(reply.header("idempotent-replayed").is_some());
            }
            409 => {
                assert!(reply.header("retry-after").is_some(), "{}", reply.text());
                replayed += 1;
            }
            status => panic!("{status}: {}", reply.text()),
        }
    }
    assert_eq!(replayed, 2);
    assert_eq!(world.engine.counts().started, 1);
    let history = world
        .send(get("/usage/requests").token(&token).empty())
        .await;
    assert_eq!(history.header("x-total-count"), Some("1"));
}

#[tokio::test]
async fn a_failure_is_tried_again() {
    let world = World::new().await;
    let token = world.login(USER).await;
    for _ in 0..2 {
        let failed = world
            .send(speech(&token, "k").json(&text("[[fail]] one two")))
            .await;
        assert_eq!(failed.status, 500, "{}", failed.text());
        assert_eq!(failed.header("idempotent-replayed"), None);
    }
    assert_eq!(world.engine.counts().started, 2);
}

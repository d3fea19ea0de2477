//! `POST /tts/tts` and what it leaves behind in the usage reports.

use serde_json::{Value, json};

use crate::harness::{ADMIN, ROOT, USER, World, get, patch, post};

#[tokio::test]
async fn an_audio_file_with_everything_a_client_wants_to_know() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let say = json!({ "text": "Hello there, how are you?", "voice_id": "en_female_warm_1", "audio_format": "wav", "sample_rate_hz": 24000 });
    let reply = world.send(post("/tts/tts").token(&token).json(&say)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("audio/wav"));
    assert_eq!(
        reply.header("content-disposition"),
        Some("inline; filename=\"speech.wav\"")
    );
    assert_eq!(
        reply.header("content-length"),
        Some(reply.body.len().to_string().as_str())
    );
    assert_eq!(reply.header("x-words-used"), Some("5"));
    assert_eq!(
        (
            reply.header("x-ratelimit-limit"),
            reply.header("x-ratelimit-remaining")
        ),
        (Some("100"), Some("99"))
    );
    assert!(reply.header("x-ratelimit-reset").is_some());
    let timing = reply.header("server-timing").unwrap();
    assert!(
        ["queue;dur=", "engine;dur=", "encode;dur=", "total;dur="]
            .iter()
            .all(|part| timing.contains(part)),
        "{timing}"
    );
    assert_eq!(&reply.body[..4], b"RIFF");

    let history = world
        .send(get("/usage/requests").token(&token).empty())
        .await;
    assert_eq!(history.header("x-total-count"), Some("1"));
    let row = &history.json()[0];
    assert_eq!(
        Some(row["id"].as_str().unwrap()),
        reply.header("x-usage-request-id")
    );
    for (field, value) in [
        ("endpoint", json!("/tts/tts")),
        ("voice_id", json!("en_female_warm_1")),
        ("audio_format", json!("wav")),
        ("sample_rate_hz", json!(24000)),
        ("characters", json!(25)),
        ("words", json!(5)),
        ("status", json!("success")),
        ("error", Value::Null),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    let usage = world.send(get("/usage").token(&token).empty()).await.json();
    assert_eq!(
        (&usage["daily"]["words_used"], &usage["daily"]["limit"]),
        (&json!(5), &json!(100_000))
    );
    assert_eq!(
        (&usage["requests"]["success"], &usage["by_day"][0]["words"]),
        (&json!(1), &json!(5))
    );
    let admin = world.login(ADMIN).await;
    for query in ["", "?days=7"] {
        let path = format!("/organizations/{}/usage{query}", world.home);
        let usage = world.send(get(&path).token(&admin).empty()).await.json();
        assert_eq!(
            (&usage["words"], &usage["by_user"][0]["email"]),
            (&json!(5), &json!(USER)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_text_alone_is_enough() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let reply = world
        .send(
            post("/tts/tts")
                .token(&token)
                .json(&json!({ "text": "Hello." })),
        )
        .await;
    // Without libmp3lame on the machine the default format cannot be had, and the answer says so.
    match reply.status.as_u16() {
        200 => assert_eq!(reply.header("content-type"), Some("audio/mpeg")),
        503 => assert!(
            reply.json()["detail"].as_str().unwrap().contains("mp3lame"),
            "{}",
            reply.text()
        ),
        status => panic!("{status}: {}", reply.text()),
    }
}

#[tokio::test]
async fn formats_have_their_own_types() {
    let world = World::new().await;
    let token = world.login(USER).await;
    for (format, rate, media, file) in [
        ("ogg", 24000, "audio/ogg", "speech.opus"),
        ("opus", 48000, "audio/ogg", "speech.opus"),
        ("flac", 44100, "audio/flac", "speech.flac"),
        (
            "pcm",
            16000,
            "audio/L16;rate=16000;channels=1",
            "speech.pcm",
        ),
        ("ulaw", 8000, "audio/basic", "speech.ulaw"),
        ("alaw", 8000, "audio/PCMA;rate=8000", "speech.alaw"),
    ] {
        let say = json!({ "text": "Hello.", "audio_format": format, "sample_rate_hz": rate, "speed": 1.5 });
        let reply = world.send(post("/tts/tts").token(&token).json(&say)).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, Some(media)),
            "{format}: {}",
            reply.text()
        );
        assert_eq!(
            reply.header("content-disposition"),
            Some(format!("inline; filename=\"{file}\"").as_str())
        );
    }
}

#[tokio::test]
async fn refusals() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let say = |body: Value| post("/tts/tts").token(&token).json(&body);
    let voice = world
        .send(say(
            json!({ "text": "Hello.", "voice_id": "nobody", "audio_format": "wav" }),
        ))
        .await;
    assert_eq!(
        (voice.status.as_u16(), voice.text().as_str()),
        (404, r#"{"detail":"Voice not found"}"#)
    );
    let long = world.send(say(json!({ "text": "x".repeat(5001) }))).await;
    assert_eq!(
        (long.status.as_u16(), &long.json()["detail"][0]["type"]),
        (422, &json!("string_too_long"))
    );
    let nothing = world
        .send(say(json!({ "text": "   ", "audio_format": "wav" })))
        .await;
    assert_eq!(
        (nothing.status.as_u16(), &nothing.json()["detail"][0]["loc"]),
        (422, &json!(["body", "text"])),
        "{}",
        nothing.text()
    );

    let root = world.login(ROOT).await;
    let limit = |body: Value| {
        patch(&format!("/organizations/{}", world.home))
            .token(&root)
            .json(&body)
    };
    assert_eq!(
        world
            .send(limit(json!({ "daily_word_limit": 3 })))
            .await
            .status,
        200
    );
    let over = world
        .send(say(
            json!({ "text": "one two three four", "audio_format": "wav" }),
        ))
        .await;
    assert_eq!(
        (over.status.as_u16(), over.text().as_str()),
        (429, r#"{"detail":"Daily word limit exceeded"}"#)
    );
    assert!(over.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
    assert_eq!(over.header("x-ratelimit-limit"), Some("3"));
    assert_eq!(
        world
            .send(limit(
                json!({ "daily_word_limit": 1000, "rate_limit_per_minute": 1 })
            ))
            .await
            .status,
        200
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(
            world
                .send(say(json!({ "text": "one", "audio_format": "wav" })))
                .await,
        );
    }
    let last = statuses.last().unwrap();
    assert_eq!(
        (last.status.as_u16(), last.text().as_str()),
        (429, r#"{"detail":"Rate limit exceeded"}"#)
    );
    assert_eq!(
        world
            .send(limit(
                json!({ "status": "suspended", "rate_limit_per_minute": 100 })
            ))
            .await
            .status,
        200
    );
    let suspended = world
        .send(say(json!({ "text": "one", "audio_format": "wav" })))
        .await;
    assert_eq!(suspended.status, 403, "{}", suspended.text());
    assert_eq!(world.engine.counts().cancelled, 0);
}

#[tokio::test]
async fn voices_are_listed_with_their_aliases() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let voices = world
        .send(get("/tts/voices").token(&token).empty())
        .await
        .json();
    assert_eq!(voices.as_array().unwrap().len(), 3);
    assert_eq!(voices[0]["voice_id"], "fake_anna");
    assert_eq!(voices[0]["aliases"], json!(["en_female_warm_1"]));
}

#[tokio::test]
async fn an_api_key_opens_what_a_session_opens() {
    let world = World::new().await;
    let junk = world
        .send(get("/tts/voices").header("x-api-key", "vg_junk").empty())
        .await;
    assert_eq!(junk.status, 401);
}

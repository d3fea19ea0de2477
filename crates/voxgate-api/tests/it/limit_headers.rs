//! `X-RateLimit-*` on every answer to somebody known, whatever it says; and windows per class of endpoint.

use serde_json::json;

use crate::harness::{ADMIN, ROOT, Reply, USER, World, delete, get, patch, post};

fn headers(reply: &Reply) -> (Option<&str>, Option<&str>) {
    (
        reply.header("x-ratelimit-limit"),
        reply.header("x-ratelimit-remaining"),
    )
}

#[tokio::test]
async fn every_answer_to_a_caller_says_where_the_limit_stands() {
    let world = World::new().await;
    let (admin, user) = (world.login(ADMIN).await, world.login(USER).await);
    let (_, key) = world.key(&admin, &json!({ "name": "k" })).await;
    for request in [
        get("/tts/voices").token(&user).empty(),
        get("/users/me").token(&user).empty(),
        get("/admin/v1/limits").token(&user).empty(),
        get("/admin/v1/limits").token(&key).empty(),
        get("/admin/v1/organizations/current/usage/export")
            .token(&admin)
            .empty(),
        // Errors too: forbidden, unknown, invalid, unreadable, refused by a service.
        get("/admin/v1/audit").token(&user).empty(),
        get("/users/00000000-0000-7000-8000-000000000000")
            .token(&user)
            .empty(),
        get(&format!("/organizations/{}", world.away))
            .token(&user)
            .empty(),
        post("/tts/tts").token(&user).json(&json!({})),
        post("/tts/tts").token(&user).raw_json("{"),
        post("/tts/tts")
            .token(&user)
            .json(&json!({ "text": "Hi.", "voice_id": "nobody" })),
        post("/admin/v1/keys").token(&user).json(&json!({})),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let reply = world.send(request).await;
        assert_eq!(
            headers(&reply),
            (Some("100"), Some("100")),
            "{what}: {} {}",
            reply.status,
            reply.text()
        );
        let reset: i64 = reply.header("x-ratelimit-reset").unwrap().parse().unwrap();
        assert!(reset >= world.services.now().as_secs() - 1, "{what}");
    }
    for request in [
        get("/health").empty(),
        get("/users/me").empty(),
        get("/users/me").token("junk").empty(),
    ] {
        let reply = world.send(request).await;
        assert_eq!(headers(&reply), (None, None), "a stranger is told nothing");
    }
    let say = json!({ "text": "Hi.", "audio_format": "wav" });
    let spoken = world.send(post("/tts/tts").token(&user).json(&say)).await;
    assert_eq!(headers(&spoken), (Some("100"), Some("99")));
    let read = world.send(get("/users/me").token(&admin).empty()).await;
    assert_eq!(
        headers(&read),
        (Some("100"), Some("99")),
        "reading counts nothing, and the organisation shares the limit"
    );
}

#[tokio::test]
async fn classes_of_endpoints_have_windows_of_their_own() {
    let world = World::new().await;
    let (root, user) = (world.login(ROOT).await, world.login(USER).await);
    let limit = |limits: serde_json::Value| {
        patch(&format!("/admin/v1/organizations/{}", world.home))
            .token(&root)
            .json(&json!({ "limits": limits }))
    };
    let limits = json!({ "read_per_10_seconds": 3, "delete_per_minute": 1 });
    world.expect(200, limit(limits)).await;
    // Only what was counted since the limit holds counts against it.
    let mut read = Vec::new();
    for _ in 0..5 {
        read.push(world.send(get("/users/me").token(&user).empty()).await);
    }
    let statuses: Vec<u16> = read.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let refused = read.last().unwrap();
    assert_eq!(refused.text(), r#"{"detail":"Rate limit exceeded"}"#);
    assert_eq!(headers(refused), (Some("3"), Some("0")));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=11).contains(&wait), "{wait}");
    let native = world
        .send(get("/admin/v1/limits").token(&user).empty())
        .await;
    assert_eq!(native.status, 429);
    let error = &native.json()["error"];
    assert_eq!(error["code"], "read_per_10_seconds");
    assert_eq!(
        error["retry_after"].as_u64().unwrap().to_string(),
        native.header("retry-after").unwrap()
    );
    assert_eq!(headers(&native), (Some("3"), Some("0")));

    // The other classes go on.
    let gone = "/admin/v1/keys/00000000-0000-7000-8000-000000000000";
    world.expect(404, delete(gone).token(&user).empty()).await;
    world.expect(429, delete(gone).token(&user).empty()).await;
    let say = json!({ "text": "Hi.", "audio_format": "wav" });
    world
        .expect_status(200, post("/tts/tts").token(&user).json(&say))
        .await;
    let off = json!({ "read_per_10_seconds": null, "delete_per_minute": null });
    world.expect(200, limit(off)).await;
    world
        .expect(200, get("/users/me").token(&user).empty())
        .await;
}

#[tokio::test]
async fn one_sees_which_limits_hold() {
    let world = World::new().await;
    let (root, admin, user) = (
        world.login(ROOT).await,
        world.login(ADMIN).await,
        world.login(USER).await,
    );
    let tier =
        json!({ "name": "tier", "limits": { "requests_per_minute": 9, "tokens_per_day": 8 } });
    let tier = world
        .expect(201, post("/admin/v1/plans").token(&root).json(&tier))
        .await;
    let body = json!({
        "name": "k",
        "tier_id": tier["id"],
        "limits": { "requests_per_minute": 4 },
    });
    let (id, key) = world.key(&user, &body).await;
    let say = json!({ "text": "Hi.", "audio_format": "wav" });
    world
        .expect_status(200, post("/tts/tts").token(&key).json(&say))
        .await;

    let own = world
        .expect(200, get("/admin/v1/limits").token(&key).empty())
        .await;
    assert_eq!(own["key_id"], json!(id));
    let find = |limits: &serde_json::Value, scope: &str, kind: &str| {
        limits["limits"]
            .as_array()
            .unwrap()
            .iter()
            .find(|limit| limit["scope"] == scope && limit["kind"] == kind)
            .cloned()
            .unwrap_or_default()
    };
    let of_key = find(&own, "key", "requests_per_minute");
    assert_eq!(
        (&of_key["limit"], &of_key["remaining"], &of_key["horizon"]),
        (&json!(4), &json!(3), &json!("window"))
    );
    assert_eq!(find(&own, "key", "tokens_per_day")["limit"], 8);
    assert_eq!(
        find(&own, "organization", "words_per_day")["horizon"],
        "day"
    );
    for (path, token) in [
        (format!("/admin/v1/keys/{id}/limits"), &admin),
        (format!("/admin/v1/keys/{id}/limits"), &user),
    ] {
        let limits = world.expect(200, get(&path).token(token).empty()).await;
        assert_eq!(find(&limits, "key", "requests_per_minute")["limit"], 4);
        assert_eq!(find(&limits, "key", "tokens_per_day")["limit"], 8);
        assert_eq!(
            find(&limits, "organization", "requests_per_minute")["limit"],
            100
        );
    }
    let of_organization = world
        .expect(
            200,
            get("/admin/v1/organizations/current/limits")
                .token(&user)
                .empty(),
        )
        .await;
    assert_eq!(of_organization["organization_id"], world.home.to_string());
    assert_eq!(
        find(&of_organization, "organization", "requests_per_minute")["remaining"],
        serde_json::Value::Null
    );
}

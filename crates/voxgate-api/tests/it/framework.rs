//! What the framework around the endpoints does: unknown paths, slashes, methods, bodies, headers, panics of none.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use voxgate_api::{Hsts, MetricsAccess};

use crate::harness::{USER, World, get, post, request};

const SECURITY: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "1; mode=block"),
    (
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    ),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("permissions-policy", "microphone=(), camera=()"),
];

#[tokio::test]
async fn every_answer_carries_security_headers_and_an_id() {
    let world = World::new().await;
    let token = world.login(USER).await;
    for request in [
        get("/health").empty(),
        get("/nowhere").empty(),
        request(Method::PUT, "/health").empty(),
        get("/users/me").empty(),
        get("/users/me").token(&token).empty(),
        get("/health/").empty(),
        post("/auth/jwt/logout").token(&token).empty(),
        get("/").empty(),
        get("/docs").empty(),
        get("/openapi.json").empty(),
        post("/auth/verify").raw_json("{"),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let reply = world.send(request).await;
        for (name, value) in SECURITY {
            assert_eq!(reply.header(name), Some(value), "{name} of {what}");
        }
        assert!(
            reply
                .header("x-request-id")
                .is_some_and(|id| !id.is_empty()),
            "{what}"
        );
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_others_are_replaced() {
    let world = World::new().await;
    let kept = world
        .send(get("/health").header("x-request-id", "abc-1").empty())
        .await;
    assert_eq!(kept.header("x-request-id"), Some("abc-1"));
    let replaced = world
        .send(get("/health").header("x-request-id", "a b<script>").empty())
        .await;
    assert_ne!(replaced.header("x-request-id"), Some("a b<script>"));
}

#[tokio::test]
async fn hsts_can_be_kept_to_tls() {
    let world = World::with(|setup| {
        setup.api.hsts = Hsts::OnlyTls;
        setup.api.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap()];
    })
    .await;
    let plain = world.send(get("/health").empty()).await;
    assert_eq!(plain.header("strict-transport-security"), None);
    let proxied = world
        .send(get("/health").header("x-forwarded-proto", "https").empty())
        .await;
    assert!(proxied.header("strict-transport-security").is_some());
}

#[tokio::test]
async fn unknown_paths_and_trailing_slashes() {
    let world = World::new().await;
    for path in [
        "/nowhere",
        "/users",
        "/tts",
        "/organizations/a/b/c",
        "//",
        "/users/me/x",
        "/%00",
        "/%ff/%fe",
        "/..%2f..%2fetc/passwd",
    ] {
        let reply = world.send(get(path).empty()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text().as_str()),
            (404, r#"{"detail":"Not Found"}"#),
            "{path}"
        );
    }
    let reply = world.send(get("/usage/requests/?limit=1").empty()).await;
    assert_eq!(reply.status, 307);
    assert_eq!(
        reply.header("location"),
        Some("http://voxgate.example/usage/requests?limit=1")
    );
    assert!(reply.body.is_empty());
    let reply = world.send(post("/auth/jwt/login/").empty()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("location")),
        (307, Some("http://voxgate.example/auth/jwt/login"))
    );
}

#[tokio::test]
async fn wrong_methods_name_the_right_one() {
    let world = World::new().await;
    for (method, path, allow) in [
        (Method::GET, "/auth/jwt/login", "POST"),
        (Method::HEAD, "/health", "GET"),
        (Method::OPTIONS, "/health", "GET"),
        (Method::TRACE, "/tts/tts", "POST"),
        (Method::PUT, "/organizations", "GET"),
        (Method::DELETE, "/invitations/x/accept", "GET"),
        (Method::from_bytes(b"BREW").unwrap(), "/health", "GET"),
    ] {
        let reply = world.send(request(method.clone(), path).empty()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("allow")),
            (405, Some(allow)),
            "{method} {path}"
        );
        if method != Method::HEAD {
            assert_eq!(reply.text(), r#"{"detail":"Method Not Allowed"}"#);
        }
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let world = World::with(|setup| {
        setup.api.max_body_bytes = 2000;
        setup.api.body_deadline = Duration::from_millis(200);
    })
    .await;
    let bad_utf8 = post("/auth/verify")
        .header("content-type", "application/json")
        .bytes(b"{\"token\":\"\xff\"}".to_vec());
    let reply = world.send(bad_utf8).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (400, r#"{"detail":"There was an error parsing the body"}"#)
    );

    let long = json!({ "token": "x".repeat(3000) });
    let reply = world.send(post("/auth/verify").json(&long)).await;
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (
            413,
            r#"{"detail":"The body must not be longer than 2000 bytes"}"#
        )
    );

    let never = axum::body::Body::from_stream(futures_util::stream::pending::<
        Result<bytes::Bytes, std::io::Error>,
    >());
    let slow = axum::http::Request::post("/auth/verify")
        .header("content-type", "application/json")
        .body(never)
        .unwrap();
    let reply = world.send(slow).await;
    assert_eq!(reply.status, 408);

    let deep = format!("{{\"token\":{}", "[".repeat(900));
    let reply = world.send(post("/auth/verify").raw_json(&deep)).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["detail"][0]["type"]),
        (422, &json!("json_invalid"))
    );
}

#[tokio::test]
async fn cors_is_off_unless_an_origin_is_allowed() {
    let preflight = || {
        request(Method::OPTIONS, "/tts/tts")
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST")
            .empty()
    };
    let closed = World::new().await;
    assert_eq!(closed.send(preflight()).await.status, 405);
    let open = World::with(|setup| {
        setup.api.cors_allowed_origins = vec!["https://app.example".to_owned()]
    })
    .await;
    let reply = open.send(preflight()).await;
    assert_eq!(
        (
            reply.status.as_u16(),
            reply.header("access-control-allow-origin")
        ),
        (200, Some("https://app.example"))
    );
    let asked = request(Method::OPTIONS, "/tts/tts")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "idempotency-key")
        .empty();
    let preflight = open.send(asked).await;
    let allowed = preflight.header("access-control-allow-headers").unwrap();
    assert!(allowed.contains("idempotency-key"), "{allowed}");
    let answer = get("/health").header("origin", "https://app.example");
    let answer = open.send(answer.empty()).await;
    let exposed = answer.header("access-control-expose-headers").unwrap();
    for name in [
        "idempotent-replayed",
        "x-ratelimit-remaining-tokens",
        "x-usage-request-id",
    ] {
        assert!(exposed.contains(name), "{name} is not in {exposed}");
    }
    let other = open
        .send(
            get("/health")
                .header("origin", "https://evil.example")
                .empty(),
        )
        .await;
    assert_eq!(other.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn metrics_are_for_whom_the_configuration_says() {
    let open = World::new().await;
    let reply = open.send(get("/metrics").empty()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-type")),
        (200, Some("text/plain; version=0.0.4; charset=utf-8"))
    );
    let off = World::with(|setup| setup.api.metrics = MetricsAccess::Off).await;
    assert_eq!(off.send(get("/metrics").empty()).await.status, 404);
    let guarded =
        World::with(|setup| setup.api.metrics = MetricsAccess::Token("scrape me".into())).await;
    assert_eq!(guarded.send(get("/metrics").empty()).await.status, 401);
    assert_eq!(
        guarded
            .send(get("/metrics").token("scrape it").empty())
            .await
            .status,
        401
    );
    assert_eq!(
        guarded
            .send(get("/metrics").token("scrape me").empty())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn health_and_readiness() {
    let world = World::new().await;
    let health = world.send(get("/health").empty()).await;
    assert_eq!(
        health.redacted(),
        r#"{"status":"healthy","env":"production","timestamp":"<time>","version":"0.1.0"}"#
    );
    let ready = world.send(get("/ready").empty()).await;
    assert_eq!(
        (ready.status.as_u16(), ready.text().as_str()),
        (200, r#"{"status":"ready","reason":null}"#)
    );
    world.readiness.set_waiting("loading voices");
    let waiting = world.send(get("/ready").empty()).await;
    assert_eq!(
        (waiting.status.as_u16(), waiting.text().as_str()),
        (503, r#"{"status":"waiting","reason":"loading voices"}"#)
    );
}

#[tokio::test]
async fn text_is_compressed_and_audio_is_not() {
    let world = World::new().await;
    let document = world
        .send(
            get("/openapi.json")
                .header("accept-encoding", "gzip")
                .empty(),
        )
        .await;
    assert_eq!(document.header("content-encoding"), Some("gzip"));
    let token = world.login(USER).await;
    let speech = post("/tts/tts")
        .token(&token)
        .header("accept-encoding", "gzip")
        .json(&json!({ "text": "Hello there.", "audio_format": "wav" }));
    let reply = world.send(speech).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("content-encoding")),
        (200, None)
    );
}

//! Section 4.1 of the reference, row by row: status and body as the original answers, ids and tokens redacted.
//! Extra keys of the user object are cut off before comparing, because they are ours.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::harness::{
    JWT_SECRET, PASSWORD, ROOT, USER, World, get, in_seconds, patch, post, signed,
};

const LOGIN: &str = "/auth/jwt/login";
const BAD_CREDENTIALS: &str = r#"{"detail":"LOGIN_BAD_CREDENTIALS"}"#;
pub(crate) const UNAUTHORIZED: &str = r#"{"detail":"Unauthorized"}"#;
pub(crate) const FORBIDDEN: &str = r#"{"detail":"Forbidden"}"#;
pub(crate) const NOT_FOUND: &str = r#"{"detail":"Not Found"}"#;
pub(crate) const NOT_ALLOWED: &str = r#"{"detail":"Method Not Allowed"}"#;
const BOTH_MISSING: &str = r#"{"detail":[{"type":"missing","loc":["body","username"],"msg":"Field required","input":null},{"type":"missing","loc":["body","password"],"msg":"Field required","input":null}]}"#;
const EMAIL_MISSING: &str =
    r#"{"detail":[{"type":"missing","loc":["body","email"],"msg":"Field required","input":null}]}"#;
const TOKEN_MISSING: &str =
    r#"{"detail":[{"type":"missing","loc":["body","token"],"msg":"Field required","input":null}]}"#;

/// The user object of the reference: five keys in their order.
pub(crate) fn user(email: &str, is_superuser: bool, is_verified: bool) -> String {
    format!(
        r#"{{"id":"<uuid>","email":"{email}","is_active":true,"is_superuser":{is_superuser},"is_verified":{is_verified}}}"#
    )
}

pub(crate) async fn row(
    world: &World,
    name: &str,
    request: Request<Body>,
    status: u16,
    body: &str,
) {
    let reply = world.send(request).await;
    let mut found = reply.redacted();
    if let Some(ours) = found.find(r#","role":"#) {
        found.truncate(ours);
        found.push('}');
    }
    assert_eq!(
        (reply.status.as_u16(), found.as_str()),
        (status, body),
        "{name}"
    );
    if !found.is_empty() {
        assert_eq!(
            reply.header("content-type"),
            Some("application/json"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn logging_in() {
    let world = World::new().await;
    let session = r#"{"access_token":"<jwt>","token_type":"bearer"}"#;
    let login = |fields: &[(&str, &str)]| post(LOGIN).form(fields);
    row(
        &world,
        "ok",
        login(&[("username", USER), ("password", PASSWORD)]),
        200,
        session,
    )
    .await;
    row(
        &world,
        "ok with grant_type and empty client fields",
        login(&[
            ("grant_type", "password"),
            ("username", USER),
            ("password", PASSWORD),
            ("scope", ""),
            ("client_id", ""),
            ("client_secret", "null"),
        ]),
        200,
        session,
    )
    .await;
    row(
        &world,
        "other letter case",
        login(&[("username", &USER.to_uppercase()), ("password", PASSWORD)]),
        200,
        session,
    )
    .await;
    let parts = format!(
        "--B\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\n{USER}\r\n--B\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{PASSWORD}\r\n--B--\r\n"
    );
    let multipart = post(LOGIN)
        .header("content-type", "multipart/form-data; boundary=B")
        .bytes(parts.into_bytes());
    row(&world, "multipart", multipart, 200, session).await;
    for (name, username, password) in [
        ("wrong password", USER, "wrong password"),
        ("unknown user", "nobody@example.com", PASSWORD),
        ("not an e-mail", "nobody", PASSWORD),
        ("empty strings", "", ""),
        ("a zero byte", "a\0b", PASSWORD),
    ] {
        row(
            &world,
            name,
            login(&[("username", username), ("password", password)]),
            400,
            BAD_CREDENTIALS,
        )
        .await;
    }
    row(&world, "no fields", login(&[]), 422, BOTH_MISSING).await;
    row(&world, "no body", post(LOGIN).empty(), 422, BOTH_MISSING).await;
    row(
        &world,
        "JSON",
        post(LOGIN).json(&json!({ "username": USER, "password": PASSWORD })),
        422,
        BOTH_MISSING,
    )
    .await;
    row(
        &world,
        "JSON under a form header, as old clients send it",
        post(LOGIN)
            .header("content-type", "application/x-www-form-urlencoded")
            .bytes(br#"{"username":"a"}"#.to_vec()),
        422,
        BOTH_MISSING,
    )
    .await;
    row(
        &world,
        "no password",
        login(&[("username", USER)]),
        422,
        r#"{"detail":[{"type":"missing","loc":["body","password"],"msg":"Field required","input":null}]}"#,
    )
    .await;
    for (name, value) in [("other grant", "client_credentials"), ("empty grant", "")] {
        let body = format!(
            r#"{{"detail":[{{"type":"string_pattern_mismatch","loc":["body","grant_type"],"msg":"String should match pattern '^password$'","input":"{value}","ctx":{{"pattern":"^password$"}}}}]}}"#
        );
        let fields = [
            ("grant_type", value),
            ("username", USER),
            ("password", PASSWORD),
        ];
        row(&world, name, login(&fields), 422, &body).await;
    }
    let reply = world.send(get(LOGIN).empty()).await;
    assert_eq!(
        (
            reply.status.as_u16(),
            reply.text().as_str(),
            reply.header("allow")
        ),
        (405, NOT_ALLOWED, Some("POST"))
    );

    let root = world.login(ROOT).await;
    let id = world.user_id(USER).await;
    let off = patch(&format!("/users/{id}"))
        .token(&root)
        .json(&json!({ "is_active": false }));
    assert_eq!(world.send(off).await.status, 200);
    row(
        &world,
        "inactive user",
        login(&[("username", USER), ("password", PASSWORD)]),
        400,
        BAD_CREDENTIALS,
    )
    .await;
}

#[tokio::test]
async fn verification_required() {
    let world = World::with(|setup| setup.services.identity.require_verified = true).await;
    let fresh = json!({ "email": "new@example.com", "password": PASSWORD });
    assert_eq!(
        world.send(post("/auth/register").json(&fresh)).await.status,
        201
    );
    let fields = [("username", "new@example.com"), ("password", PASSWORD)];
    row(
        &world,
        "unverified",
        post(LOGIN).form(&fields),
        400,
        r#"{"detail":"LOGIN_USER_NOT_VERIFIED"}"#,
    )
    .await;
    let id = world.user_id("new@example.com").await;
    let token = signed(
        &json!({ "sub": id.to_string(), "aud": ["fastapi-users:auth"], "exp": in_seconds(60) }),
        JWT_SECRET,
    );
    row(
        &world,
        "an unverified token",
        get("/users/me").token(&token).empty(),
        403,
        FORBIDDEN,
    )
    .await;
}

#[tokio::test]
async fn logging_out() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let reply = world
        .send(post("/auth/jwt/logout").token(&token).empty())
        .await;
    assert_eq!(
        (
            reply.status.as_u16(),
            reply.body.len(),
            reply.header("content-type")
        ),
        (204, 0, None)
    );
    // The reference keeps the token alive here; its documentation promises what we do.
    row(
        &world,
        "afterwards",
        get("/users/me").token(&token).empty(),
        401,
        UNAUTHORIZED,
    )
    .await;
    row(
        &world,
        "no token",
        post("/auth/jwt/logout").empty(),
        401,
        UNAUTHORIZED,
    )
    .await;
    row(
        &world,
        "junk",
        post("/auth/jwt/logout").token("junk").empty(),
        401,
        UNAUTHORIZED,
    )
    .await;
}

#[tokio::test]
async fn registering() {
    let world = World::new().await;
    let register = |body: Value| post("/auth/register").json(&body);
    let new = json!({ "email": "A.User@Example.COM", "password": PASSWORD });
    row(
        &world,
        "ok",
        register(new),
        201,
        &user("A.User@example.com", false, false),
    )
    .await;
    let greedy = json!({ "email": "b@example.com", "password": PASSWORD, "is_superuser": true, "is_verified": true, "is_active": false, "unknown": 1 });
    row(
        &world,
        "flags are forced back",
        register(greedy),
        201,
        &user("b@example.com", false, false),
    )
    .await;
    let twice = json!({ "email": "a.user@example.com", "password": PASSWORD });
    row(
        &world,
        "duplicate in other case",
        register(twice),
        400,
        r#"{"detail":"REGISTER_USER_ALREADY_EXISTS"}"#,
    )
    .await;
    let weak = json!({ "email": "a.user@example.com", "password": "short" });
    row(
        &world,
        "weak password, checked before the duplicate",
        register(weak),
        400,
        r#"{"detail":{"code":"REGISTER_INVALID_PASSWORD","reason":"Password should be at least 8 characters"}}"#,
    )
    .await;
    row(
        &world,
        "bad e-mail",
        register(json!({ "email": "nope", "password": PASSWORD })),
        422,
        r#"{"detail":[{"type":"value_error","loc":["body","email"],"msg":"value is not a valid email address: An email address must have an @-sign.","input":"nope","ctx":{"reason":"An email address must have an @-sign."}}]}"#,
    )
    .await;
    row(
        &world,
        "no password",
        register(json!({ "email": "b@example.com" })),
        422,
        r#"{"detail":[{"type":"missing","loc":["body","password"],"msg":"Field required","input":{"email":"b@example.com"}}]}"#,
    )
    .await;
}

#[tokio::test]
async fn registration_switched_off_is_an_unknown_route() {
    let world = World::with(|setup| setup.services.identity.registration_enabled = false).await;
    let new = json!({ "email": "a@example.com", "password": PASSWORD });
    row(
        &world,
        "POST",
        post("/auth/register").json(&new),
        404,
        NOT_FOUND,
    )
    .await;
    row(&world, "GET", get("/auth/register").empty(), 404, NOT_FOUND).await;
    let document = world.send(get("/openapi.json").empty()).await.json();
    assert!(document["paths"].get("/auth/register").is_none());
}

#[tokio::test]
async fn verifying() {
    let world = World::new().await;
    let ask = |body: &str| post("/auth/request-verify-token").raw_json(body);
    assert_eq!(
        world
            .send(
                post("/auth/register")
                    .json(&json!({ "email": "v@example.com", "password": PASSWORD }))
            )
            .await
            .status,
        201
    );
    for (name, email) in [
        ("unknown", "nobody@example.com"),
        ("known", "v@example.com"),
        ("verified", USER),
    ] {
        row(
            &world,
            name,
            ask(&json!({ "email": email }).to_string()),
            202,
            "null",
        )
        .await;
    }
    for body in ["{}", "", "\"text\"", "null"] {
        row(&world, body, ask(body), 422, EMAIL_MISSING).await;
    }
    let malformed = world.send(ask(r#"{"email":"nope"}"#)).await.json();
    assert_eq!(malformed["detail"][0]["type"], "value_error");
    assert_eq!(malformed["detail"][0]["loc"], json!(["body", "email"]));

    let verify = |body: Value| post("/auth/verify").json(&body);
    let bad = r#"{"detail":"VERIFY_USER_BAD_TOKEN"}"#;
    row(&world, "junk", verify(json!({ "token": "junk" })), 400, bad).await;
    let session = world.login(USER).await;
    row(
        &world,
        "an auth token",
        verify(json!({ "token": session })),
        400,
        bad,
    )
    .await;
    row(&world, "nothing", verify(json!({})), 422, TOKEN_MISSING).await;
    row(
        &world,
        "null",
        verify(json!({ "token": null })),
        422,
        TOKEN_MISSING,
    )
    .await;
    row(
        &world,
        "a number",
        verify(json!({ "token": 5 })),
        422,
        r#"{"detail":[{"type":"string_type","loc":["body","token"],"msg":"Input should be a valid string","input":5}]}"#,
    )
    .await;
    let token = world.mailed_token("verify", "v@example.com").await;
    row(
        &world,
        "ok",
        verify(json!({ "token": token })),
        200,
        &user("v@example.com", false, true),
    )
    .await;
    row(
        &world,
        "again",
        verify(json!({ "token": token })),
        400,
        r#"{"detail":"VERIFY_USER_ALREADY_VERIFIED"}"#,
    )
    .await;
}

#[tokio::test]
async fn tokens_that_do_not_open() {
    let world = World::new().await;
    let id = world.user_id(USER).await.to_string();
    let claims =
        |sub: &str, aud: Value, exp: i64| json!({ "sub": sub, "aud": aud, "exp": in_seconds(exp) });
    let audience = || json!(["fastapi-users:auth"]);
    let me = |token: &str| get("/users/me").token(token).empty();
    let unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ4In0.";
    let unknown = uuid::Uuid::now_v7().to_string();
    for (name, token) in [
        ("junk", "junk".to_owned()),
        ("expired", signed(&claims(&id, audience(), -60), JWT_SECRET)),
        (
            "wrong audience",
            signed(&claims(&id, json!(["other"]), 60), JWT_SECRET),
        ),
        (
            "wrong key",
            signed(
                &claims(&id, audience(), 60),
                b"another secret of sufficient length",
            ),
        ),
        ("alg none", unsigned.to_owned()),
        (
            "unknown user",
            signed(&claims(&unknown, audience(), 60), JWT_SECRET),
        ),
        (
            "sub is no UUID",
            signed(&claims("7", audience(), 60), JWT_SECRET),
        ),
    ] {
        let reply = world.send(me(&token)).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text().as_str()),
            (401, UNAUTHORIZED),
            "{name}"
        );
        assert_eq!(reply.header("www-authenticate"), None, "{name}");
    }
    row(&world, "none", get("/users/me").empty(), 401, UNAUTHORIZED).await;
    row(
        &world,
        "Basic",
        get("/users/me")
            .header("authorization", "Basic dTpw")
            .empty(),
        401,
        UNAUTHORIZED,
    )
    .await;
    row(
        &world,
        "bare",
        get("/users/me").header("authorization", "Bearer").empty(),
        401,
        UNAUTHORIZED,
    )
    .await;
    let good = signed(&claims(&id, audience(), 60), JWT_SECRET);
    row(
        &world,
        "audience as a list",
        me(&good),
        200,
        &user(USER, false, true),
    )
    .await;
    let good = signed(&claims(&id, json!("fastapi-users:auth"), 60), JWT_SECRET);
    row(
        &world,
        "audience as text",
        me(&good),
        200,
        &user(USER, false, true),
    )
    .await;
    let lower = get("/users/me")
        .header("authorization", &format!("bearer  {good}"))
        .empty();
    row(
        &world,
        "scheme in lower case, two spaces",
        lower,
        200,
        &user(USER, false, true),
    )
    .await;
}

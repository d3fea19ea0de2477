//! Section 4.1 of the reference, continued: changing and administering users, resetting a password.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{ADMIN, PASSWORD, ROOT, USER, World, get, patch, post, request};
use crate::wire_table::{FORBIDDEN, NOT_ALLOWED, NOT_FOUND, UNAUTHORIZED, row, user};

#[tokio::test]
async fn changing_oneself() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let change = |body: Value| patch("/users/me").token(&token).json(&body);
    let taken = r#"{"detail":"UPDATE_USER_EMAIL_ALREADY_EXISTS"}"#;
    row(
        &world,
        "taken",
        change(json!({ "email": ADMIN.to_uppercase() })),
        400,
        taken,
    )
    .await;
    row(
        &world,
        "own address in other case",
        change(json!({ "email": USER.to_uppercase() })),
        400,
        taken,
    )
    .await;
    row(
        &world,
        "weak password",
        change(json!({ "password": "short" })),
        400,
        r#"{"detail":{"code":"UPDATE_USER_INVALID_PASSWORD","reason":"Password should be at least 8 characters"}}"#,
    )
    .await;
    let bad = world.send(change(json!({ "email": "nope" }))).await;
    assert_eq!(
        (bad.status.as_u16(), &bad.json()["detail"][0]["loc"]),
        (422, &json!(["body", "email"]))
    );
    let unchanged = user(USER, false, true);
    for body in [
        json!({}),
        json!({ "password": null }),
        json!({ "email": null }),
        json!({ "is_superuser": true, "is_active": false, "id": "x", "other": [] }),
    ] {
        row(
            &world,
            &body.to_string(),
            change(body.clone()),
            200,
            &unchanged,
        )
        .await;
    }
    row(
        &world,
        "no body",
        patch("/users/me").token(&token).empty(),
        422,
        r#"{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}"#,
    )
    .await;
    row(
        &world,
        "no token and a bad body",
        patch("/users/me").raw_json("{"),
        401,
        UNAUTHORIZED,
    )
    .await;
    row(
        &world,
        "new e-mail",
        change(json!({ "email": "other@example.com" })),
        200,
        &user("other@example.com", false, false),
    )
    .await;
}

#[tokio::test]
async fn methods_on_users() {
    let world = World::new().await;
    let token = world.login(USER).await;
    let root = world.login(ROOT).await;
    let put = world
        .send(request(Method::PUT, "/users/me").token(&token).empty())
        .await;
    assert_eq!(
        (
            put.status.as_u16(),
            put.text().as_str(),
            put.header("allow")
        ),
        (405, NOT_ALLOWED, Some("GET"))
    );
    let delete = |token: &str| request(Method::DELETE, "/users/me").token(token).empty();
    row(&world, "DELETE by a user", delete(&token), 403, FORBIDDEN).await;
    row(
        &world,
        "DELETE by an administrator",
        delete(&root),
        404,
        NOT_FOUND,
    )
    .await;
    for method in [Method::HEAD, Method::OPTIONS] {
        let reply = world
            .send(request(method.clone(), "/users/me").token(&token).empty())
            .await;
        assert_eq!(reply.status, 405, "{method}");
    }
}

#[tokio::test]
async fn administering_users() {
    let world = World::new().await;
    let (root, token) = (world.login(ROOT).await, world.login(USER).await);
    let id = world.user_id(USER).await;
    let path = format!("/users/{id}");
    row(&world, "no token", get(&path).empty(), 401, UNAUTHORIZED).await;
    row(
        &world,
        "not a superuser",
        get(&path).token(&token).empty(),
        403,
        FORBIDDEN,
    )
    .await;
    row(
        &world,
        "ok",
        get(&path).token(&root).empty(),
        200,
        &user(USER, false, true),
    )
    .await;
    let missing = format!("/users/{}", uuid::Uuid::now_v7());
    for path in [missing.as_str(), "/users/7", "/users/%00", "/users/%FF"] {
        row(&world, path, get(path).token(&root).empty(), 404, NOT_FOUND).await;
    }
    let flags = patch(&path)
        .token(&root)
        .json(&json!({ "is_verified": false }));
    row(
        &world,
        "flags may be changed",
        flags,
        200,
        &user(USER, false, false),
    )
    .await;
    row(
        &world,
        "DELETE",
        request(Method::DELETE, &path).token(&root).empty(),
        204,
        "",
    )
    .await;
    row(
        &world,
        "gone",
        get(&path).token(&root).empty(),
        404,
        NOT_FOUND,
    )
    .await;
    row(
        &world,
        "its token",
        get("/users/me").token(&token).empty(),
        401,
        UNAUTHORIZED,
    )
    .await;
}

#[tokio::test]
async fn resetting_a_password() {
    let world = World::new().await;
    for email in [USER, "nobody@example.com"] {
        row(
            &world,
            email,
            post("/auth/forgot-password").json(&json!({ "email": email })),
            202,
            "null",
        )
        .await;
    }
    let token = world.mailed_token("reset", USER).await;
    let reset = |token: &str, password: &str| {
        post("/auth/reset-password").json(&json!({ "token": token, "password": password }))
    };
    row(
        &world,
        "weak",
        reset(&token, "short"),
        400,
        r#"{"detail":{"code":"RESET_PASSWORD_INVALID_PASSWORD","reason":"Password should be at least 8 characters"}}"#,
    )
    .await;
    let bad = r#"{"detail":"RESET_PASSWORD_BAD_TOKEN"}"#;
    row(&world, "junk", reset("junk", PASSWORD), 400, bad).await;
    row(
        &world,
        "ok",
        reset(&token, "another good password"),
        200,
        "null",
    )
    .await;
    row(
        &world,
        "again",
        reset(&token, "another good password"),
        400,
        bad,
    )
    .await;
    world.login_with(USER, "another good password").await;
}

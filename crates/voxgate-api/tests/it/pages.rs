//! The invitation from mail to account, by hand and by program, and the other pages.

use serde_json::json;

use crate::harness::{ADMIN, PASSWORD, World, get, post};

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn invite(world: &World, email: &str) -> String {
    let admin = world.login(ADMIN).await;
    let reply = world
        .send(
            post("/invitations")
                .token(&admin)
                .json(&json!({ "email": email, "role": "ORG_USER" })),
        )
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.json()["status"], "pending");
    assert!(
        reply.json().get("token").is_none(),
        "the token is in the mail only"
    );
    world.mailed_token("invitation", email).await
}

#[tokio::test]
async fn an_invitation_is_accepted_in_a_browser_without_scripts() {
    let world = World::new().await;
    let token = invite(&world, "new@example.com").await;
    let path = format!("/invitations/{token}/accept");
    let page = world
        .send(get(&path).header("accept", BROWSER).empty())
        .await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let html = page.text();
    for part in [
        "Home",
        "new@example.com",
        "<form method=\"post\">",
        "name=\"password\"",
        "name=\"full_name\"",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(
        !html.contains("<script") && !html.contains("://"),
        "nothing but our own markup: {html}"
    );
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .unwrap();
    assert!(html.contains(&format!("<style nonce=\"{nonce}\">")));

    let submit = |password: &str| {
        post(&path)
            .header("accept", BROWSER)
            .form(&[("full_name", "<b>New</b>"), ("password", password)])
    };
    let weak = world.send(submit("short")).await;
    assert_eq!(weak.status, 400);
    assert!(
        weak.text().contains("at least 8 characters") && weak.text().contains("<form"),
        "{}",
        weak.text()
    );
    assert!(weak.text().contains("&lt;b&gt;New&lt;/b&gt;") && !weak.text().contains("<b>New"));

    let done = world.send(submit(PASSWORD)).await;
    assert_eq!(
        (done.status.as_u16(), done.header("content-type")),
        (200, Some("text/html; charset=utf-8")),
        "{}",
        done.text()
    );
    let session = world.login("new@example.com").await;
    let me = world
        .send(get("/users/me").token(&session).empty())
        .await
        .json();
    assert_eq!(
        (&me["is_verified"], &me["role"], &me["full_name"]),
        (&json!(true), &json!("ORG_USER"), &json!("<b>New</b>"))
    );

    let again = world.send(submit(PASSWORD)).await;
    assert_eq!(again.status, 400);
    assert!(
        again.text().contains("already been accepted") && again.text().contains("<!doctype html>")
    );
    let page = world
        .send(get(&path).header("accept", BROWSER).empty())
        .await;
    assert_eq!(page.status, 400);
}

#[tokio::test]
async fn an_invitation_is_accepted_by_a_program() {
    let world = World::new().await;
    let token = invite(&world, "robot@example.com").await;
    let path = format!("/invitations/{token}/accept");
    let weak = world
        .send(post(&path).json(&json!({ "password": "short" })))
        .await;
    assert_eq!(
        (weak.status.as_u16(), weak.text().as_str()),
        (
            400,
            r#"{"detail":{"code":"INVITATION_INVALID_PASSWORD","reason":"Password should be at least 8 characters"}}"#
        )
    );
    let missing = world.send(post(&path).json(&json!({}))).await;
    assert_eq!(
        (missing.status.as_u16(), &missing.json()["detail"][0]["loc"]),
        (422, &json!(["body", "password"]))
    );
    let done = world
        .send(post(&path).json(&json!({ "password": PASSWORD })))
        .await;
    assert_eq!(
        (done.status.as_u16(), &done.json()["email"]),
        (201, &json!("robot@example.com"))
    );
    let again = world
        .send(post(&path).json(&json!({ "password": PASSWORD })))
        .await;
    assert_eq!(
        (again.status.as_u16(), again.text().as_str()),
        (
            400,
            r#"{"detail":"The invitation has already been accepted"}"#
        )
    );
    let unknown = world
        .send(post("/invitations/nothing/accept").json(&json!({ "password": PASSWORD })))
        .await;
    assert_eq!(
        (unknown.status.as_u16(), unknown.text().as_str()),
        (404, r#"{"detail":"Invitation not found"}"#)
    );
    let page = world
        .send(get("/invitations/%3Cscript%3E/accept").empty())
        .await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (404, Some("text/html; charset=utf-8"))
    );
    assert!(!page.text().contains("<script"));
}

#[tokio::test]
async fn the_documentation_comes_from_this_server_alone() {
    let world = World::new().await;
    let page = world.send(get("/docs").empty()).await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert!(!page.text().contains("://"), "{}", page.text());
    for (file, media) in [
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("start.js", "text/javascript; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
    ] {
        assert!(page.text().contains(&format!("/docs/{file}")), "{file}");
        let reply = world.send(get(&format!("/docs/{file}")).empty()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, Some(media)),
            "{file}"
        );
        assert!(!reply.body.is_empty());
    }
    assert_eq!(
        world.send(get("/docs/index.html").empty()).await.status,
        404
    );
    let hidden = World::with(|setup| setup.api.docs = false).await;
    for path in ["/docs", "/docs/start.js", "/openapi.json"] {
        assert_eq!(hidden.send(get(path).empty()).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_front_page_escapes_the_host() {
    let world = World::new().await;
    let page = world.send(get("/").empty()).await;
    assert!(
        page.text().contains("curl http://voxgate.example/tts/tts"),
        "{}",
        page.text()
    );
    let request = axum::http::Request::get("/")
        .header("host", "<i>x")
        .body(axum::body::Body::empty())
        .unwrap();
    let page = world.send(request).await;
    assert!(page.text().contains("&lt;i&gt;x") && !page.text().contains("<i>x"));
}

#[tokio::test]
async fn links_in_mails_lead_to_pages_that_work() {
    let world = World::new().await;
    let new = json!({ "email": "v@example.com", "password": PASSWORD });
    assert_eq!(
        world.send(post("/auth/register").json(&new)).await.status,
        201
    );
    assert_eq!(
        world
            .send(post("/auth/request-verify-token").json(&json!({ "email": "v@example.com" })))
            .await
            .status,
        202
    );
    let token = world.mailed_token("verify", "v@example.com").await;
    let page = world
        .send(
            get(&format!("/auth/verify?token={token}"))
                .header("accept", BROWSER)
                .empty(),
        )
        .await;
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains(&format!("value=\"{token}\"")),
        "{}",
        page.text()
    );
    let press = || {
        post("/auth/verify")
            .header("accept", BROWSER)
            .form(&[("token", token.as_str())])
    };
    let done = world.send(press()).await;
    assert_eq!(
        (done.status.as_u16(), done.header("content-type")),
        (200, Some("text/html; charset=utf-8")),
        "{}",
        done.text()
    );
    let again = world.send(press()).await;
    assert!(
        again.status == 400 && again.text().contains("already confirmed"),
        "{}",
        again.text()
    );

    assert_eq!(
        world
            .send(post("/auth/forgot-password").json(&json!({ "email": "v@example.com" })))
            .await
            .status,
        202
    );
    let token = world.mailed_token("reset", "v@example.com").await;
    let page = world
        .send(get(&format!("/auth/reset-password?token={token}")).empty())
        .await;
    assert!(page.status == 200 && page.text().contains("type=\"password\""));
    let set = |password: &str| {
        post("/auth/reset-password").form(&[("token", token.as_str()), ("password", password)])
    };
    let weak = world.send(set("short")).await;
    assert!(
        weak.status == 400 && weak.text().contains("<form"),
        "{}",
        weak.text()
    );
    assert_eq!(world.send(set("a quite new password")).await.status, 200);
    world
        .login_with("v@example.com", "a quite new password")
        .await;
}

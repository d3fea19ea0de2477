//! Letters: into the outbox without SMTP, over SMTP with it, and never lost in between.

use std::time::Duration;

use serde_json::json;
use voxgate_testing::{Options, SmtpSink, TestServer};

use crate::world::{PASSWORD, join, make_org};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_reset_through_the_outbox() {
    let server = TestServer::start(Options::fake()).await.unwrap();
    let org = make_org(&server, "reset", json!({})).await;
    let anonymous = server.anonymous();
    // The same answer for an address that nobody has.
    for email in ["nobody@example.org", org.admin_email.as_str()] {
        let answer = anonymous
            .post("/auth/forgot-password", json!({"email": email}))
            .await
            .unwrap();
        assert_eq!(answer.expect(202).unwrap().text(), "null");
    }
    let letter = {
        let begun = std::time::Instant::now();
        loop {
            let letter = server.outbox().newest_to(&org.admin_email).unwrap();
            if letter.link().unwrap().contains("reset-password") {
                break letter;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "no letter with a reset link"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(server.outbox().newest_to("nobody@example.org").is_none());
    let body = json!({"token": letter.token().unwrap(), "password": "another long password"});
    anonymous
        .post("/auth/reset-password", body.clone())
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let again = anonymous
        .post("/auth/reset-password", body)
        .await
        .unwrap()
        .expect(400)
        .unwrap();
    assert_eq!(again.json()["detail"], "RESET_PASSWORD_BAD_TOKEN");
    assert!(anonymous.login(&org.admin_email, PASSWORD).await.is_err());
    anonymous
        .login(&org.admin_email, "another long password")
        .await
        .unwrap();
    // The log names the file and not what is in it.
    let log = server.log();
    assert!(log.contains(".eml") && !log.contains(&letter.token().unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_go_out_over_smtp_and_are_tried_again() {
    let sink = SmtpSink::start().unwrap();
    sink.refuse_next(1);
    let options = Options::fake()
        .set("mail.smtp_host", "127.0.0.1")
        .set("mail.smtp_port", &sink.port.to_string())
        .set("mail.smtp_security", "none")
        .set("mail.from", "Voxgate <voice@example.org>");
    let server = TestServer::start(options).await.unwrap();
    let body = json!({"name": "By post", "admin_email": "post@example.org"});
    server
        .admin()
        .post("/organizations", body)
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    let received = sink.wait_for(1, Duration::from_secs(120)).await.unwrap();
    assert_eq!(
        (received[0].from.as_str(), received[0].to.as_slice()),
        ("voice@example.org", &["post@example.org".to_owned()][..])
    );
    let letter = received[0].letter();
    assert!(
        letter.header_contains("to", "post@example.org")
            && letter.header_contains("from", "voice@example.org")
    );
    let path = format!("/invitations/{}/accept", letter.token().unwrap());
    let page = server
        .anonymous()
        .get(&path)
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    assert!(
        page.header("content-type").starts_with("text/html") && page.text().contains("By post")
    );
    server
        .anonymous()
        .post(&path, json!({"password": PASSWORD}))
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    assert!(server.outbox().letters().next().is_none());
    assert_eq!(sink.received().len(), 1, "a letter went out twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_works_once() {
    let server = TestServer::start(Options::fake()).await.unwrap();
    let org = make_org(&server, "once", json!({})).await;
    let invitation =
        json!({"email": "Ana@Example.org", "role": "ORG_USER", "organization_id": org.id});
    let made = org
        .admin
        .post("/invitations", invitation)
        .await
        .unwrap()
        .expect(201)
        .unwrap()
        .json();
    assert_eq!(made["status"], "pending");
    let token = server
        .outbox()
        .wait_for("ana@example.org")
        .await
        .unwrap()
        .token()
        .unwrap();
    let ana = join(&server, "ana@example.org").await;
    let me = ana
        .get("/users/me")
        .await
        .unwrap()
        .expect(200)
        .unwrap()
        .json();
    assert_eq!(
        (&me["role"], &me["organization_id"], &me["is_verified"]),
        (&json!("ORG_USER"), &json!(org.id), &json!(true))
    );
    let path = format!("/invitations/{token}/accept");
    server
        .anonymous()
        .post(&path, json!({"password": PASSWORD}))
        .await
        .unwrap()
        .expect(400)
        .unwrap();
    server
        .anonymous()
        .get("/invitations/no-such-token/accept")
        .await
        .unwrap()
        .expect(404)
        .unwrap();
    // An ordinary member invites nobody.
    let invitation =
        json!({"email": "eve@example.org", "role": "ORG_USER", "organization_id": org.id});
    ana.post("/invitations", invitation)
        .await
        .unwrap()
        .expect(403)
        .unwrap();
}

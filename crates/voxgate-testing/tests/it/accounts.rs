//! Sessions end where they are ended, on both databases.

use serde_json::json;
use voxgate_testing::{Options, TestServer};

use crate::world::{Database, PASSWORD, make_org};

async fn logout_ends_one_session_for_good(database: Database) {
    let mut server = TestServer::start(database.options(Options::fake()))
        .await
        .unwrap();
    let org = make_org(&server, "session", json!({})).await;
    let first = server
        .anonymous()
        .login(&org.admin_email, PASSWORD)
        .await
        .unwrap();
    // Letter case does not matter in an address.
    let second = server
        .anonymous()
        .login(&org.admin_email.to_uppercase(), PASSWORD)
        .await
        .unwrap();
    first
        .post("/auth/jwt/logout", json!({}))
        .await
        .unwrap()
        .expect(204)
        .unwrap();
    first.get("/users/me").await.unwrap().expect(401).unwrap();
    second.get("/users/me").await.unwrap().expect(200).unwrap();
    // The end of a session is on disk; so is the key that signs the living ones.
    server.kill().unwrap();
    server.restart().await.unwrap();
    first.get("/users/me").await.unwrap().expect(401).unwrap();
    second.get("/users/me").await.unwrap().expect(200).unwrap();
    second
        .speak("still here")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_on_sqlite() {
    logout_ends_one_session_for_good(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_on_postgres() {
    logout_ends_one_session_for_good(Database::postgres().await).await;
}

//! What several tests need: a database to choose, organisations with people in them, sums over usage.

use serde_json::{Value, json};
use voxgate_testing::{Client, Options, TestDatabase, TestServer};

/// Long enough for every password rule.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Which database a test runs on; the Postgres one lives as long as this.
pub(crate) enum Database {
    Sqlite,
    Postgres(TestDatabase),
}

impl Database {
    pub(crate) async fn postgres() -> Self {
        Self::Postgres(TestDatabase::create().await.unwrap())
    }

    pub(crate) fn options(&self, options: Options) -> Options {
        match self {
            Self::Sqlite => options,
            Self::Postgres(database) => options.database(&database.url),
        }
    }
}

/// An organisation with one administrator who has logged in.
pub(crate) struct Org {
    pub(crate) id: String,
    pub(crate) admin_email: String,
    pub(crate) admin: Client,
}

/// Makes an organisation as the system administrator and accepts the invitation that its administrator gets by mail.
pub(crate) async fn make_org(server: &TestServer, name: &str, limits: Value) -> Org {
    let admin_email = format!("admin@{name}.example.org");
    let mut body = json!({"name": name, "admin_email": admin_email});
    body.as_object_mut()
        .unwrap()
        .extend(limits.as_object().unwrap().clone());
    let made = server
        .admin()
        .post("/organizations", body)
        .await
        .unwrap()
        .expect(201)
        .unwrap()
        .json();
    let id = made["id"].as_str().unwrap().to_owned();
    let admin = join(server, &admin_email).await;
    Org {
        id,
        admin_email,
        admin,
    }
}

/// Accepts the newest invitation to that address and logs in.
pub(crate) async fn join(server: &TestServer, email: &str) -> Client {
    let token = server
        .outbox()
        .wait_for(email)
        .await
        .unwrap()
        .token()
        .unwrap();
    let path = format!("/invitations/{token}/accept");
    server
        .anonymous()
        .post(&path, json!({"password": PASSWORD}))
        .await
        .unwrap()
        .expect(201)
        .unwrap();
    server.anonymous().login(email, PASSWORD).await.unwrap()
}

/// A text of exactly that many words.
pub(crate) fn words(count: usize) -> String {
    vec!["word"; count].join(" ")
}

/// The organisation's usage report.
pub(crate) async fn usage(server: &TestServer, org: &str) -> Value {
    server
        .admin()
        .get(&format!("/organizations/{org}/usage"))
        .await
        .unwrap()
        .expect(200)
        .unwrap()
        .json()
}

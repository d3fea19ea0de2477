//! What an operator does: start, stop, migrate, back up, restore, ask the doctor.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use voxgate_testing::{Options, TestServer};

use crate::world::{Database, make_org, usage};

fn output(server: &TestServer, arguments: &[&str]) -> (bool, String, String) {
    let output = server.run(arguments).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn json_of(server: &TestServer, arguments: &[&str]) -> Value {
    let (ok, out, err) = output(server, &[arguments, &["--json"]].concat());
    assert!(ok, "{arguments:?}: {out} {err}");
    serde_json::from_str(&out)
        .unwrap_or_else(|error| panic!("{arguments:?} answered no JSON ({error}): {out}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_start_writes_its_secrets_once_and_stops_when_told() {
    let mut server = TestServer::start(Options::fake()).await.unwrap();
    let file = server.beside("bootstrap.json");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let first = server.bootstrap.clone();
    server
        .anonymous()
        .login(&first.admin_email, &first.admin_password)
        .await
        .unwrap();
    server
        .admin()
        .speak("hello")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    for name in fs::read_dir(server.data_dir()).unwrap().flatten() {
        if name.file_name().to_string_lossy().starts_with("voxgate.db") {
            assert_eq!(
                name.metadata().unwrap().permissions().mode() & 0o077,
                0,
                "{name:?}"
            );
        }
    }
    assert!(server.stop().unwrap().success());
    let before = fs::read_to_string(&file).unwrap();
    server.restart().await.unwrap();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        before,
        "a second start must not change the file"
    );
    server
        .admin()
        .speak("hello again")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
    let shown = server.log().matches(&first.admin_password).count();
    assert!(shown <= 1, "the password was shown {shown} times");
    // A graceful end moves the log into the main file, so that copying one file is enough.
    assert!(server.stop().unwrap().success());
    assert!(!server.data_dir().join("voxgate.db-wal").exists());
}

async fn migrating_twice_changes_nothing(database: Database) {
    let server = TestServer::start(database.options(Options::fake()))
        .await
        .unwrap();
    let report = json_of(&server, &["migrate"]);
    assert_eq!(report["from"], report["to"], "{report}");
    assert!(
        report["to"].as_u64().unwrap() > 0 && report["applied"] == json!([]),
        "{report}"
    );
    let org = make_org(&server, "ops", json!({})).await;
    let orgs = json_of(&server, &["orgs", "list"]);
    assert!(
        orgs.as_array()
            .unwrap()
            .iter()
            .any(|row| row["id"] == json!(org.id)),
        "{orgs}"
    );
    let (healthy, out, err) = output(&server, &["doctor"]);
    assert!(
        out.to_lowercase().contains("database"),
        "{healthy} {out} {err}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_twice_on_sqlite() {
    migrating_twice_changes_nothing(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrating_twice_on_postgres() {
    migrating_twice_changes_nothing(Database::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_under_load_restores_to_a_working_server() {
    let mut server = TestServer::start(Options::fake()).await.unwrap();
    let org = make_org(&server, "backup", json!({"rate_limit_per_minute": 10_000})).await;
    let speaking = {
        let client = org.admin.clone();
        tokio::spawn(async move {
            let mut spoken = 0_u64;
            while client
                .speak("two words")
                .await
                .is_ok_and(|answer| answer.status == 200)
            {
                spoken += 1;
            }
            spoken
        })
    };
    let copy = server.beside("copy.db");
    let copy_path = copy.to_str().unwrap().to_owned();
    while usage(&server, &org.id).await["requests"]["success"]
        .as_u64()
        .unwrap()
        < 5
    {}
    let (ok, out, err) = output(&server, &["backup", &copy_path]);
    assert!(ok, "{out} {err}");
    assert_eq!(
        fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let after_copy = usage(&server, &org.id).await["requests"]["success"]
        .as_u64()
        .unwrap();
    server.kill().unwrap();
    assert!(speaking.await.unwrap() > 0);

    for name in ["voxgate.db", "voxgate.db-wal", "voxgate.db-shm"] {
        let _ = fs::remove_file(server.data_dir().join(name));
    }
    fs::copy(&copy, server.data_dir().join("voxgate.db")).unwrap();
    server.restart().await.unwrap();
    let restored = usage(&server, &org.id).await;
    let success = restored["requests"]["success"].as_u64().unwrap();
    assert!((5..=after_copy).contains(&success), "{restored}");
    assert_eq!(
        (&restored["requests"]["pending"], &restored["words"]),
        (&json!(0), &json!(2 * success))
    );
    // Sessions from before the copy are as good as they were.
    org.admin
        .speak("two words")
        .await
        .unwrap()
        .expect(200)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_configuration_is_told_in_one_sentence() {
    let unknown = TestServer::start(Options::fake().set("limits.daily_wrods", "5"))
        .await
        .unwrap_err();
    let text = format!("{unknown:#}");
    assert!(
        text.contains("daily_wrods") && text.contains("daily_words"),
        "{text}"
    );
    let refused = TestServer::start(Options::fake().database("postgres://nobody@127.0.0.1:1/none"))
        .await
        .unwrap_err();
    let text = format!("{refused:#}");
    assert!(
        text.contains("database") && !text.contains("panicked"),
        "{text}"
    );
}

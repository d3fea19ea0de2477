//! What `sslmode` means for a Postgres server with a certificate of its own making.

use voxgate_store::{Db, PostgresOptions, StoreConfig, StoreError, params};
use voxgate_testing::PostgresServer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prefer_encrypts_and_require_also_checks_who_answers() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let server = PostgresServer::start_encrypted(&certificate, &key).unwrap();
    let url = server.create_database().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, &certificate).unwrap();
    let trusting = PostgresOptions {
        ca_file: Some(ca_file),
        ..PostgresOptions::default()
    };
    let encrypted = |db: Db| async move {
        let answer = db
            .read_opt::<(bool,)>(
                "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
                params![],
            )
            .await
            .unwrap();
        answer.unwrap().0
    };

    let plain = Db::open(&StoreConfig::postgres(format!("{url}?sslmode=disable")))
        .await
        .unwrap();
    assert!(!encrypted(plain).await);
    let preferring = Db::open(&StoreConfig::postgres(&url)).await.unwrap();
    assert!(encrypted(preferring).await);

    let require = format!("{url}?sslmode=require");
    let unknown = Db::open(&StoreConfig::postgres(&require))
        .await
        .unwrap_err();
    assert!(
        matches!(&unknown, StoreError::Unavailable(why) if why.to_lowercase().contains("certificate")),
        "{unknown}"
    );
    let checked = Db::open(&StoreConfig::Postgres {
        url: require,
        options: trusting.clone(),
    })
    .await
    .unwrap();
    assert!(encrypted(checked).await);

    let missing = PostgresOptions {
        ca_file: Some(folder.path().join("none.pem")),
        ..trusting
    };
    let refused = Db::open(&StoreConfig::Postgres {
        url: format!("{url}?sslmode=require"),
        options: missing,
    })
    .await;
    assert!(
        matches!(refused.unwrap_err(), StoreError::Unavailable(why) if why.contains("none.pem"))
    );
}

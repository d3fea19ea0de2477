//! Copies made while the server writes, and what the database says of itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use voxgate_store::{Backend, Db, StoreConfig, StoreError, params};

use crate::fixture::{Fixture, add_account};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_while_writing_is_whole_and_opens() {
    let f = Fixture::sqlite().await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (db, stop) = (f.db.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut n = 0_i64;
            while !stop.load(Ordering::Relaxed) {
                db.write::<(), StoreError, _>(move |tx| {
                    Box::pin(async move {
                        for half in 0_i64..2 {
                            tx.exec(
                                "INSERT INTO rounds (number, half) VALUES ($1, $2)",
                                params![n, half],
                            )
                            .await?;
                        }
                        Ok(())
                    })
                })
                .await
                .unwrap();
                n += 1;
            }
            n
        })
    };
    let target = f.beside("copy.db");
    let mut last = 0;
    for _ in 0..5 {
        let before = count(&f.db).await;
        f.db.backup_to(&target).await.unwrap();
        let after = count(&f.db).await;
        let copy = Db::open(&StoreConfig::sqlite(&target)).await.unwrap();
        let copied = count(&copy).await;
        assert!(
            (before..=after).contains(&copied) && copied % 2 == 0,
            "{before} ≤ {copied} ≤ {after}"
        );
        assert!(copied >= last);
        last = copied;
        assert_eq!(
            copy.inspect()
                .await
                .unwrap()
                .problems
                .iter()
                .filter(|p| !p.contains("schema"))
                .count(),
            0
        );
        // The copy is a database like any other: it takes writes.
        add_account(&copy, "x", "x").await.unwrap();
        copy.close().await;
        assert_eq!(
            fs::metadata(&target).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    stop.store(true, Ordering::Relaxed);
    let written = writer.await.unwrap();
    assert_eq!(count(&f.db).await, written * 2);
    let unfinished: Vec<_> = fs::read_dir(target.parent().unwrap())
        .unwrap()
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains("unfinished")
        })
        .collect();
    assert_eq!(unfinished.len(), 0);
}

async fn count(db: &Db) -> i64 {
    db.read_all::<(i64,)>("SELECT COUNT(*) FROM rounds", params![])
        .await
        .unwrap()[0]
        .0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_cannot_be_made_says_why_and_keeps_the_old_one() {
    let f = Fixture::sqlite().await;
    let target = f.beside("copy.db");
    fs::create_dir(&target).unwrap();
    let refused = f.db.backup_to(&target).await;
    assert!(
        matches!(&refused, Err(StoreError::Unavailable(why)) if why.contains("copy.db")),
        "{refused:?}"
    );
    let StoreConfig::Sqlite { path, .. } = f.config() else {
        unreachable!()
    };
    let itself = f.db.backup_to(&path).await;
    assert!(
        matches!(&itself, Err(StoreError::Unavailable(why)) if why.contains("in use")),
        "{itself:?}"
    );
    let missing = f.db.backup_to(f.beside("no/such/folder/copy.db")).await;
    assert!(
        matches!(&missing, Err(StoreError::Unavailable(_))),
        "{missing:?}"
    );
    f.db.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_names_its_own_tool() {
    let f = Fixture::postgres().await;
    let refused = f.db.backup_to(f.beside("copy")).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(why)) if why.contains("pg_dump")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_of_both_databases() {
    for f in [Fixture::sqlite().await, Fixture::postgres().await] {
        add_account(&f.db, "a", "a").await.unwrap();
        let state = f.db.inspect().await.unwrap();
        assert_eq!((state.backend, state.schema_version), (f.db.backend(), 1));
        assert!(
            state.data_bytes + state.log_bytes > 4096 && !state.server_version.is_empty(),
            "{state:?}"
        );
        assert_eq!(state.log_bytes > 0, state.backend == Backend::Sqlite);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_found_and_told() {
    let f = Fixture::sqlite().await;
    for n in 0..400 {
        add_account(
            &f.db,
            &format!("account number {n}"),
            &format!("address{n}@example.org"),
        )
        .await
        .unwrap();
    }
    f.db.close().await;
    let StoreConfig::Sqlite { path, .. } = f.config() else {
        unreachable!()
    };
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    let db = f.reopen().await;
    let found = match db.inspect().await {
        Ok(state) => state.problems.len(),
        Err(StoreError::Corrupt(_)) => 1,
        Err(other) => panic!("{other}"),
    };
    assert!(found > 0);

    fs::write(
        &path,
        b"this is not a database, and long enough to be read as a header of one".repeat(20),
    )
    .unwrap();
    let opened = Db::open(&f.config()).await;
    assert!(
        matches!(&opened, Err(StoreError::Corrupt(why)) if why.contains("test.db")),
        "{opened:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_opened_says_why() {
    let missing = Db::open(&StoreConfig::sqlite("/no/such/folder/voxgate.db"))
        .await
        .unwrap_err();
    assert!(missing.to_string().contains("/no/such/folder"), "{missing}");
    let port = voxgate_testing::free_port().unwrap();
    let secret = format!("postgres://u:geheim@127.0.0.1:{port}/db");
    let config = StoreConfig::postgres(&secret);
    assert!(!format!("{config:?}").contains("geheim"));
    let refused = Db::open(&config).await.unwrap_err();
    assert!(
        matches!(&refused, StoreError::Unavailable(why) if !why.contains("geheim")),
        "{refused}"
    );
    let nonsense = Db::open(&StoreConfig::postgres("postgres://u:geheim@127.0.0.1:x/db"))
        .await
        .unwrap_err();
    assert!(
        matches!(&nonsense, StoreError::Corrupt(why) if !why.contains("geheim")),
        "{nonsense}"
    );
}

//! Many writers and readers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use voxgate_store::{Db, SqliteOptions, StoreConfig, StoreError, params};

use crate::fixture::{Fixture, add_account};

on_both!(
    no_update_is_lost_among_two_hundred_writers,
    a_limit_read_and_then_used_is_exact,
    readers_see_committed_data_only,
    scans_do_not_hold_up_writers,
);

/// Adds 1 to a balance the careless way: read, then write what was read plus one.
async fn careless_increment(db: &Db) -> Result<i64, StoreError> {
    db.write(|tx| {
        Box::pin(async move {
            let (balance,) = tx
                .read_opt::<(i64,)>("SELECT balance FROM accounts WHERE id = 'a'", params![])
                .await?
                .unwrap();
            tx.exec(
                "UPDATE accounts SET balance = $1 WHERE id = 'a'",
                params![balance + 1],
            )
            .await?;
            Ok(balance + 1)
        })
    })
    .await
}

async fn no_update_is_lost_among_two_hundred_writers(f: Fixture) {
    add_account(&f.db, "a", "a").await.unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let db = f.db.clone();
            tokio::spawn(async move { careless_increment(&db).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap().unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, (1..=200).collect::<Vec<_>>());
    let stored = f
        .reopen()
        .await
        .read_all::<(i64,)>("SELECT balance FROM accounts", params![])
        .await
        .unwrap();
    assert_eq!(stored, [(200,)]);
}

async fn a_limit_read_and_then_used_is_exact(f: Fixture) {
    // The pattern of every quota: count, compare, insert. Under weaker isolation more than the limit get in.
    const LIMIT: i64 = 25;
    add_account(&f.db, "a", "a").await.unwrap();
    let tasks: Vec<_> = (0_i64..120)
        .map(|n| {
            let db = f.db.clone();
            tokio::spawn(async move {
                db.write::<bool, StoreError, _>(move |tx| {
                    Box::pin(async move {
                        let used = tx
                            .read_opt::<(i64,)>(
                                "SELECT COUNT(*) FROM entries WHERE account = $1",
                                params!["a"],
                            )
                            .await?
                            .map_or(0, |(used,)| used);
                        if used >= LIMIT {
                            return Ok(false);
                        }
                        tx.exec(
                            "INSERT INTO entries (account, number) VALUES ($1, $2)",
                            params!["a", n],
                        )
                        .await?;
                        Ok(true)
                    })
                })
                .await
            })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += i64::from(task.await.unwrap().unwrap());
    }
    let stored =
        f.db.read_opt::<(i64,)>("SELECT COUNT(*) FROM entries", params![])
            .await
            .unwrap();
    assert_eq!((admitted, stored), (LIMIT, Some((LIMIT,))));
}

async fn readers_see_committed_data_only(f: Fixture) {
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (db, stop) = (f.db.clone(), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut written = 0_i64;
            while !stop.load(Ordering::Relaxed) {
                let n = written;
                let result = db
                    .write::<(), StoreError, _>(move |tx| {
                        Box::pin(async move {
                            tx.exec(
                                "INSERT INTO rounds (number, half) VALUES ($1, 0)",
                                params![n],
                            )
                            .await?;
                            tx.exec(
                                "INSERT INTO rounds (number, half) VALUES ($1, 1)",
                                params![n],
                            )
                            .await?;
                            // Every third is taken back, after both halves were written.
                            if n % 3 == 0 {
                                Err(StoreError::Busy)
                            } else {
                                Ok(())
                            }
                        })
                    })
                    .await;
                assert_eq!(result.is_ok(), n % 3 != 0, "{result:?}");
                written += 1;
            }
            written
        })
    };
    let mut seen = 0;
    let started = std::time::Instant::now();
    while started.elapsed() < Duration::from_millis(700) {
        let wrong = f
            .db
            .read_all::<(i64, i64)>(
                "SELECT number, COUNT(*) FROM rounds GROUP BY number HAVING COUNT(*) <> 2 OR number % 3 = 0",
                params![],
            )
            .await
            .unwrap();
        assert_eq!(wrong, []);
        let (count,) =
            f.db.read_opt::<(i64,)>("SELECT COUNT(*) FROM rounds", params![])
                .await
                .unwrap()
                .unwrap();
        assert!(count >= seen && count % 2 == 0);
        seen = count;
    }
    stop.store(true, Ordering::Relaxed);
    let written = writer.await.unwrap();
    assert!(
        written > 3 && seen > 0,
        "{written} transactions, {seen} rows seen"
    );
}

async fn scans_do_not_hold_up_writers(f: Fixture) {
    add_account(&f.db, "a", "a").await.unwrap();
    let started = std::time::Instant::now();
    let scans: Vec<_> = (0..3)
        .map(|_| {
            let db = f.db.clone();
            tokio::spawn(async move {
                db.read_all::<(i64,)>(
                    "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 1500000) \
                     SELECT CAST(SUM(i) AS BIGINT) FROM n",
                    params![],
                )
                .await
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begun = std::time::Instant::now();
        careless_increment(&f.db).await.unwrap();
        slowest = slowest.max(begun.elapsed());
    }
    let writes = started.elapsed();
    for scan in scans {
        assert_eq!(scan.await.unwrap().unwrap(), [(1_125_000_750_000,)]);
    }
    let all = started.elapsed();
    assert!(
        writes < all,
        "the writes ({writes:?}) waited for the scans ({all:?}); slowest write {slowest:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_that_writes_makes_the_first_wait_and_then_busy() {
    let f = Fixture::sqlite().await;
    let StoreConfig::Sqlite { path, .. } = f.config() else {
        unreachable!()
    };
    let options = SqliteOptions {
        busy_timeout: Duration::from_millis(100),
        ..SqliteOptions::default()
    };
    let hasty = Db::open(&StoreConfig::Sqlite {
        path: path.clone(),
        options,
    })
    .await
    .unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(add_account(&hasty, "a", "a").await, Err(StoreError::Busy));
    // A patient one waits and gets its turn.
    let patient = tokio::spawn({
        let db = f.db.clone();
        async move { add_account(&db, "b", "b").await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    other.execute_batch("COMMIT").unwrap();
    patient.await.unwrap().unwrap();
    add_account(&hasty, "a", "a").await.unwrap();
}

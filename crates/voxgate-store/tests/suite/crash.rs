//! Kill -9 in a loop: a child process writes and notes each acknowledged transaction; it is killed at a random moment, and
//! whatever it had noted must be there, no transaction may be there by half, and the file must be sound.

// Figures go to the terminal; the child is told its part by the environment.
#![allow(clippy::print_stderr, clippy::disallowed_methods)]

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use voxgate_store::{Db, StoreConfig, StoreError, params};
use voxgate_testing::{Daemon, PostgresServer, Signal};

use crate::fixture::test_migrations;

/// Where the child finds its database: a path, or a `postgres://` address.
const PLACE: &str = "VOXGATE_CRASH_PLACE";
/// The number of its first transaction.
const FIRST: &str = "VOXGATE_CRASH_FIRST";

/// The test that takes the child's part where [`PLACE`] is set.
const CHILD: &str = "crash::nothing_acknowledged_is_lost_on_sqlite";

/// Transactions under way at once in the child.
const WRITERS: usize = 8;
/// Rows of one transaction.
const HALVES: i64 = 4;
/// Numbers that a round may use.
const ROUND: i64 = 1_000_000;

fn config(place: &str) -> StoreConfig {
    if place.starts_with("postgres:") {
        StoreConfig::postgres(place)
    } else {
        StoreConfig::sqlite(place)
    }
}

async fn write_round(db: &Db, number: i64) -> Result<(), StoreError> {
    db.write(move |tx| {
        Box::pin(async move {
            for half in 0..HALVES {
                tx.exec(
                    "INSERT INTO rounds (number, half) VALUES ($1, $2)",
                    params![number, half],
                )
                .await?;
            }
            Ok(())
        })
    })
    .await
}

/// The child's part: writes until it is killed or its server is gone.
async fn write_and_note(place: &str) {
    let next = Arc::new(AtomicI64::new(
        std::env::var(FIRST).unwrap().parse().unwrap(),
    ));
    let Ok(db) = Db::open(&config(place)).await else {
        return;
    };
    db.apply_migrations(test_migrations()).await.unwrap();
    let writers = (0..WRITERS).map(|_| {
        let (db, next) = (db.clone(), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                match write_round(&db, number).await {
                    Ok(()) => {
                        let mut out = std::io::stdout().lock();
                        writeln!(out, "stored {number}")
                            .and_then(|()| out.flush())
                            .unwrap();
                    }
                    // The server was taken away; there is nothing more to do.
                    Err(StoreError::Unavailable(_)) => return,
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// Starts the child, with its notes in a file.
fn start_child(place: &str, first: i64, notes: &Path) -> Daemon {
    let mut command = Daemon::command(&std::env::current_exe().unwrap(), Signal::KILL);
    command
        .args([CHILD, "--exact", "--nocapture"])
        .env(PLACE, place)
        .env(FIRST, first.to_string())
        .stdin(Stdio::null())
        .stdout(fs::File::create(notes).unwrap())
        .stderr(fs::File::create(notes.with_extension("errors")).unwrap());
    Daemon::spawn("crash child", command, Signal::KILL).unwrap()
}

/// The numbers that were noted. The last line may be cut: it counts only with its end.
fn noted(notes: &Path) -> HashSet<i64> {
    let text = fs::read_to_string(notes).unwrap();
    text.split_inclusive('\n')
        .filter_map(|line| {
            line.strip_suffix('\n')?
                .split("stored ")
                .nth(1)?
                .parse()
                .ok()
        })
        .collect()
}

/// Lets the child work for a random while. In two rounds of three that begins with its first note; in the others it may hit
/// the opening and the migration.
fn random_moment(notes: &Path, round: i64) {
    if round % 3 != 0 {
        let patience = Instant::now();
        while noted(notes).is_empty() {
            assert!(
                patience.elapsed() < Duration::from_secs(60),
                "the child did not begin"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    std::thread::sleep(Duration::from_millis(rand::random_range(0..120)));
}

/// Compares what is stored with what was noted.
async fn check(place: &str, acknowledged: &HashSet<i64>, round: i64) -> i64 {
    let db = Db::open(&config(place)).await.unwrap();
    db.apply_migrations(test_migrations()).await.unwrap();
    let stored = db
        .read_all::<(i64, i64)>(
            "SELECT number, COUNT(*) FROM rounds GROUP BY number",
            params![],
        )
        .await
        .unwrap();
    let halves: Vec<_> = stored.iter().filter(|(_, rows)| *rows != HALVES).collect();
    assert!(
        halves.is_empty(),
        "round {round}: half transactions {halves:?}"
    );
    let there: HashSet<i64> = stored.iter().map(|(number, _)| *number).collect();
    let lost: Vec<_> = acknowledged.difference(&there).collect();
    assert!(
        lost.is_empty(),
        "round {round}: acknowledged and lost: {lost:?}"
    );
    let problems: Vec<_> = db
        .inspect()
        .await
        .unwrap()
        .problems
        .into_iter()
        .filter(|problem| !problem.contains("schema"))
        .collect();
    assert!(problems.is_empty(), "round {round}: {problems:?}");
    db.close().await;
    i64::try_from(there.len()).unwrap()
}

async fn kill_the_client(name: &str, place: &str, rounds: i64) {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes");
    let mut acknowledged = HashSet::new();
    let begun = Instant::now();
    let mut stored = 0;
    for round in 0..rounds {
        let mut child = start_child(place, round * ROUND, &notes);
        random_moment(&notes, round);
        child.signal(Signal::KILL).unwrap();
        child.wait(Duration::from_secs(10)).unwrap();
        acknowledged.extend(noted(&notes));
        stored = check(place, &acknowledged, round).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss)]
    let rate = rounds as f64 / seconds;
    eprintln!(
        "{name}: {rounds} kills ({rate:.1}/s), {} transactions acknowledged, {stored} stored, 0 lost, 0 halves",
        acknowledged.len()
    );
    assert!(!acknowledged.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_sqlite() {
    if let Ok(place) = std::env::var(PLACE) {
        return write_and_note(&place).await;
    }
    let folder = tempfile::tempdir().unwrap();
    kill_the_client(
        "sqlite",
        folder.path().join("crash.db").to_str().unwrap(),
        30,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_on_postgres() {
    let mut server = PostgresServer::start().unwrap();
    let place = server.create_database().await.unwrap();
    kill_the_client("postgres client", &place, 25).await;

    // Now the server itself goes down without a checkpoint, under a client that lives on.
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes");
    let mut acknowledged = HashSet::new();
    for round in 100..105 {
        let mut child = start_child(&place, round * ROUND, &notes);
        random_moment(&notes, round);
        server.crash().unwrap();
        // Its writers are told and end; one that was opening just then ends too.
        child.wait(Duration::from_secs(40)).unwrap();
        server.restart().unwrap();
        acknowledged.extend(noted(&notes));
        check(&place, &acknowledged, round).await;
    }
    eprintln!(
        "postgres server: 5 crashes, {} transactions acknowledged, 0 lost, 0 halves",
        acknowledged.len()
    );
    assert!(!acknowledged.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_database_works_again_after_its_server_restarted() {
    let mut server = PostgresServer::start().unwrap();
    let db = Db::open(&StoreConfig::postgres(
        server.create_database().await.unwrap(),
    ))
    .await
    .unwrap();
    db.apply_migrations(test_migrations()).await.unwrap();
    write_round(&db, 1).await.unwrap();
    server.crash().unwrap();
    let down = write_round(&db, 2).await;
    assert!(matches!(down, Err(StoreError::Unavailable(_))), "{down:?}");
    server.restart().unwrap();
    write_round(&db, 3).await.unwrap();
    let numbers = db
        .read_all::<(i64,)>("SELECT DISTINCT number FROM rounds ORDER BY 1", params![])
        .await
        .unwrap();
    assert_eq!(numbers, [(1,), (3,)]);
}

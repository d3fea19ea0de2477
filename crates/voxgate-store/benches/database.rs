//! What a point read and a durable insert cost. `cargo bench -p voxgate-store`; the comparison of drivers that led to the
//! design is in ARCHITECTURE.md.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicI64, Ordering};

use divan::counter::ItemsCount;
use divan::{Bencher, main as run};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use voxgate_store::{Db, Durability, Migration, SqliteOptions, StoreConfig, StoreError, params};
use voxgate_testing::TestDatabase;

fn main() {
    run();
}

const ROWS: i64 = 20_000;

struct Bench {
    runtime: Runtime,
    db: Db,
    next: AtomicI64,
    _file: Option<TempDir>,
    _server: Option<TestDatabase>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    SqliteFull,
    SqliteNormal,
    Postgres,
}

const KINDS: [Kind; 3] = [Kind::SqliteFull, Kind::SqliteNormal, Kind::Postgres];

impl Bench {
    fn new(kind: Kind) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let sqlite = |durability| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("bench.db");
            let options = SqliteOptions {
                durability,
                ..SqliteOptions::default()
            };
            (StoreConfig::Sqlite { path, options }, Some(folder), None)
        };
        let (config, file, server) = match kind {
            Kind::SqliteFull => sqlite(Durability::Full),
            Kind::SqliteNormal => sqlite(Durability::Normal),
            Kind::Postgres => {
                let database = runtime.block_on(TestDatabase::create()).unwrap();
                (StoreConfig::postgres(&database.url), None, Some(database))
            }
        };
        let db = runtime.block_on(async {
            let db = Db::open(&config).await.unwrap();
            let schema = Migration {
                version: 1,
                name: "keys".into(),
                sql: "CREATE TABLE keys (id BIGINT NOT NULL PRIMARY KEY, org TEXT NOT NULL, name TEXT NOT NULL)".into(),
            };
            db.apply_migrations(vec![schema]).await.unwrap();
            db.write::<(), StoreError, _>(|tx| {
                Box::pin(async move {
                    for id in 0..ROWS {
                        tx.exec("INSERT INTO keys (id, org, name) VALUES ($1, $2, 'a key')", params![id, "org"]).await?;
                    }
                    Ok(())
                })
            })
            .await
            .unwrap();
            db
        });
        Self {
            runtime,
            db,
            next: AtomicI64::new(ROWS),
            _file: file,
            _server: server,
        }
    }

    /// Runs `count` operations, `parallel` at once.
    fn run(&self, parallel: i64, count: i64, operation: impl Fn(Db, i64) -> Operation) {
        self.runtime.block_on(async {
            let tasks: Vec<_> = (0..parallel)
                .map(|_| {
                    let each = count / parallel;
                    let first = self.next.fetch_add(each, Ordering::Relaxed);
                    tokio::spawn(operation(self.db.clone(), first).repeat(each))
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

enum Operation {
    Read(Db, i64),
    Insert(Db, i64),
}

impl Operation {
    async fn repeat(self, times: i64) {
        for n in 0..times {
            match &self {
                Self::Read(db, first) => {
                    let id = (first + n * 7919) % ROWS;
                    let row = db
                        .read_opt::<(String, String)>(
                            "SELECT org, name FROM keys WHERE id = $1",
                            params![id],
                        )
                        .await
                        .unwrap();
                    assert!(row.is_some());
                }
                Self::Insert(db, first) => {
                    let id = first + n;
                    db.write::<u64, StoreError, _>(move |tx| {
                        Box::pin(tx.exec(
                            "INSERT INTO keys (id, org, name) VALUES ($1, $2, 'new')",
                            params![id, "org"],
                        ))
                    })
                    .await
                    .unwrap();
                }
            }
        }
    }
}

#[divan::bench(args = KINDS, sample_count = 20, sample_size = 1)]
fn point_read_16_tasks(bencher: Bencher<'_, '_>, kind: Kind) {
    let bench = Bench::new(kind);
    bencher
        .counter(ItemsCount::new(1600_u32))
        .bench_local(|| bench.run(16, 1600, Operation::Read));
}

#[divan::bench(args = KINDS, sample_count = 20, sample_size = 1)]
fn insert_1_task(bencher: Bencher<'_, '_>, kind: Kind) {
    let bench = Bench::new(kind);
    bencher
        .counter(ItemsCount::new(50_u32))
        .bench_local(|| bench.run(1, 50, Operation::Insert));
}

#[divan::bench(args = KINDS, sample_count = 20, sample_size = 1)]
fn insert_64_tasks(bencher: Bencher<'_, '_>, kind: Kind) {
    let bench = Bench::new(kind);
    bencher
        .counter(ItemsCount::new(1280_u32))
        .bench_local(|| bench.run(64, 1280, Operation::Insert));
}

//! The handle that the rest of the product holds: opening, reading, writing. Owns nothing of either database; it only
//! chooses between them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::postgres::PostgresStore;
use crate::sqlite::{self, SqliteStore};
use crate::transaction::{Transaction, Work};
use crate::tx::Tx;
use crate::value::{FromRow, Rows, Value};

/// Which database is behind a [`Db`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// One file on this machine.
    Sqlite,
    /// A Postgres server.
    Postgres,
}

impl Backend {
    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// An open database; cheap to clone.
///
/// SQLite: one thread writes and commits what is queued together; reads run beside it. Postgres: a pool of connections.
/// When the last clone is gone, what was queued is finished and the connections close; [`Db::close`] waits for that.
#[derive(Clone, Debug)]
pub struct Db {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) enum Inner {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Db {
    /// Opens the database; makes the SQLite file (readable by its owner only) where there is none. Runs no migration.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the file or the server cannot be reached, [`StoreError::Corrupt`] where the file is
    /// not a database or the URL makes no sense.
    pub async fn open(config: &StoreConfig) -> Result<Self, StoreError> {
        let inner = match config {
            StoreConfig::Sqlite { path, options } => {
                Inner::Sqlite(SqliteStore::open(path.clone(), options.clone()).await?)
            }
            StoreConfig::Postgres { url, options } => {
                Inner::Postgres(PostgresStore::open(url, options.clone()).await?)
            }
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Which database this is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match &*self.inner {
            Inner::Sqlite(_) => Backend::Sqlite,
            Inner::Postgres(_) => Backend::Postgres,
        }
    }

    /// Reads the first row by primary key or unique index; committed data only.
    ///
    /// On SQLite it runs in place (about 5 µs): only for statements that find their row through an index. Scans, sums and
    /// lists belong to [`Db::read_all`].
    ///
    /// # Errors
    /// Any [`StoreError`] but conflict.
    ///
    /// # Cancel safety
    /// Dropping it loses only the answer.
    pub async fn read_opt<T: FromRow>(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        let mut first = None;
        self.read("read_opt", sql, params, &mut first).await?;
        Ok(first)
    }

    /// Reads all rows of the answer; committed data only. On SQLite it runs on a thread of its own, so it may be long;
    /// the statement bounds the number of rows (`LIMIT`).
    ///
    /// # Errors
    /// Any [`StoreError`] but conflict.
    ///
    /// # Cancel safety
    /// Dropping it loses only the answer; a scan that began runs to its end.
    pub async fn read_all<T: FromRow>(
        &self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        let Inner::Sqlite(store) = &*self.inner else {
            self.read("read_all", sql, params, &mut rows).await?;
            return Ok(rows);
        };
        let started = Instant::now();
        let scan = store.scan(move |connection| {
            sqlite::query::run(connection, sql, &params, &mut rows).map(|_| rows)
        });
        let result = scan.await;
        log_read("read_all", sql, started, result.as_ref().err());
        result
    }

    /// Reads in place on SQLite. Boxed, so that it is compiled once and not with every caller.
    fn read<'a>(
        &'a self,
        operation: &'static str,
        sql: &'static str,
        params: Vec<Value>,
        rows: &'a mut dyn Rows,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let started = Instant::now();
            let result = match &*self.inner {
                Inner::Sqlite(store) => store.read(sql, &params, rows),
                Inner::Postgres(store) => store.read(sql, &params, rows).await,
            };
            log_read(operation, sql, started, result.as_ref().err());
            result
        })
    }

    /// Runs `work` as one transaction and answers once it is committed.
    ///
    /// Transactions appear to run one after the other on both databases (SQLite has one writer; Postgres runs them
    /// `SERIALIZABLE` and tries again where two collide, hence `Fn`). `work` may await nothing but the methods of [`Tx`]:
    /// no network, no channel, no timer. An `Err` rolls back this transaction and no other. A panic in `work` rolls back
    /// and comes out of this call.
    ///
    /// # Errors
    /// What `work` answers, or a [`StoreError`] as `E`. After `Conflict`, `Busy` and `Corrupt` nothing is stored; after
    /// `Unavailable` at a commit whose answer was lost, the change may be stored.
    ///
    /// # Cancel safety
    /// Dropped before its turn, nothing happens; dropped later, the transaction may or may not be stored, but never half.
    pub async fn write<R, E, F>(&self, work: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx<'_>) -> BoxFuture<'t, Result<R, E>> + Send + Sync + 'static,
    {
        Work::<R, E, F>::result(self.transact(Work::boxed(work)).await?)
    }

    /// Runs a transaction and gives it back with its result; the error is of one that never ran.
    fn transact(
        &self,
        mut transaction: Box<dyn Transaction>,
    ) -> BoxFuture<'_, Result<Box<dyn Transaction>, StoreError>> {
        Box::pin(async move {
            let started = Instant::now();
            let result = match &*self.inner {
                Inner::Sqlite(store) => store.write(transaction).await,
                Inner::Postgres(store) => {
                    store.write(&mut *transaction).await;
                    Ok(transaction)
                }
            };
            tracing::debug!(
                db.operation = "write",
                db.ok = result
                    .as_ref()
                    .is_ok_and(|transaction| !transaction.has_failed()),
                duration_us = micros(started.elapsed()),
                "transaction finished"
            );
            result
        })
    }

    /// Writes a consistent copy of the SQLite file to `path` while the server works; replaces an older copy there only once
    /// the new one is complete and checked.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] where the copy cannot be written, and on Postgres, whose own tools do this (`pg_dump`);
    /// [`StoreError::Corrupt`] where the copy fails its integrity check.
    pub async fn backup_to(&self, path: impl AsRef<Path>) -> Result<(), StoreError> {
        match &*self.inner {
            Inner::Sqlite(store) => crate::backup::copy(store.path(), path.as_ref()).await,
            Inner::Postgres(_) => Err(StoreError::Unavailable(
                "a Postgres database is saved with its own tools: pg_dump --format=custom --file=FILE DATABASE".to_owned(),
            )),
        }
    }

    /// Asks the database for a sign of life; for readiness checks.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read_opt::<(i64,)>("SELECT CAST(1 AS BIGINT)", Vec::new())
            .await
            .map(|_| ())
    }

    /// Refuses new writes, finishes those that were queued, and closes the connections. Idle once it answers.
    pub async fn close(&self) {
        match &*self.inner {
            Inner::Sqlite(store) => store.close().await,
            Inner::Postgres(store) => store.close(),
        }
    }
}

fn log_read(
    operation: &'static str,
    sql: &'static str,
    started: Instant,
    error: Option<&StoreError>,
) {
    tracing::debug!(
        db.operation = operation,
        db.statement = sql,
        db.error = error.map(tracing::field::display),
        duration_us = micros(started.elapsed()),
        "statement finished"
    );
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

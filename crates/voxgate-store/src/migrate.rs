//! Brings the schema to the state that this program expects. Owns the embedded migrations, their order and their record in
//! `schema_migrations`; their SQL lives in `migrations/{sqlite,postgres}/NNNN_name.sql`, in pairs.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::TransactionBehavior;
use sha2::{Digest, Sha256};

use crate::config::SqliteOptions;
use crate::db::{Backend, Db, Inner};
use crate::error::StoreError;
use crate::postgres::{self, PostgresStore};
use crate::sqlite::errors::translate;
use crate::sqlite::{blocking, open_writer};
use crate::value::{NoRows, Value};

/// How long a process waits for another one that migrates the same database.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// Key of the advisory lock in Postgres; any number that nobody else takes. The letters `voxgate` as bytes.
const ADVISORY_LOCK: i64 = 0x0076_6f78_6761_7465;

const CREATE_RECORD: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (\
    version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, applied_at BIGINT NOT NULL)";
const READ_RECORD: &str = "SELECT version, name, hash FROM schema_migrations ORDER BY version";
const ADD_RECORD: &str =
    "INSERT INTO schema_migrations (version, name, hash, applied_at) VALUES ($1, $2, $3, $4)";

/// One step of the schema.
#[derive(Debug, Clone)]
pub struct Migration {
    /// Its number, counted from 1 without gaps.
    pub version: u32,
    /// What it is about, one word or a few joined by `_`.
    pub name: Cow<'static, str>,
    /// The statements.
    pub sql: Cow<'static, str>,
}

impl Migration {
    /// SHA-256 of the statements, in hexadecimal; tells whether a step was edited after it had been applied.
    #[must_use]
    pub fn hash(&self) -> String {
        Sha256::digest(self.sql.as_bytes())
            .iter()
            .fold(String::new(), |mut hex, byte| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{byte:02x}");
                hex
            })
    }
}

struct Pair {
    version: u32,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// Listed by the build script from the two folders.
static EMBEDDED: &[Pair] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The migrations that this program was built with, in order.
#[must_use]
pub fn embedded(backend: Backend) -> Vec<Migration> {
    EMBEDDED
        .iter()
        .map(|pair| Migration {
            version: pair.version,
            name: pair.name.into(),
            sql: match backend {
                Backend::Sqlite => pair.sqlite,
                Backend::Postgres => pair.postgres,
            }
            .into(),
        })
        .collect()
}

/// What [`Db::migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationReport {
    /// The version found; 0 for an empty database.
    pub from: u32,
    /// The version now.
    pub to: u32,
    /// Each step that was applied: version, name, time it took.
    pub applied: Vec<(u32, String, Duration)>,
}

/// A line of the record.
type Applied = (u32, String, String);

impl Db {
    /// Applies the missing migrations, all or none, while other processes that try the same wait.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where an applied migration was changed afterwards or the database was written by a newer
    /// release; [`StoreError::Busy`] where another process holds the lock for longer than a minute.
    pub async fn migrate(&self) -> Result<MigrationReport, StoreError> {
        self.apply_migrations(embedded(self.backend())).await
    }

    /// As [`Db::migrate`], with other migrations than the embedded ones: for tests of the mechanism and of upgrades.
    ///
    /// # Errors
    /// As [`Db::migrate`].
    pub async fn apply_migrations(
        &self,
        migrations: Vec<Migration>,
    ) -> Result<MigrationReport, StoreError> {
        let report = match &*self.inner {
            Inner::Sqlite(store) => {
                let path = store.path().to_owned();
                blocking(move || migrate_sqlite(path, &migrations)).await?
            }
            Inner::Postgres(store) => migrate_postgres(store, &migrations).await?,
        };
        for (version, name, took) in &report.applied {
            tracing::info!(
                schema.version = version,
                schema.name = name,
                duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "migration applied"
            );
        }
        Ok(report)
    }

    /// The version of the schema; 0 for an empty database.
    ///
    /// # Errors
    /// Any [`StoreError`] but conflict.
    pub async fn schema_version(&self) -> Result<u32, StoreError> {
        let exists = match self.backend() {
            Backend::Sqlite => {
                "SELECT COUNT(*) FROM sqlite_schema WHERE name = 'schema_migrations'"
            }
            Backend::Postgres => {
                "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('schema_migrations')"
            }
        };
        let Some((1_i64,)) = self.read_opt(exists, Vec::new()).await? else {
            return Ok(0);
        };
        let version = self
            .read_opt::<(Option<u32>,)>("SELECT MAX(version) FROM schema_migrations", Vec::new())
            .await?;
        Ok(version.and_then(|(version,)| version).unwrap_or(0))
    }
}

/// Compares the record with what this program knows; answers the steps that are missing.
fn missing<'m>(applied: &[Applied], known: &'m [Migration]) -> Result<&'m [Migration], StoreError> {
    for (version, name, hash) in applied {
        let Some(migration) = known.iter().find(|migration| migration.version == *version) else {
            return Err(StoreError::Corrupt(format!(
                "it was written by a newer release: it has schema version {version} ({name}), this program knows \
                 versions up to {}; start the newer release, or restore a backup made by this one",
                known.last().map_or(0, |migration| migration.version)
            )));
        };
        if migration.hash() != *hash {
            return Err(StoreError::Corrupt(format!(
                "migration {version} ({name}) is not the one that was applied to it: this program was built from changed \
                 migration files; use the released program, or restore a backup that belongs to this one"
            )));
        }
    }
    let from = applied
        .iter()
        .map(|(version, ..)| *version)
        .max()
        .unwrap_or(0);
    if usize::try_from(from).ok() != Some(applied.len()) {
        return Err(StoreError::Corrupt(
            "its record of applied migrations has gaps; restore a backup".to_owned(),
        ));
    }
    Ok(known.get(applied.len()..).unwrap_or_default())
}

fn failed(migration: &Migration, error: StoreError) -> StoreError {
    let within = |why: String| {
        format!(
            "migration {} ({}): {why}",
            migration.version, migration.name
        )
    };
    match error {
        StoreError::Corrupt(why) => StoreError::Corrupt(within(why)),
        StoreError::Unavailable(why) => StoreError::Unavailable(within(why)),
        StoreError::Conflict { constraint } => StoreError::Corrupt(within(format!(
            "existing rows violate the constraint {constraint}"
        ))),
        StoreError::Busy => StoreError::Busy,
    }
}

fn report(applied: &[Applied], new: Vec<(u32, String, Duration)>) -> MigrationReport {
    let from = applied.last().map_or(0, |(version, ..)| *version);
    MigrationReport {
        from,
        to: new.last().map_or(from, |(version, ..)| *version),
        applied: new,
    }
}

/// Microseconds since 1970 in UTC; for the record's reader only, nothing depends on it.
#[allow(clippy::disallowed_methods)]
fn now_micros() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn record(migration: &Migration) -> Vec<Value> {
    crate::params![
        migration.version,
        migration.name.as_ref(),
        migration.hash(),
        now_micros()
    ]
}

/// On a connection of its own, in one exclusive transaction.
fn migrate_sqlite(path: PathBuf, known: &[Migration]) -> Result<MigrationReport, StoreError> {
    let options = SqliteOptions {
        busy_timeout: LOCK_PATIENCE,
        ..SqliteOptions::default()
    };
    let mut connection = open_writer(&path, &options)?;
    // A table is changed by building it anew, which references to it must not notice; they are checked at the end.
    connection
        .execute_batch("PRAGMA foreign_keys=OFF")
        .map_err(|error| translate(&connection, &error))?;
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Exclusive) {
        Ok(transaction) => transaction,
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
            return Err(StoreError::Busy);
        }
        Err(error) => return Err(StoreError::Unavailable(error.to_string())),
    };
    transaction
        .execute_batch(CREATE_RECORD)
        .map_err(|error| translate(&transaction, &error))?;
    let mut applied: Vec<Applied> = Vec::new();
    crate::sqlite::query::run(&transaction, READ_RECORD, &[], &mut applied)?;
    let mut new = Vec::new();
    for migration in missing(&applied, known)? {
        let started = Instant::now();
        transaction
            .execute_batch(&migration.sql)
            .map_err(|error| failed(migration, translate(&transaction, &error)))?;
        crate::sqlite::query::run(&transaction, ADD_RECORD, &record(migration), &mut NoRows)?;
        new.push((
            migration.version,
            migration.name.to_string(),
            started.elapsed(),
        ));
    }
    if !new.is_empty() {
        let broken: i64 = transaction
            .query_row("SELECT COUNT(*) FROM pragma_foreign_key_check", [], |row| {
                row.get(0)
            })
            .map_err(|error| translate(&transaction, &error))?;
        if broken > 0 {
            return Err(StoreError::Corrupt(format!(
                "after the migration {broken} references point nowhere"
            )));
        }
    }
    transaction
        .commit()
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(report(&applied, new))
}

/// In one transaction under a lock that ends with it, so that it also holds behind a connection pooler.
async fn migrate_postgres(
    store: &PostgresStore,
    known: &[Migration],
) -> Result<MigrationReport, StoreError> {
    let translate = |error: tokio_postgres::Error| postgres::errors::translate(&error).error;
    let mut connection = store.connection().await?;
    let transaction = connection.transaction().await.map_err(translate)?;
    transaction
        .batch_execute(&format!(
            "SET LOCAL statement_timeout = {}; SELECT pg_advisory_xact_lock({ADVISORY_LOCK}); SET LOCAL statement_timeout = 0",
            LOCK_PATIENCE.as_millis()
        ))
        .await
        .map_err(|error| match error.code() {
            Some(&tokio_postgres::error::SqlState::QUERY_CANCELED) => StoreError::Busy,
            _ => translate(error),
        })?;
    transaction
        .batch_execute(CREATE_RECORD)
        .await
        .map_err(translate)?;
    let mut applied: Vec<Applied> = Vec::new();
    postgres::run(&transaction, READ_RECORD, &[], &mut applied)
        .await
        .map_err(|failure| failure.error)?;
    let mut new = Vec::new();
    for migration in missing(&applied, known)? {
        let started = Instant::now();
        transaction
            .batch_execute(&migration.sql)
            .await
            .map_err(|error| failed(migration, translate(error)))?;
        postgres::run(&transaction, ADD_RECORD, &record(migration), &mut NoRows)
            .await
            .map_err(|failure| failure.error)?;
        new.push((
            migration.version,
            migration.name.to_string(),
            started.elapsed(),
        ));
    }
    transaction.commit().await.map_err(translate)?;
    if !new.is_empty() {
        store.forget_statements();
    }
    Ok(report(&applied, new))
}

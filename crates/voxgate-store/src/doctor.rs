//! What `voxgate doctor` and the tests ask the database about itself: is it whole, how large is it, is a statement valid.

use std::fs;
use std::path::{Path, PathBuf};

use crate::db::{Db, Inner};
use crate::error::StoreError;
use crate::postgres;
use crate::sqlite::errors::translate;
use crate::{Backend, migrate};

/// The state of the database.
#[derive(Debug, Clone)]
pub struct DatabaseReport {
    /// Which database.
    pub backend: Backend,
    /// Its own version, for example `3.51.0` or `15.18`.
    pub server_version: String,
    /// The version of the schema; 0 for an empty database.
    pub schema_version: u32,
    /// The version that this program brings it to.
    pub expected_schema_version: u32,
    /// Size of the data in bytes.
    pub data_bytes: u64,
    /// Size of SQLite's log file in bytes; 0 on Postgres.
    pub log_bytes: u64,
    /// What is wrong, in words; empty when all is well.
    pub problems: Vec<String>,
}

/// The shape of a statement, as the database sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementShape {
    /// How many parameters it wants.
    pub parameters: usize,
    /// The names of its columns.
    pub columns: Vec<String>,
}

impl Db {
    /// Checks the database thoroughly; reads all of it on SQLite, so this takes seconds per gigabyte.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Unavailable`]; damage is in the report and not an error.
    pub async fn inspect(&self) -> Result<DatabaseReport, StoreError> {
        let backend = self.backend();
        let schema_version = self.schema_version().await?;
        let expected = migrate::embedded(backend)
            .last()
            .map_or(0, |migration| migration.version);
        let mut report = match &*self.inner {
            Inner::Sqlite(store) => {
                let path = store.path().to_owned();
                store
                    .scan(move |connection| inspect_sqlite(&path, connection))
                    .await?
            }
            Inner::Postgres(_) => self.inspect_postgres().await?,
        };
        report.schema_version = schema_version;
        report.expected_schema_version = expected;
        if schema_version != expected {
            report.problems.push(format!(
                "the schema has version {schema_version}, this program works with {expected}: run voxgate migrate"
            ));
        }
        Ok(report)
    }

    async fn inspect_postgres(&self) -> Result<DatabaseReport, StoreError> {
        let (server_version, bytes, recovering) = self
            .read_opt::<(String, u64, bool)>(
                "SELECT current_setting('server_version'), pg_database_size(current_database()), pg_is_in_recovery()",
                Vec::new(),
            )
            .await?
            .ok_or_else(|| StoreError::Unavailable("the server did not say what it is".to_owned()))?;
        let mut problems = Vec::new();
        if recovering {
            problems
                .push("the server is a read-only replica: give the URL of the primary".to_owned());
        }
        Ok(DatabaseReport {
            backend: Backend::Postgres,
            server_version,
            schema_version: 0,
            expected_schema_version: 0,
            data_bytes: bytes,
            log_bytes: 0,
            problems,
        })
    }

    /// Lets the database parse a statement against the schema without running it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with the database's words where it is not valid, or where a parameter or a column has a type
    /// that rows cannot hold (on Postgres a sum of BIGINT is NUMERIC and needs a `CAST`).
    pub async fn describe(&self, sql: &'static str) -> Result<StatementShape, StoreError> {
        match &*self.inner {
            Inner::Sqlite(store) => {
                store
                    .scan(move |connection| {
                        let statement = connection
                            .prepare(sql)
                            .map_err(|error| translate(connection, &error))?;
                        Ok(StatementShape {
                            parameters: statement.parameter_count(),
                            columns: statement.column_names().map(ToOwned::to_owned).collect(),
                        })
                    })
                    .await
            }
            Inner::Postgres(store) => postgres::describe(store, sql).await,
        }
    }
}

fn inspect_sqlite(
    path: &Path,
    connection: &rusqlite::Connection,
) -> Result<DatabaseReport, StoreError> {
    let mut problems = Vec::new();
    {
        let failed = |error: rusqlite::Error| translate(connection, &error);
        let mut check = connection
            .prepare("PRAGMA integrity_check(20)")
            .map_err(failed)?;
        let mut rows = check.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let line: String = row.get(0).map_err(failed)?;
            if line != "ok" {
                problems.push(line);
            }
        }
        let mut check = connection
            .prepare(
                "SELECT \"table\", parent, COUNT(*) FROM pragma_foreign_key_check GROUP BY 1, 2",
            )
            .map_err(failed)?;
        let mut rows = check.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let (table, parent, count): (String, String, i64) = row.try_into().map_err(failed)?;
            problems.push(format!(
                "{count} rows of {table} refer to rows of {parent} that do not exist"
            ));
        }
    }
    let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    Ok(DatabaseReport {
        backend: Backend::Sqlite,
        server_version: rusqlite::version().to_owned(),
        schema_version: 0,
        expected_schema_version: 0,
        data_bytes: size(path),
        log_bytes: size(&PathBuf::from(log)),
        problems,
    })
}

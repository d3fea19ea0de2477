//! One transaction, as a unit of work sees it. Owns the statements inside it and the rule that a failed statement ends it;
//! beginning, committing and retrying belong to each database.

use std::fmt;

use futures_util::future::BoxFuture;

use crate::error::StoreError;
use crate::value::{FromRow, NoRows, Rows, Value};
use crate::{postgres, sqlite};

/// A transaction in progress, lent to the closure of [`crate::Db::write`].
///
/// A statement that fails ends the transaction: the later ones answer the same error, and nothing is stored even where the
/// closure returns `Ok` (Postgres works so; SQLite is held to it). Where a conflict is expected, write `ON CONFLICT`.
pub struct Tx<'c> {
    connection: TxConnection<'c>,
    failed: Option<StoreError>,
    again: bool,
}

enum TxConnection<'c> {
    Sqlite(&'c mut rusqlite::Connection),
    Postgres(&'c deadpool_postgres::Transaction<'c>),
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx")
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl<'c> Tx<'c> {
    pub(crate) fn sqlite(connection: &'c mut rusqlite::Connection) -> Self {
        Self {
            connection: TxConnection::Sqlite(connection),
            failed: None,
            again: false,
        }
    }

    pub(crate) fn postgres(transaction: &'c deadpool_postgres::Transaction<'c>) -> Self {
        Self {
            connection: TxConnection::Postgres(transaction),
            failed: None,
            again: false,
        }
    }

    /// The error that ended the transaction, and whether the same work may succeed in a new one.
    pub(crate) fn into_failure(self) -> Option<(StoreError, bool)> {
        self.failed.map(|error| (error, self.again))
    }

    fn note<T>(&mut self, result: Result<T, postgres::Failure>) -> Result<T, StoreError> {
        result.map_err(|failure| {
            self.again |= failure.again;
            self.failed = Some(failure.error.clone());
            failure.error
        })
    }

    /// Runs a statement to its end, giving its rows to `rows`; answers how many rows it changed. Boxed, so that it is compiled
    /// once and not with every caller.
    fn run<'a>(
        &'a mut self,
        sql: &'static str,
        params: Vec<Value>,
        rows: &'a mut dyn Rows,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            let result = match &mut self.connection {
                TxConnection::Sqlite(connection) => {
                    sqlite::query::run(connection, sql, &params, rows).map_err(Into::into)
                }
                TxConnection::Postgres(transaction) => {
                    postgres::run(*transaction, sql, &params, rows).await
                }
            };
            self.note(result)
        })
    }

    /// Runs a statement and answers how many rows it changed.
    ///
    /// # Errors
    /// Any [`StoreError`]; the transaction is over then.
    pub async fn exec(&mut self, sql: &'static str, params: Vec<Value>) -> Result<u64, StoreError> {
        self.run(sql, params, &mut NoRows).await
    }

    /// Reads the first row of the answer, seeing this transaction's own changes. Also for `INSERT … RETURNING`.
    ///
    /// # Errors
    /// Any [`StoreError`]; the transaction is over then.
    pub async fn read_opt<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Option<T>, StoreError> {
        let mut first = None;
        self.run(sql, params, &mut first).await?;
        Ok(first)
    }

    /// Reads all rows of the answer, seeing this transaction's own changes.
    ///
    /// # Errors
    /// Any [`StoreError`]; the transaction is over then.
    pub async fn read_all<T: FromRow>(
        &mut self,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<T>, StoreError> {
        let mut rows = Vec::new();
        self.run(sql, params, &mut rows).await?;
        Ok(rows)
    }
}

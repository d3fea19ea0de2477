//! One transaction, as a unit of work sees it. Owns the statements inside it and the rule that a failed statement ends it;
//! beginning, committing and retrying belong to each database.

use std::fmt;

use crate::error::StoreError;
use crate::value::{FromRow, Value};
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

    /// Runs a statement and answers how many rows it changed.
    ///
    /// # Errors
    /// Any [`StoreError`]; the transaction is over then.
    pub async fn exec(&mut self, sql: &'static str, params: Vec<Value>) -> Result<u64, StoreError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = match &mut self.connection {
            TxConnection::Sqlite(connection) => {
                sqlite::query::exec(connection, sql, &params).map_err(Into::into)
            }
            TxConnection::Postgres(transaction) => postgres::exec(*transaction, sql, &params).await,
        };
        self.note(result)
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
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = match &mut self.connection {
            TxConnection::Sqlite(connection) => {
                sqlite::query::read_opt(connection, sql, &params).map_err(Into::into)
            }
            TxConnection::Postgres(transaction) => {
                postgres::read_opt(*transaction, sql, &params).await
            }
        };
        self.note(result)
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
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = match &mut self.connection {
            TxConnection::Sqlite(connection) => {
                sqlite::query::read_all(connection, sql, &params).map_err(Into::into)
            }
            TxConnection::Postgres(transaction) => {
                postgres::read_all(*transaction, sql, &params).await
            }
        };
        self.note(result)
    }
}

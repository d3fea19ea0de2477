//! What Postgres' errors mean to us.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::error::StoreError;

/// A failed statement, and whether the same work may succeed in a new transaction (on another connection).
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: StoreError,
    pub(crate) again: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self {
            error,
            again: false,
        }
    }
}

/// Turns a driver error into ours.
pub(crate) fn translate(error: &Error) -> Failure {
    let Some(db) = error.as_db_error() else {
        // The cause says more than "error communicating with the server".
        let cause = error
            .source()
            .map_or_else(String::new, |cause| format!(": {cause}"));
        let lost = error.is_closed()
            || error
                .source()
                .is_some_and(|cause| cause.is::<std::io::Error>());
        let conversion = error.to_string().contains("serializing parameter");
        return Failure {
            error: if conversion {
                StoreError::Corrupt(format!("{error}{cause}"))
            } else {
                StoreError::Unavailable(format!("{error}{cause}"))
            },
            again: lost,
        };
    };
    let code = db.code();
    let table = db.table().unwrap_or("unknown");
    let text = || format!("{} ({})", db.message(), code.code());
    let (error, again) = match code {
        code if *code == SqlState::UNIQUE_VIOLATION || *code == SqlState::CHECK_VIOLATION => (
            StoreError::conflict(db.constraint().unwrap_or("unknown")),
            false,
        ),
        code if *code == SqlState::FOREIGN_KEY_VIOLATION => {
            (StoreError::conflict("foreign_key"), false)
        }
        code if *code == SqlState::NOT_NULL_VIOLATION => (
            StoreError::conflict(format!(
                "{table}_{}_not_null",
                db.column().unwrap_or("unknown")
            )),
            false,
        ),
        code if *code == SqlState::T_R_SERIALIZATION_FAILURE
            || *code == SqlState::T_R_DEADLOCK_DETECTED =>
        {
            (StoreError::Busy, true)
        }
        code if *code == SqlState::LOCK_NOT_AVAILABLE
            || *code == SqlState::TOO_MANY_CONNECTIONS =>
        {
            (StoreError::Busy, false)
        }
        code => match &code.code()[..2] {
            // The server closes the connection (restart, administrator): whatever ran there had no effect.
            "57" if *code != SqlState::QUERY_CANCELED => (StoreError::Unavailable(text()), true),
            // Data exception; syntax, unknown table or column; damaged pages.
            "22" | "42" | "XX" => (StoreError::Corrupt(text()), false),
            _ => (StoreError::Unavailable(text()), false),
        },
    };
    Failure { error, again }
}

/// Whether a prepared statement no longer fits the schema.
pub(crate) fn plan_is_stale(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        (*code == SqlState::FEATURE_NOT_SUPPORTED
            && error
                .as_db_error()
                .is_some_and(|db| db.message().contains("cached plan")))
            || *code == SqlState::INVALID_SQL_STATEMENT_NAME
    })
}

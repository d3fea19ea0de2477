//! The four ways in which the database can refuse. Owns the kinds and their meaning; how a driver's error becomes one of
//! them is decided beside each driver.

/// What a caller can learn from a failed database call.
///
/// The texts are for logs and for the operator: they may name tables, files and hosts and are never sent to a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A constraint refused the change; nothing of the transaction was kept.
    ///
    /// The name is the same on both databases: the unique index (`ux_users_email`), `<table>_pkey` for a primary key,
    /// `<table>_<columns>_key` for an inline `UNIQUE`, the `CHECK` constraint's own name, `<table>_<column>_not_null`,
    /// and `foreign_key` for every reference (SQLite does not say which).
    #[error("constraint {constraint} refused the change")]
    Conflict {
        /// Name of the constraint.
        constraint: String,
    },
    /// Too much work at once: the write queue or the pool stayed full, a lock was not granted in time, or concurrent
    /// transactions kept invalidating this one. Nothing was stored; trying again later can succeed.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached or cannot store: connection lost, disk full, permission, read error.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The data or the schema is not what this program expects: damaged file, missing table, wrong type, changed or
    /// unknown migration, or a statement this database does not accept.
    #[error("the database is not what this program expects: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Whether this is the refusal of the constraint with that name.
    #[must_use]
    pub fn is_conflict_on(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }

    /// A refusal by the named constraint.
    pub(crate) fn conflict(constraint: impl Into<String>) -> Self {
        Self::Conflict {
            constraint: constraint.into(),
        }
    }
}

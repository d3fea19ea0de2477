//! Failed logins. A subject is a keyed hash: an account seen from an address, or an address.

use voxgate_domain::Timestamp;

use crate::decode::time;
use crate::{Db, FromRow, Row, StoreError, Tx, params};

/// Reads one.
pub const SELECT: &str =
    "SELECT failures, last_failure_at, blocked_until FROM login_throttle WHERE subject = $1";
/// Writes one.
pub const UPSERT: &str = "INSERT INTO login_throttle (subject, failures, last_failure_at, blocked_until) \
     VALUES ($1, $2, $3, $4) ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, \
     last_failure_at = excluded.last_failure_at, blocked_until = excluded.blocked_until";
/// Forgets one.
pub const DELETE: &str = "DELETE FROM login_throttle WHERE subject = $1";
/// Forgets old ones.
pub const PURGE: &str =
    "DELETE FROM login_throttle WHERE last_failure_at < $1 AND blocked_until < $2";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("throttle::SELECT", SELECT),
    ("throttle::UPSERT", UPSERT),
    ("throttle::DELETE", DELETE),
    ("throttle::PURGE", PURGE),
];

/// What is known about a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many in a row.
    pub failures: u32,
    /// The latest.
    pub last_failure_at: Timestamp,
    /// No attempt is looked at before this.
    pub blocked_until: Timestamp,
}

impl FromRow for Failures {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            failures: row.get(0)?,
            last_failure_at: time(row, 1)?,
            blocked_until: time(row, 2)?,
        })
    }
}

/// Reads a subject.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get(db: &Db, subject: &[u8]) -> Result<Option<Failures>, StoreError> {
    db.read_opt(SELECT, params![subject]).await
}

/// Reads a subject inside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_in(tx: &mut Tx<'_>, subject: &[u8]) -> Result<Option<Failures>, StoreError> {
    tx.read_opt(SELECT, params![subject]).await
}

/// Writes a subject.
///
/// # Errors
/// Any [`StoreError`].
pub async fn put(tx: &mut Tx<'_>, subject: &[u8], failures: &Failures) -> Result<(), StoreError> {
    tx.exec(
        UPSERT,
        params![
            subject,
            failures.failures,
            failures.last_failure_at.as_micros(),
            failures.blocked_until.as_micros(),
        ],
    )
    .await
    .map(|_| ())
}

/// Forgets a subject.
///
/// # Errors
/// Any [`StoreError`].
pub async fn clear(tx: &mut Tx<'_>, subject: &[u8]) -> Result<(), StoreError> {
    tx.exec(DELETE, params![subject]).await.map(|_| ())
}

/// Forgets subjects whose latest failure is before `failed_before` and whose pause was over at `now`.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge(
    tx: &mut Tx<'_>,
    failed_before: Timestamp,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.exec(PURGE, params![failed_before.as_micros(), now.as_micros()])
        .await
}

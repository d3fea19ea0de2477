//! Which processes are alive. One whose sign of life is old is dead, and others settle what it left behind.

use voxgate_domain::Timestamp;

use crate::{Db, StoreError, Tx, params};

/// A process shows that it is alive.
pub const SEEN: &str = "INSERT INTO nodes (id, started_at, seen_at, secrets) VALUES ($1, $2, $2, $3) \
     ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";
/// A process leaves.
pub const GONE: &str = "DELETE FROM nodes WHERE id = $1";
/// Forgets processes that were not seen for long and have nothing left to settle.
pub const PURGE: &str = "DELETE FROM nodes WHERE seen_at < $1";
/// Counts those seen lately. There are few processes, and the dead are purged.
pub const COUNT_ALIVE: &str = "SELECT COUNT(*) FROM nodes WHERE seen_at >= $1";

/// Counts those seen lately that work with other secrets.
pub const COUNT_FOREIGN: &str = "SELECT COUNT(*) FROM nodes WHERE id <> $1 AND seen_at >= $2 AND secrets <> '' AND secrets <> $3";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("nodes::SEEN", SEEN),
    ("nodes::GONE", GONE),
    ("nodes::PURGE", PURGE),
    ("nodes::COUNT_ALIVE", COUNT_ALIVE),
    ("nodes::COUNT_FOREIGN", COUNT_FOREIGN),
];

/// Notes that a process is alive at `now`, and which secrets it works with: a fingerprint, never a secret.
///
/// # Errors
/// Any [`StoreError`].
pub async fn seen(
    tx: &mut Tx<'_>,
    node: &str,
    now: Timestamp,
    secrets: &str,
) -> Result<(), StoreError> {
    tx.exec(SEEN, params![node, now.as_micros(), secrets])
        .await
        .map(|_| ())
}

/// Notes that a process has left and settled everything.
///
/// # Errors
/// Any [`StoreError`].
pub async fn gone(tx: &mut Tx<'_>, node: &str) -> Result<(), StoreError> {
    tx.exec(GONE, params![node]).await.map(|_| ())
}

/// Forgets processes not seen since `before`; answers how many.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(PURGE, params![before.as_micros()]).await
}

/// How many processes gave a sign of life at `seen_after` or later.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn count_alive(db: &Db, seen_after: Timestamp) -> Result<u64, StoreError> {
    let rows: Vec<(u64,)> = db
        .read_all(COUNT_ALIVE, params![seen_after.as_micros()])
        .await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// How many processes besides `node` gave a sign of life at `seen_after` or later and work with other secrets.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn count_foreign(
    db: &Db,
    node: &str,
    seen_after: Timestamp,
    secrets: &str,
) -> Result<u64, StoreError> {
    let rows: Vec<(u64,)> = db
        .read_all(
            COUNT_FOREIGN,
            params![node, seen_after.as_micros(), secrets],
        )
        .await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

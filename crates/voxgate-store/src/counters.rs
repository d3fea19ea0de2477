//! Words counted against the limits of an organisation, one row per window, and which processes are alive.
//!
//! Adding is one statement that decides and counts: of any number of transactions at once, on one process or many, none
//! gets past the limit.

use voxgate_domain::{OrgId, Timestamp};

use crate::decode::count;
use crate::{Db, StoreError, Tx, params};

/// Counts words in a window if they fit; answers nothing where they do not. The first words of a window are checked by
/// the `SELECT`, later ones by the `DO UPDATE`.
pub const ADD: &str = "INSERT INTO usage_counters AS c (organization_id, kind, window_start, words) \
     SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS BIGINT) \
     WHERE CAST($4 AS BIGINT) <= CAST($5 AS BIGINT) \
     ON CONFLICT (organization_id, kind, window_start) DO UPDATE SET words = c.words + excluded.words \
     WHERE c.words + excluded.words <= CAST($5 AS BIGINT) RETURNING words";
/// Gives words back to a window.
pub const SUBTRACT: &str = "UPDATE usage_counters SET words = CASE WHEN words > $4 THEN words - $4 ELSE 0 END \
     WHERE organization_id = $1 AND kind = $2 AND window_start = $3";
/// Reads a window.
pub const SELECT: &str = "SELECT words FROM usage_counters WHERE organization_id = $1 AND kind = $2 AND window_start = $3";
/// Forgets windows of the past.
pub const PURGE: &str = "DELETE FROM usage_counters WHERE kind = $1 AND window_start < $2";
/// A process shows that it is alive.
pub const NODE_SEEN: &str = "INSERT INTO nodes (id, started_at, seen_at) VALUES ($1, $2, $2) \
     ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at";
/// A process leaves.
pub const NODE_GONE: &str = "DELETE FROM nodes WHERE id = $1";
/// Forgets processes that were not seen for long and have nothing left to settle.
pub const NODES_PURGE: &str = "DELETE FROM nodes WHERE seen_at < $1";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("counters::ADD", ADD),
    ("counters::SUBTRACT", SUBTRACT),
    ("counters::SELECT", SELECT),
    ("counters::PURGE", PURGE),
    ("counters::NODE_SEEN", NODE_SEEN),
    ("counters::NODE_GONE", NODE_GONE),
    ("counters::NODES_PURGE", NODES_PURGE),
];

/// A window of an organisation's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// The UTC day that begins at this moment.
    Day(Timestamp),
    /// The UTC calendar month that begins at this moment.
    Month(Timestamp),
}

impl Window {
    fn kind(self) -> &'static str {
        match self {
            Self::Day(_) => "day",
            Self::Month(_) => "month",
        }
    }

    fn start(self) -> i64 {
        match self {
            Self::Day(start) | Self::Month(start) => start.as_micros(),
        }
    }
}

/// Counts `words` in a window if the sum stays within `limit`: answers the new sum, or `None` where it would not.
///
/// # Errors
/// Any [`StoreError`].
pub async fn add(
    tx: &mut Tx<'_>,
    organization: OrgId,
    window: Window,
    words: u64,
    limit: u64,
) -> Result<Option<u64>, StoreError> {
    let row = tx
        .read_opt::<(u64,)>(
            ADD,
            params![
                organization.to_string(),
                window.kind(),
                window.start(),
                count(words),
                count(limit)
            ],
        )
        .await?;
    Ok(row.map(|row| row.0))
}

/// Gives `words` back to a window; never below zero.
///
/// # Errors
/// Any [`StoreError`].
pub async fn subtract(
    tx: &mut Tx<'_>,
    organization: OrgId,
    window: Window,
    words: u64,
) -> Result<(), StoreError> {
    tx.exec(
        SUBTRACT,
        params![
            organization.to_string(),
            window.kind(),
            window.start(),
            count(words)
        ],
    )
    .await
    .map(|_| ())
}

/// Words counted in a window.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get(db: &Db, organization: OrgId, window: Window) -> Result<u64, StoreError> {
    let row = db
        .read_opt::<(u64,)>(
            SELECT,
            params![organization.to_string(), window.kind(), window.start()],
        )
        .await?;
    Ok(row.map_or(0, |row| row.0))
}

/// Words counted in a window, as the transaction sees it.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_in(
    tx: &mut Tx<'_>,
    organization: OrgId,
    window: Window,
) -> Result<u64, StoreError> {
    let row = tx
        .read_opt::<(u64,)>(
            SELECT,
            params![organization.to_string(), window.kind(), window.start()],
        )
        .await?;
    Ok(row.map_or(0, |row| row.0))
}

/// Forgets all windows of the kind that began before the given one.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge_any_org(tx: &mut Tx<'_>, before: Window) -> Result<u64, StoreError> {
    tx.exec(PURGE, params![before.kind(), before.start()]).await
}

/// Notes that a process is alive at `now`.
///
/// # Errors
/// Any [`StoreError`].
pub async fn node_seen(tx: &mut Tx<'_>, node: &str, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(NODE_SEEN, params![node, now.as_micros()])
        .await
        .map(|_| ())
}

/// Notes that a process has left and settled everything.
///
/// # Errors
/// Any [`StoreError`].
pub async fn node_gone(tx: &mut Tx<'_>, node: &str) -> Result<(), StoreError> {
    tx.exec(NODE_GONE, params![node]).await.map(|_| ())
}

/// Forgets processes not seen since `before`.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge_nodes(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(NODES_PURGE, params![before.as_micros()]).await
}

//! Requests that may be sent again: which are under way, and the answers of those that were done.

use voxgate_domain::{OrgId, Timestamp};

use crate::decode::time;
use crate::{Db, FromRow, Row, StoreError, Tx, Value, params};

/// Begins, unless the same key is known and has not ended yet. One that has is taken over.
pub const BEGIN: &str = "INSERT INTO idempotency_keys AS i (organization_id, owner, key_hash, operation, fingerprint, state, \
     node_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, $8) \
     ON CONFLICT (organization_id, owner, key_hash) DO UPDATE SET operation = excluded.operation, \
     fingerprint = excluded.fingerprint, state = 'running', node_id = excluded.node_id, created_at = excluded.created_at, \
     expires_at = excluded.expires_at, answer_meta = NULL, answer_body = NULL WHERE i.expires_at <= $7 RETURNING created_at";
/// Reads one that has not ended.
pub const SELECT: &str = "SELECT operation, fingerprint, node_id, created_at, answer_meta, answer_body FROM idempotency_keys \
     WHERE organization_id = $1 AND owner = $2 AND key_hash = $3 AND expires_at > $4";
/// Keeps the answer.
pub const COMPLETE: &str = "UPDATE idempotency_keys SET state = 'done', answer_meta = $5, answer_body = $6 \
     WHERE organization_id = $1 AND owner = $2 AND key_hash = $3 AND node_id = $4 AND state = 'running'";
/// Forgets one that will have no answer.
pub const ABANDON: &str = "DELETE FROM idempotency_keys \
     WHERE organization_id = $1 AND owner = $2 AND key_hash = $3 AND node_id = $4 AND state = 'running'";
/// Forgets what dead processes, this one's predecessors among them, have left running.
pub const ABANDON_OF_DEAD_NODES_ANY_ORG: &str = "DELETE FROM idempotency_keys WHERE state = 'running' AND node_id <> $1 \
     AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = idempotency_keys.node_id AND nodes.seen_at >= $2)";
/// Forgets what has ended.
pub const PURGE_ANY_ORG: &str = "DELETE FROM idempotency_keys WHERE expires_at <= $1";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("idempotency::BEGIN", BEGIN),
    ("idempotency::SELECT", SELECT),
    ("idempotency::COMPLETE", COMPLETE),
    ("idempotency::ABANDON", ABANDON),
    (
        "idempotency::ABANDON_OF_DEAD_NODES_ANY_ORG",
        ABANDON_OF_DEAD_NODES_ANY_ORG,
    ),
    ("idempotency::PURGE_ANY_ORG", PURGE_ANY_ORG),
];

/// Which request: the organisation, who sent it, and the hash of the text that tells it from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The organisation.
    pub organization_id: OrgId,
    /// The id of the key or of the account.
    pub owner: String,
    /// Hash of the client's idempotency key.
    pub key_hash: Vec<u8>,
}

impl Entry {
    fn params(&self) -> Vec<Value> {
        params![
            self.organization_id.to_string(),
            &self.owner,
            self.key_hash.as_slice()
        ]
    }
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: the caller does the work, then completes or abandons it.
    Started,
    /// It is being worked on.
    Running {
        /// What for.
        operation: String,
        /// Hash of what was asked for.
        fingerprint: Vec<u8>,
        /// The process that works on it.
        node_id: String,
        /// Since when.
        created_at: Timestamp,
    },
    /// It was done.
    Done {
        /// What it was for.
        operation: String,
        /// Hash of what was asked for.
        fingerprint: Vec<u8>,
        /// Status and headers of the answer, as JSON.
        meta: String,
        /// Body of the answer.
        body: Vec<u8>,
    },
}

impl FromRow for Begun {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let (operation, fingerprint) = (row.get(0)?, row.get(1)?);
        Ok(match row.get(4)? {
            Some(meta) => Self::Done {
                operation,
                fingerprint,
                meta,
                body: row.get(5)?,
            },
            None => Self::Running {
                operation,
                fingerprint,
                node_id: row.get(2)?,
                created_at: time(row, 3)?,
            },
        })
    }
}

/// Begins a request, or tells what became of the one that began it before. Of any number of transactions at once exactly one
/// gets [`Begun::Started`].
///
/// # Errors
/// Any [`StoreError`].
pub async fn begin(
    tx: &mut Tx<'_>,
    entry: &Entry,
    operation: &str,
    fingerprint: &[u8],
    node: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Begun, StoreError> {
    let mut bound = entry.params();
    bound.extend(params![
        operation,
        fingerprint,
        node,
        now.as_micros(),
        expires_at.as_micros()
    ]);
    if tx.read_opt::<(i64,)>(BEGIN, bound).await?.is_some() {
        return Ok(Begun::Started);
    }
    let mut bound = entry.params();
    bound.extend(params![now.as_micros()]);
    tx.read_opt(SELECT, bound).await?.ok_or(StoreError::Busy)
}

/// What became of a request; `None` where it was abandoned or has ended. For a twin that waits.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get(db: &Db, entry: &Entry, now: Timestamp) -> Result<Option<Begun>, StoreError> {
    let mut bound = entry.params();
    bound.extend(params![now.as_micros()]);
    db.read_opt(SELECT, bound).await
}

/// Keeps the answer of a request that `node` has begun; answers whether it was still running there.
///
/// # Errors
/// Any [`StoreError`].
pub async fn complete(
    tx: &mut Tx<'_>,
    entry: &Entry,
    node: &str,
    meta: &str,
    body: &[u8],
) -> Result<bool, StoreError> {
    let mut bound = entry.params();
    bound.extend(params![node, meta, body]);
    Ok(tx.exec(COMPLETE, bound).await? == 1)
}

/// Forgets a request that `node` has begun and that will have no answer to keep, so that it can be sent again; answers
/// whether it was still running there.
///
/// # Errors
/// Any [`StoreError`].
pub async fn abandon(tx: &mut Tx<'_>, entry: &Entry, node: &str) -> Result<bool, StoreError> {
    let mut bound = entry.params();
    bound.extend(params![node]);
    Ok(tx.exec(ABANDON, bound).await? == 1)
}

/// Forgets what is running at processes other than `node` that were not seen since `seen_before`; answers how many.
///
/// # Errors
/// Any [`StoreError`].
pub async fn abandon_of_dead_nodes_any_org(
    tx: &mut Tx<'_>,
    node: &str,
    seen_before: Timestamp,
) -> Result<u64, StoreError> {
    tx.exec(
        ABANDON_OF_DEAD_NODES_ANY_ORG,
        params![node, seen_before.as_micros()],
    )
    .await
}

/// Forgets what has ended by `now`; answers how many.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge_any_org(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.exec(PURGE_ANY_ORG, params![now.as_micros()]).await
}

//! API keys and their secrets. A key has one secret, or several while it is being rotated.
//!
//! Rows and what changes them are here; the look-up of every request is in `credential`.

mod credential;
mod rights;

use voxgate_domain::{KeyId, LimitSet, Micros, OrgId, Page, PlanId, Rights, Timestamp, UserId};

use crate::decode::{count, micros, micros_opt, parsed, parsed_opt, time, time_opt};
use crate::limit_rows;
use crate::{Db, FromRow, Row, StoreError, Tx, params};

pub use credential::{
    KeyCredential, MakerKey, STATEMENTS as CREDENTIAL_STATEMENTS, credential_any_org,
    is_revoked_any_org,
};
use rights::{encode_rights, rights};

macro_rules! columns {
    () => {
        "id, organization_id, user_id, created_by_key_id, name, prefix, services, voices, models, networks, tier_id, \
         limits, credit_budget, credits_committed, expires_at, created_at, updated_at, last_used_at, revoked_at"
    };
}

/// Adds a key.
pub const INSERT: &str = concat!(
    "INSERT INTO api_keys (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"
);
/// Replaces everything that can change; a revoked key stays as it was.
pub const UPDATE: &str = "UPDATE api_keys SET name = $3, prefix = $4, services = $5, voices = $6, models = $7, networks = $8, \
     tier_id = $9, limits = $10, credit_budget = $11, expires_at = $12, updated_at = $13 \
     WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
/// Adds a secret to a key that is not revoked.
pub const ADD_SECRET: &str = "INSERT INTO api_key_secrets (key_hash, key_id, created_at) \
     SELECT $3, id, $4 FROM api_keys WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
/// Gives a key's secrets an end, unless they have an earlier one.
pub const EXPIRE_SECRETS: &str = "UPDATE api_key_secrets SET expires_at = $3 WHERE key_id = $2 \
     AND (expires_at IS NULL OR expires_at > $3) \
     AND EXISTS (SELECT 1 FROM api_keys k WHERE k.id = $2 AND k.organization_id = $1)";
/// Lists a key's secrets, newest first.
pub const LIST_SECRETS: &str = "SELECT s.created_at, s.expires_at FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id \
     WHERE k.organization_id = $1 AND k.id = $2 ORDER BY s.created_at DESC LIMIT 100";
/// Forgets secrets that ended long ago; a key keeps its latest.
pub const PURGE_SECRETS_ANY_ORG: &str = "DELETE FROM api_key_secrets WHERE expires_at < $1 \
     AND EXISTS (SELECT 1 FROM api_key_secrets newer WHERE newer.key_id = api_key_secrets.key_id \
     AND newer.created_at > api_key_secrets.created_at)";
/// Reads a key by id.
pub const SELECT_ANY_ORG: &str = concat!("SELECT ", columns!(), " FROM api_keys WHERE id = $1");
/// Reads an organisation's key by id.
pub const SELECT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM api_keys WHERE organization_id = $1 AND id = $2"
);
/// Lists an organisation's, newest first, of one account or of all.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM api_keys WHERE organization_id = $1 AND (CAST($2 AS TEXT) IS NULL OR user_id = $2) \
     ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4"
);
/// Counts an organisation's, of one account or of all.
pub const COUNT: &str = "SELECT COUNT(*) FROM api_keys WHERE organization_id = $1 \
     AND (CAST($2 AS TEXT) IS NULL OR user_id = $2)";
/// Revokes one.
pub const REVOKE: &str = "UPDATE api_keys SET revoked_at = $3, updated_at = $3 \
     WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
/// Notes that one was used.
pub const TOUCH: &str = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("keys::INSERT", INSERT),
    ("keys::UPDATE", UPDATE),
    ("keys::ADD_SECRET", ADD_SECRET),
    ("keys::EXPIRE_SECRETS", EXPIRE_SECRETS),
    ("keys::LIST_SECRETS", LIST_SECRETS),
    ("keys::PURGE_SECRETS_ANY_ORG", PURGE_SECRETS_ANY_ORG),
    ("keys::SELECT_ANY_ORG", SELECT_ANY_ORG),
    ("keys::SELECT", SELECT),
    ("keys::LIST", LIST),
    ("keys::COUNT", COUNT),
    ("keys::REVOKE", REVOKE),
    ("keys::TOUCH", TOUCH),
];

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// The key's id.
    pub id: KeyId,
    /// The organisation it belongs to.
    pub organization_id: OrgId,
    /// The account it acts as.
    pub user_id: UserId,
    /// The key that made it; `None` where a person did.
    pub created_by_key_id: Option<KeyId>,
    /// What its maker calls it.
    pub name: String,
    /// The beginning of the latest secret.
    pub prefix: String,
    /// What it may do.
    pub rights: Rights,
    /// The plan whose limits are the key's.
    pub tier_id: Option<PlanId>,
    /// The key's own limits.
    pub limits: LimitSet,
    /// The most it may spend.
    pub credit_budget: Option<Micros>,
    /// What it has spent and holds at the moment. Written by the ledger alone.
    pub credits_committed: Micros,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl FromRow for KeyRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            organization_id: parsed(row, 1)?,
            user_id: parsed(row, 2)?,
            created_by_key_id: parsed_opt(row, 3)?,
            name: row.get(4)?,
            prefix: row.get(5)?,
            rights: rights(row, 6)?,
            tier_id: parsed_opt(row, 10)?,
            limits: limit_rows::limit_set(row, 11)?,
            credit_budget: micros_opt(row, 12)?,
            credits_committed: micros(row, 13)?,
            expires_at: time_opt(row, 14)?,
            created_at: time(row, 15)?,
            updated_at: time(row, 16)?,
            last_used_at: time_opt(row, 17)?,
            revoked_at: time_opt(row, 18)?,
        })
    }
}

/// One of a key's secrets, without the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretRow {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl FromRow for SecretRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            created_at: time(row, 0)?,
            expires_at: time_opt(row, 1)?,
        })
    }
}

/// Adds a key and its first secret.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert(tx: &mut Tx<'_>, key: &KeyRow, key_hash: &[u8]) -> Result<(), StoreError> {
    let (services, voices, models, networks) = encode_rights(&key.rights);
    tx.exec(
        INSERT,
        params![
            key.id.to_string(),
            key.organization_id.to_string(),
            key.user_id.to_string(),
            key.created_by_key_id.map(|id| id.to_string()),
            &key.name,
            &key.prefix,
            services,
            voices,
            models,
            networks,
            key.tier_id.map(|id| id.to_string()),
            limit_rows::encode(&key.limits),
            key.credit_budget.map(Micros::get),
            key.credits_committed.get(),
            key.expires_at.map(Timestamp::as_micros),
            key.created_at.as_micros(),
            key.updated_at.as_micros(),
            key.last_used_at.map(Timestamp::as_micros),
            key.revoked_at.map(Timestamp::as_micros),
        ],
    )
    .await?;
    add_secret(tx, key.organization_id, key.id, key_hash, key.created_at)
        .await
        .map(|_| ())
}

/// Adds a secret to a key; answers whether there is such a key and it is not revoked. The older secrets are given their end
/// by [`expire_secrets`] before.
///
/// # Errors
/// Any [`StoreError`].
pub async fn add_secret(
    tx: &mut Tx<'_>,
    organization: OrgId,
    key: KeyId,
    key_hash: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let added = tx
        .exec(
            ADD_SECRET,
            params![
                organization.to_string(),
                key.to_string(),
                key_hash,
                now.as_micros()
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Lets all secrets of a key end at `at`, where they do not end earlier; answers how many that changed.
///
/// # Errors
/// Any [`StoreError`].
pub async fn expire_secrets(
    tx: &mut Tx<'_>,
    organization: OrgId,
    key: KeyId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    tx.exec(
        EXPIRE_SECRETS,
        params![organization.to_string(), key.to_string(), at.as_micros()],
    )
    .await
}

/// A key's secrets, newest first.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn secrets(
    db: &Db,
    organization: OrgId,
    key: KeyId,
) -> Result<Vec<SecretRow>, StoreError> {
    db.read_all(
        LIST_SECRETS,
        params![organization.to_string(), key.to_string()],
    )
    .await
}

/// Forgets secrets that ended before `expired_before`, but never the latest of a key; answers how many.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge_secrets_any_org(
    tx: &mut Tx<'_>,
    expired_before: Timestamp,
) -> Result<u64, StoreError> {
    tx.exec(PURGE_SECRETS_ANY_ORG, params![expired_before.as_micros()])
        .await
}

/// Writes everything that can change: name, prefix, rights, tier, limits, budget, end. Answers whether there is such a key and
/// it is not revoked.
///
/// # Errors
/// Any [`StoreError`].
pub async fn update(tx: &mut Tx<'_>, key: &KeyRow) -> Result<bool, StoreError> {
    let (services, voices, models, networks) = encode_rights(&key.rights);
    let changed = tx
        .exec(
            UPDATE,
            params![
                key.organization_id.to_string(),
                key.id.to_string(),
                &key.name,
                &key.prefix,
                services,
                voices,
                models,
                networks,
                key.tier_id.map(|id| id.to_string()),
                limit_rows::encode(&key.limits),
                key.credit_budget.map(Micros::get),
                key.expires_at.map(Timestamp::as_micros),
                key.updated_at.as_micros(),
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Reads an organisation's key by id.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get(db: &Db, organization: OrgId, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
    db.read_opt(SELECT, params![organization.to_string(), id.to_string()])
        .await
}

/// Reads an organisation's key by id inside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_in(
    tx: &mut Tx<'_>,
    organization: OrgId,
    id: KeyId,
) -> Result<Option<KeyRow>, StoreError> {
    tx.read_opt(SELECT, params![organization.to_string(), id.to_string()])
        .await
}

/// Reads a key by id.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_any_org(db: &Db, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
    db.read_opt(SELECT_ANY_ORG, params![id.to_string()]).await
}

/// Reads a key by id inside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_any_org_in(tx: &mut Tx<'_>, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
    tx.read_opt(SELECT_ANY_ORG, params![id.to_string()]).await
}

/// Lists an organisation's keys, newest first, of one account or of all, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list(
    db: &Db,
    organization: OrgId,
    user: Option<UserId>,
    page: Page,
) -> Result<(Vec<KeyRow>, u64), StoreError> {
    let (organization, user) = (organization.to_string(), user.map(|id| id.to_string()));
    let items = db
        .read_all(
            LIST,
            params![
                &organization,
                user.as_deref(),
                page.limit,
                count(page.offset)
            ],
        )
        .await?;
    let total = db
        .read_all::<(u64,)>(COUNT, params![&organization, user.as_deref()])
        .await?;
    Ok((items, total.first().map_or(0, |row| row.0)))
}

/// Revokes a key; answers whether it was open.
///
/// # Errors
/// Any [`StoreError`].
pub async fn revoke(
    tx: &mut Tx<'_>,
    organization: OrgId,
    id: KeyId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = tx
        .exec(
            REVOKE,
            params![organization.to_string(), id.to_string(), now.as_micros()],
        )
        .await?;
    Ok(changed == 1)
}

/// Notes that a key was used.
///
/// # Errors
/// Any [`StoreError`].
pub async fn touch(tx: &mut Tx<'_>, id: KeyId, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(TOUCH, params![id.to_string(), now.as_micros()])
        .await
        .map(|_| ())
}

//! API keys.

use voxgate_domain::{KeyId, OrgId, OrgLimits, OrgStatus, Page, Role, Timestamp, UserId};

use crate::decode::{count, parsed, time, time_opt};
use crate::{Db, FromRow, Row, StoreError, Tx, orgs, params};

macro_rules! columns {
    () => {
        "id, organization_id, user_id, name, prefix, created_at, last_used_at, revoked_at"
    };
}

/// Adds a key.
pub const INSERT: &str = "INSERT INTO api_keys (id, organization_id, user_id, name, prefix, key_hash, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
/// Reads one by id.
pub const SELECT: &str = concat!("SELECT ", columns!(), " FROM api_keys WHERE id = $1");
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
pub const REVOKE: &str = "UPDATE api_keys SET revoked_at = $3 WHERE organization_id = $1 AND id = $2 AND revoked_at IS NULL";
/// Notes that one was used.
pub const TOUCH: &str = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
/// Everything that decides whether a key is good, in one look-up by unique indexes. A key of an account that has left the
/// organisation is not.
pub const SELECT_CREDENTIAL: &str = "SELECT k.id, k.last_used_at, u.id, u.role, u.is_active, u.is_verified, \
     o.id, o.status, o.daily_word_limit, o.monthly_word_limit, o.rate_limit_per_minute \
     FROM api_keys k JOIN users u ON u.id = k.user_id AND u.organization_id = k.organization_id \
     JOIN organizations o ON o.id = k.organization_id WHERE k.key_hash = $1 AND k.revoked_at IS NULL";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("keys::INSERT", INSERT),
    ("keys::SELECT", SELECT),
    ("keys::LIST", LIST),
    ("keys::COUNT", COUNT),
    ("keys::REVOKE", REVOKE),
    ("keys::TOUCH", TOUCH),
    ("keys::SELECT_CREDENTIAL", SELECT_CREDENTIAL),
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
    /// What its maker calls it.
    pub name: String,
    /// The beginning of the secret.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
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
            name: row.get(3)?,
            prefix: row.get(4)?,
            created_at: time(row, 5)?,
            last_used_at: time_opt(row, 6)?,
            revoked_at: time_opt(row, 7)?,
        })
    }
}

/// What decides whether a key is good.
#[derive(Debug, Clone)]
pub struct KeyCredential {
    /// The key.
    pub id: KeyId,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// The account it acts as.
    pub user_id: UserId,
    /// The account's role.
    pub role: Role,
    /// Whether the account may be used.
    pub is_active: bool,
    /// Whether its address is verified.
    pub is_verified: bool,
    /// The key's organisation.
    pub organization: (OrgId, OrgStatus, OrgLimits),
}

impl FromRow for KeyCredential {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            last_used_at: time_opt(row, 1)?,
            user_id: parsed(row, 2)?,
            role: parsed(row, 3)?,
            is_active: row.get(4)?,
            is_verified: row.get(5)?,
            organization: (parsed(row, 6)?, parsed(row, 7)?, orgs::limits(row, 8)?),
        })
    }
}

/// Adds a key.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert(tx: &mut Tx<'_>, key: &KeyRow, key_hash: &[u8]) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        params![
            key.id.to_string(),
            key.organization_id.to_string(),
            key.user_id.to_string(),
            &key.name,
            &key.prefix,
            key_hash,
            key.created_at.as_micros(),
        ],
    )
    .await
    .map(|_| ())
}

/// Reads a key by id.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_any_org(db: &Db, id: KeyId) -> Result<Option<KeyRow>, StoreError> {
    db.read_opt(SELECT, params![id.to_string()]).await
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

/// Everything that decides whether a key is good; `None` where it is unknown or revoked.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn credential_any_org(
    db: &Db,
    key_hash: &[u8],
) -> Result<Option<KeyCredential>, StoreError> {
    db.read_opt(SELECT_CREDENTIAL, params![key_hash]).await
}

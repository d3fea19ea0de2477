//! API keys and their secrets. A key has one secret, or several while it is being rotated.

use std::collections::BTreeSet;

use voxgate_domain::{
    KeyId, LimitSet, Micros, NameSet, OrgId, Page, PlanId, Rights, Role, Service, Timestamp, UserId,
};

use crate::decode::{count, micros, micros_opt, parse, parsed, parsed_opt, time, time_opt};
use crate::limit_rows;
use crate::orgs::{OrgTerms, terms_columns};
use crate::{Db, FromRow, Row, StoreError, Tx, params};

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
/// Everything that decides whether a key is good and what it may do, in one look-up by unique indexes. A key of an account
/// that has left the organisation is not.
pub const SELECT_CREDENTIAL: &str = concat!(
    "SELECT k.id, k.name, s.key_hash, s.expires_at, k.expires_at, k.last_used_at, k.services, k.voices, k.models, k.networks, \
     k.limits, t.limits, k.credit_budget, k.credits_committed, k.created_by_key_id, u.id, u.role, u.is_active, u.is_verified, ",
    terms_columns!(),
    " FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id \
     JOIN users u ON u.id = k.user_id AND u.organization_id = k.organization_id \
     JOIN organizations o ON o.id = k.organization_id \
     LEFT JOIN plans p ON p.id = o.plan_id LEFT JOIN plans t ON t.id = k.tier_id \
     WHERE s.key_hash = $1 AND k.revoked_at IS NULL"
);
/// The key that made a key, the one that made that, and so on, nearest first, as one JSON array: one row, so that it is read
/// in place. A chain has no loops, since a key's maker is older than the key and is never replaced.
pub const SELECT_MAKERS: &str = "WITH RECURSIVE chain (id, depth) AS (SELECT CAST($1 AS TEXT), CAST(1 AS BIGINT) \
     UNION ALL SELECT k.created_by_key_id, chain.depth + 1 FROM chain JOIN api_keys k ON k.id = chain.id \
     WHERE k.created_by_key_id IS NOT NULL) \
     SELECT '[' || COALESCE(string_agg('{\"depth\":' || CAST(chain.depth AS TEXT) || ',\"id\":\"' || k.id || '\",\"revoked_at\":' || \
     COALESCE(CAST(k.revoked_at AS TEXT), 'null') || ',\"expires_at\":' || COALESCE(CAST(k.expires_at AS TEXT), 'null') || \
     ',\"services\":\"' || k.services || '\",\"voices\":' || COALESCE(k.voices, 'null') || ',\"models\":' || \
     COALESCE(k.models, 'null') || ',\"networks\":' || k.networks || '}', ','), '') || ']' \
     FROM chain JOIN api_keys k ON k.id = chain.id";
/// Whether the secret is that of a revoked key.
pub const SELECT_REVOKED: &str = "SELECT k.id FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id \
     WHERE s.key_hash = $1 AND k.revoked_at IS NOT NULL";

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
    ("keys::SELECT_CREDENTIAL", SELECT_CREDENTIAL),
    ("keys::SELECT_MAKERS", SELECT_MAKERS),
    ("keys::SELECT_REVOKED", SELECT_REVOKED),
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

/// What decides whether a key is good, and what it may do.
#[derive(Debug, Clone)]
pub struct KeyCredential {
    /// The key.
    pub id: KeyId,
    /// What its maker calls it.
    pub name: String,
    /// The hash that was found, to be compared in constant time with the hash of what was presented.
    pub secret_hash: Vec<u8>,
    /// When this secret ends.
    pub secret_expires_at: Option<Timestamp>,
    /// When the key ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
    /// What it may do, as far as its makers still may.
    pub rights: Rights,
    /// The key's own limits.
    pub limits: LimitSet,
    /// Those of its tier; empty where it has none.
    pub tier_limits: LimitSet,
    /// The most it may spend.
    pub credit_budget: Option<Micros>,
    /// What it has spent and holds at the moment.
    pub credits_committed: Micros,
    /// The account it acts as.
    pub user_id: UserId,
    /// The account's role.
    pub role: Role,
    /// Whether the account may be used.
    pub is_active: bool,
    /// Whether its address is verified.
    pub is_verified: bool,
    /// The key's organisation.
    pub organization: OrgTerms,
    /// The key that made it, the one that made that, and so on, nearest first. Empty where a person made it.
    pub makers: Vec<MakerKey>,
}

/// A key that made other keys: what they may do at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakerKey {
    /// The key.
    pub id: KeyId,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// What it may do.
    pub rights: Rights,
}

/// A credential, and the key that made it.
struct Found(KeyCredential, Option<KeyId>);

impl FromRow for Found {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(
            KeyCredential {
                id: parsed(row, 0)?,
                name: row.get(1)?,
                secret_hash: row.get(2)?,
                secret_expires_at: time_opt(row, 3)?,
                expires_at: time_opt(row, 4)?,
                last_used_at: time_opt(row, 5)?,
                rights: rights(row, 6)?,
                limits: limit_rows::limit_set(row, 10)?,
                tier_limits: limit_rows::limit_set(row, 11)?,
                credit_budget: micros_opt(row, 12)?,
                credits_committed: micros(row, 13)?,
                user_id: parsed(row, 15)?,
                role: parsed(row, 16)?,
                is_active: row.get(17)?,
                is_verified: row.get(18)?,
                organization: OrgTerms::from_columns(row, 19)?,
                makers: Vec::new(),
            },
            parsed_opt(row, 14)?,
        ))
    }
}

/// Four neighbouring columns: services, voices, models, networks.
fn rights(row: &Row<'_>, first: usize) -> Result<Rights, StoreError> {
    let json = |i: usize, text: String| {
        serde_json::from_str(&text)
            .map_err(|error| StoreError::Corrupt(format!("column {i}: {error}")))
    };
    let names = |i: usize| {
        row.get::<Option<String>>(i)?
            .map(|text| json(i, text))
            .transpose()
    };
    decode_rights(
        &row.get::<String>(first)?,
        names(first + 1)?,
        names(first + 2)?,
        json(first + 3, row.get(first + 3)?)?,
    )
    .map_err(|why| StoreError::Corrupt(format!("column {first} and those after it: {why}")))
}

fn decode_rights(
    services: &str,
    voices: Option<Vec<String>>,
    models: Option<Vec<String>>,
    networks: Vec<String>,
) -> Result<Rights, StoreError> {
    let set = |names: Option<Vec<String>>| {
        names.map_or(NameSet::All, |names| {
            NameSet::Only(names.into_iter().collect::<BTreeSet<_>>())
        })
    };
    Ok(Rights {
        services: services
            .split(',')
            .filter(|name| !name.is_empty())
            .map(|name| parse::<Service>(name, 0))
            .collect::<Result<_, _>>()?,
        voices: set(voices),
        models: set(models),
        networks: networks
            .iter()
            .map(|network| parse(network, 3))
            .collect::<Result<_, _>>()?,
    })
}

/// The values of the four columns.
fn encode_rights(rights: &Rights) -> (String, Option<String>, Option<String>, String) {
    let names = |set: &NameSet| match set {
        NameSet::All => None,
        NameSet::Only(names) => {
            Some(serde_json::Value::from_iter(names.iter().cloned()).to_string())
        }
    };
    let services: Vec<_> = rights.services.iter().map(Service::as_str).collect();
    let networks = rights.networks.iter().map(ToString::to_string);
    (
        services.join(","),
        names(&rights.voices),
        names(&rights.models),
        serde_json::Value::from_iter(networks).to_string(),
    )
}

/// Reads the array of [`SELECT_MAKERS`].
fn decode_makers(text: &str) -> Result<Vec<MakerKey>, StoreError> {
    use serde_json::Value as Json;

    let wrong = |what: &str| StoreError::Corrupt(format!("the makers of a key: {what}"));
    let names = |value: &Json| match value {
        Json::Null => Ok(None),
        Json::Array(names) => names
            .iter()
            .map(|name| name.as_str().map(ToOwned::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or_else(|| wrong("names are texts")),
        _ => Err(wrong("names are an array")),
    };
    let items: Vec<Json> = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let mut makers = items
        .iter()
        .map(|item| {
            let text = |field: &str| item[field].as_str().ok_or_else(|| wrong(field));
            let maker = MakerKey {
                id: parse(text("id")?, 0)?,
                revoked_at: item["revoked_at"].as_i64().map(Timestamp::from_micros),
                expires_at: item["expires_at"].as_i64().map(Timestamp::from_micros),
                rights: decode_rights(
                    text("services")?,
                    names(&item["voices"])?,
                    names(&item["models"])?,
                    names(&item["networks"])?.unwrap_or_default(),
                )?,
            };
            Ok((item["depth"].as_i64().unwrap_or(0), maker))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    makers.sort_by_key(|(depth, _)| *depth);
    Ok(makers.into_iter().map(|(_, maker)| maker).collect())
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

/// Everything that decides whether a key is good, and what it may do; `None` where it is unknown or revoked. One look-up in
/// place, and a second one for a key that was made by a key.
///
/// Whether the key, the secret or a maker has ended by now is for the caller, who has the clock.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn credential_any_org(
    db: &Db,
    key_hash: &[u8],
) -> Result<Option<KeyCredential>, StoreError> {
    let Some(Found(mut credential, maker)) =
        db.read_opt(SELECT_CREDENTIAL, params![key_hash]).await?
    else {
        return Ok(None);
    };
    if let Some(maker) = maker {
        let makers = db
            .read_opt::<(String,)>(SELECT_MAKERS, params![maker.to_string()])
            .await?;
        credential.makers = decode_makers(makers.as_ref().map_or("[]", |row| &row.0))?;
        if credential.makers.is_empty() {
            // Removed between the two look-ups, and this key with it.
            return Ok(None);
        }
    }
    Ok(Some(credential))
}

/// Whether a secret that [`credential_any_org`] does not accept is that of a revoked key.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn is_revoked_any_org(db: &Db, key_hash: &[u8]) -> Result<bool, StoreError> {
    let found = db
        .read_opt::<(String,)>(SELECT_REVOKED, params![key_hash])
        .await?;
    Ok(found.is_some())
}

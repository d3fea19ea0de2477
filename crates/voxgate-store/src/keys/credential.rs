//! What a presented secret brings along: the key, its owner, its organisation, its limits, and the keys that made it.

use voxgate_domain::{KeyId, LimitSet, Micros, Rights, Role, Timestamp, UserId};

use super::rights::{decode_rights, rights};
use crate::decode::{micros, micros_opt, parse, parsed, parsed_opt, time_opt};
use crate::limit_rows;
use crate::orgs::{OrgTerms, terms_columns};
use crate::{Db, FromRow, Row, StoreError, params};

/// Everything that decides whether a key is good and what it may do, in one look-up by unique indexes. A key of an account
/// that has left the organisation is not.
const SELECT_CREDENTIAL: &str = concat!(
    "SELECT k.id, k.name, s.key_hash, s.expires_at, k.expires_at, k.last_used_at, k.services, k.voices, k.models, k.networks, \
     k.limits, t.limits, k.credit_budget, k.credits_committed, k.created_by_key_id, u.id, u.role, u.is_active, u.is_verified, ",
    terms_columns!(),
    " FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id \
     JOIN users u ON u.id = k.user_id AND u.organization_id = k.organization_id \
     JOIN organizations o ON o.id = k.organization_id \
     LEFT JOIN plans p ON p.id = o.plan_id LEFT JOIN plans t ON t.id = k.tier_id \
     WHERE s.key_hash = $1 AND k.revoked_at IS NULL"
);
/// The key that made a key, the one that made that, and so on, with their accounts, as one JSON array: one row, so that it is read
/// in place. A chain has no loops, since a key's maker is older than the key and is never replaced.
const SELECT_MAKERS: &str = "WITH RECURSIVE chain (id, depth) AS (SELECT CAST($1 AS TEXT), CAST(1 AS BIGINT) \
     UNION ALL SELECT k.created_by_key_id, chain.depth + 1 FROM chain JOIN api_keys k ON k.id = chain.id \
     WHERE k.created_by_key_id IS NOT NULL) \
     SELECT '[' || COALESCE(string_agg('{\"depth\":' || CAST(chain.depth AS TEXT) || ',\"id\":\"' || k.id || '\",\"revoked_at\":' || \
     COALESCE(CAST(k.revoked_at AS TEXT), 'null') || ',\"expires_at\":' || COALESCE(CAST(k.expires_at AS TEXT), 'null') || \
     ',\"services\":\"' || k.services || '\",\"voices\":' || COALESCE(k.voices, 'null') || ',\"models\":' || \
     COALESCE(k.models, 'null') || ',\"networks\":' || k.networks || ',\"role\":' || \
     CASE WHEN u.id IS NULL THEN 'null' ELSE '\"' || u.role || '\"' END || '}', ','), '') || ']' \
     FROM chain JOIN api_keys k ON k.id = chain.id \
     LEFT JOIN users u ON u.id = k.user_id AND u.organization_id = k.organization_id AND u.is_active = 1";
/// Whether the secret is that of a revoked key.
const SELECT_REVOKED: &str = "SELECT k.id FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id \
     WHERE s.key_hash = $1 AND k.revoked_at IS NOT NULL";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("keys::credential::SELECT_CREDENTIAL", SELECT_CREDENTIAL),
    ("keys::credential::SELECT_MAKERS", SELECT_MAKERS),
    ("keys::credential::SELECT_REVOKED", SELECT_REVOKED),
];

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
    /// The role of its account; `None` where that is deactivated or has left the organisation.
    pub role: Option<Role>,
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
                role: item["role"]
                    .as_str()
                    .map(|role| parse(role, 0))
                    .transpose()?,
            };
            Ok((item["depth"].as_i64().unwrap_or(0), maker))
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    makers.sort_by_key(|(depth, _)| *depth);
    Ok(makers.into_iter().map(|(_, maker)| maker).collect())
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

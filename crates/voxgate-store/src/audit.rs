//! The audit log: who changed what, from where. Rows are added and never changed; the schema refuses it.

use voxgate_domain::{AuditId, KeyId, OrgId, Page, Timestamp, UserId};

use crate::decode::{count, parsed, parsed_opt, time};
use crate::{Db, FromRow, Row, StoreError, Tx, Value, params};

macro_rules! columns {
    () => {
        "id, at, organization_id, actor, actor_user_id, actor_key_id, address, action, target_kind, target_id, changes"
    };
}
// $1 action, $2 target's kind, $3 target's id, $4 account, $5 key; each may be null.
macro_rules! filters {
    () => {
        "(CAST($1 AS TEXT) IS NULL OR action = $1) AND (CAST($2 AS TEXT) IS NULL OR target_kind = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR target_id = $3) AND (CAST($4 AS TEXT) IS NULL OR actor_user_id = $4) \
         AND (CAST($5 AS TEXT) IS NULL OR actor_key_id = $5)"
    };
}

/// Adds an entry.
pub const INSERT: &str = concat!(
    "INSERT INTO audit_log (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
);
/// Lists an organisation's, newest first.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM audit_log WHERE organization_id = $8 AND ",
    filters!(),
    " ORDER BY at DESC, id DESC LIMIT $6 OFFSET $7"
);
/// Counts an organisation's.
pub const COUNT: &str = concat!(
    "SELECT COUNT(*) FROM audit_log WHERE organization_id = $6 AND ",
    filters!()
);
/// Lists all, newest first.
pub const LIST_ANY_ORG: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM audit_log WHERE ",
    filters!(),
    " ORDER BY at DESC, id DESC LIMIT $6 OFFSET $7"
);
/// Counts all.
pub const COUNT_ANY_ORG: &str = concat!("SELECT COUNT(*) FROM audit_log WHERE ", filters!());

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("audit::INSERT", INSERT),
    ("audit::LIST", LIST),
    ("audit::COUNT", COUNT),
    ("audit::LIST_ANY_ORG", LIST_ANY_ORG),
    ("audit::COUNT_ANY_ORG", COUNT_ANY_ORG),
];

/// What kind of actor it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// Somebody with access to the data directory, on the command line.
    Operator,
    /// A person with a session.
    User,
    /// An API key.
    Key,
    /// The server itself.
    System,
}

/// A text that names no [`ActorKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of actor")]
pub struct UnknownActorKind;

impl ActorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Operator, Self::User, Self::Key, Self::System];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::User => "user",
            Self::Key => "key",
            Self::System => "system",
        }
    }
}

impl std::str::FromStr for ActorKind {
    type Err = UnknownActorKind;

    fn from_str(text: &str) -> Result<Self, UnknownActorKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownActorKind)
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its id.
    pub id: AuditId,
    /// When it happened.
    pub at: Timestamp,
    /// The organisation it concerns.
    pub organization_id: Option<OrgId>,
    /// What kind of actor it was.
    pub actor: ActorKind,
    /// The account, of a person or of the key's owner.
    pub actor_user_id: Option<UserId>,
    /// The key.
    pub actor_key_id: Option<KeyId>,
    /// The network address the request came from.
    pub address: Option<String>,
    /// What was done, for example `key.create`.
    pub action: String,
    /// What it was done to, for example `key`.
    pub target_kind: String,
    /// To which one.
    pub target_id: String,
    /// What changed, as a JSON object; never a secret.
    pub changes: String,
}

impl FromRow for AuditRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            at: time(row, 1)?,
            organization_id: parsed_opt(row, 2)?,
            actor: parsed(row, 3)?,
            actor_user_id: parsed_opt(row, 4)?,
            actor_key_id: parsed_opt(row, 5)?,
            address: row.get(6)?,
            action: row.get(7)?,
            target_kind: row.get(8)?,
            target_id: row.get(9)?,
            changes: row.get(10)?,
        })
    }
}

/// Which entries are wanted; what is `None` does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// What was done.
    pub action: Option<String>,
    /// To what.
    pub target_kind: Option<String>,
    /// To which one.
    pub target_id: Option<String>,
    /// By which account.
    pub actor_user_id: Option<UserId>,
    /// By which key.
    pub actor_key_id: Option<KeyId>,
}

impl AuditFilter {
    fn params(&self) -> Vec<Value> {
        params![
            self.action.as_deref(),
            self.target_kind.as_deref(),
            self.target_id.as_deref(),
            self.actor_user_id.map(|id| id.to_string()),
            self.actor_key_id.map(|id| id.to_string()),
        ]
    }
}

/// Adds an entry, in the transaction of what it tells of.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert(tx: &mut Tx<'_>, entry: &AuditRow) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        params![
            entry.id.to_string(),
            entry.at.as_micros(),
            entry.organization_id.map(|id| id.to_string()),
            entry.actor.as_str(),
            entry.actor_user_id.map(|id| id.to_string()),
            entry.actor_key_id.map(|id| id.to_string()),
            entry.address.as_deref(),
            &entry.action,
            &entry.target_kind,
            &entry.target_id,
            &entry.changes,
        ],
    )
    .await
    .map(|_| ())
}

/// Lists an organisation's entries, newest first, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list(
    db: &Db,
    organization: OrgId,
    filter: &AuditFilter,
    page: Page,
) -> Result<(Vec<AuditRow>, u64), StoreError> {
    let mut paged = filter.params();
    paged.extend(params![
        page.limit,
        count(page.offset),
        organization.to_string()
    ]);
    let items = db.read_all(LIST, paged).await?;
    let mut counted = filter.params();
    counted.extend(params![organization.to_string()]);
    let total = db.read_all::<(u64,)>(COUNT, counted).await?;
    Ok((items, total.first().map_or(0, |row| row.0)))
}

/// Lists all entries, newest first, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list_any_org(
    db: &Db,
    filter: &AuditFilter,
    page: Page,
) -> Result<(Vec<AuditRow>, u64), StoreError> {
    let mut paged = filter.params();
    paged.extend(params![page.limit, count(page.offset)]);
    let items = db.read_all(LIST_ANY_ORG, paged).await?;
    let total = db
        .read_all::<(u64,)>(COUNT_ANY_ORG, filter.params())
        .await?;
    Ok((items, total.first().map_or(0, |row| row.0)))
}

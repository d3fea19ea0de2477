//! Organisations.

use voxgate_domain::{LimitSet, OrgId, OrgLimits, OrgStatus, Page, PlanId, Timestamp};

use crate::decode::{count, parsed, parsed_opt, time};
use crate::limit_rows::{self, OwnLimits};
use crate::{Db, FromRow, Row, StoreError, Tx, params};

macro_rules! columns {
    () => {
        "id, name, domain, domain_verified, status, admin_email, daily_word_limit, monthly_word_limit, \
         rate_limit_per_minute, settings, created_at, updated_at, plan_id, limits"
    };
}

/// Adds an organisation.
pub const INSERT: &str = concat!(
    "INSERT INTO organizations (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
);
/// Reads one.
pub const SELECT: &str = concat!("SELECT ", columns!(), " FROM organizations WHERE id = $1");
/// Lists them, oldest first, with an optional status.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM organizations WHERE (CAST($1 AS TEXT) IS NULL OR status = $1) \
     ORDER BY created_at, id LIMIT $2 OFFSET $3"
);
/// Counts them, with an optional status.
pub const COUNT: &str =
    "SELECT COUNT(*) FROM organizations WHERE (CAST($1 AS TEXT) IS NULL OR status = $1)";
/// Replaces everything that can change.
pub const UPDATE: &str = "UPDATE organizations SET name = $2, domain = $3, domain_verified = $4, status = $5, \
     daily_word_limit = $6, monthly_word_limit = $7, rate_limit_per_minute = $8, settings = $9, updated_at = $10, \
     plan_id = $11, limits = $12 WHERE id = $1";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("orgs::INSERT", INSERT),
    ("orgs::SELECT", SELECT),
    ("orgs::LIST", LIST),
    ("orgs::COUNT", COUNT),
    ("orgs::UPDATE", UPDATE),
];

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct OrgRow {
    /// The organisation's id.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// Its mail domain.
    pub domain: Option<String>,
    /// Whether the domain was checked.
    pub domain_verified: bool,
    /// Whether it may be used.
    pub status: OrgStatus,
    /// Its first administrator's address.
    pub admin_email: String,
    /// What it may use.
    pub limits: OrgLimits,
    /// A JSON object.
    pub settings: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Its plan.
    pub plan_id: Option<PlanId>,
    /// Its own limits beyond `limits`, and which of those the plan decides.
    pub own_limits: OwnLimits,
}

impl FromRow for OrgRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            name: row.get(1)?,
            domain: row.get(2)?,
            domain_verified: row.get(3)?,
            status: parsed(row, 4)?,
            admin_email: row.get(5)?,
            limits: limits(row, 6)?,
            settings: row.get(9)?,
            created_at: time(row, 10)?,
            updated_at: time(row, 11)?,
            plan_id: parsed_opt(row, 12)?,
            own_limits: limit_rows::own_limits(row, 13)?,
        })
    }
}

/// What decides whether an organisation may do something, and how much: what every look-up of a credential brings along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgTerms {
    /// The organisation's id.
    pub id: OrgId,
    /// Whether it may be used.
    pub status: OrgStatus,
    /// The three limits that have columns.
    pub limits: OrgLimits,
    /// Its own limits beyond those, and which of those the plan decides.
    pub own_limits: OwnLimits,
    /// Its plan.
    pub plan_id: Option<PlanId>,
    /// The plan's limits; empty where there is no plan.
    pub plan_limits: LimitSet,
}

/// The columns of [`OrgTerms`], of an organisation `o` and its plan `p`.
macro_rules! terms_columns {
    () => {
        "o.id, o.status, o.daily_word_limit, o.monthly_word_limit, o.rate_limit_per_minute, o.limits, o.plan_id, p.limits"
    };
}
pub(crate) use terms_columns;

impl OrgTerms {
    /// Reads `terms_columns!()`, the first of which is column `first`.
    pub(crate) fn from_columns(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, first)?,
            status: parsed(row, first + 1)?,
            limits: limits(row, first + 2)?,
            own_limits: limit_rows::own_limits(row, first + 5)?,
            plan_id: parsed_opt(row, first + 6)?,
            plan_limits: limit_rows::limit_set(row, first + 7)?,
        })
    }
}

/// Three neighbouring columns: words per day, words per month, requests per minute.
fn limits(row: &Row<'_>, first: usize) -> Result<OrgLimits, StoreError> {
    Ok(OrgLimits {
        daily_words: row.get(first)?,
        monthly_words: row.get(first + 1)?,
        requests_per_minute: row.get(first + 2)?,
    })
}

/// Adds an organisation.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert(tx: &mut Tx<'_>, org: &OrgRow) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        params![
            org.id.to_string(),
            &org.name,
            org.domain.as_deref(),
            org.domain_verified,
            org.status.as_str(),
            &org.admin_email,
            count(org.limits.daily_words),
            count(org.limits.monthly_words),
            org.limits.requests_per_minute,
            &org.settings,
            org.created_at.as_micros(),
            org.updated_at.as_micros(),
            org.plan_id.map(|id| id.to_string()),
            limit_rows::encode_own(&org.own_limits),
        ],
    )
    .await
    .map(|_| ())
}

/// Reads an organisation.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get(db: &Db, id: OrgId) -> Result<Option<OrgRow>, StoreError> {
    db.read_opt(SELECT, params![id.to_string()]).await
}

/// Reads an organisation inside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_in(tx: &mut Tx<'_>, id: OrgId) -> Result<Option<OrgRow>, StoreError> {
    tx.read_opt(SELECT, params![id.to_string()]).await
}

/// Lists organisations, oldest first, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list_any_org(
    db: &Db,
    status: Option<OrgStatus>,
    page: Page,
) -> Result<(Vec<OrgRow>, u64), StoreError> {
    let status = status.map(OrgStatus::as_str);
    let items = db
        .read_all(LIST, params![status, page.limit, count(page.offset)])
        .await?;
    let total = db.read_all::<(u64,)>(COUNT, params![status]).await?;
    Ok((items, total.first().map_or(0, |row| row.0)))
}

/// Writes everything that can change; answers whether the organisation exists.
///
/// # Errors
/// Any [`StoreError`].
pub async fn update(tx: &mut Tx<'_>, org: &OrgRow) -> Result<bool, StoreError> {
    let changed = tx
        .exec(
            UPDATE,
            params![
                org.id.to_string(),
                &org.name,
                org.domain.as_deref(),
                org.domain_verified,
                org.status.as_str(),
                count(org.limits.daily_words),
                count(org.limits.monthly_words),
                org.limits.requests_per_minute,
                &org.settings,
                org.updated_at.as_micros(),
                org.plan_id.map(|id| id.to_string()),
                limit_rows::encode_own(&org.own_limits),
            ],
        )
        .await?;
    Ok(changed == 1)
}

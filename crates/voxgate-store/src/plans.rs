//! Plans: named sets of limits that organisations and keys refer to.

use voxgate_domain::{LimitSet, Page, PlanId, Timestamp};

use crate::decode::{count, parsed, time};
use crate::{Db, FromRow, Row, StoreError, Tx, limit_rows, params};

macro_rules! columns {
    () => {
        "id, name, limits, created_at, updated_at"
    };
}

/// Adds a plan.
pub const INSERT: &str = concat!(
    "INSERT INTO plans (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5)"
);
/// Reads one.
pub const SELECT: &str = concat!("SELECT ", columns!(), " FROM plans WHERE id = $1");
/// Reads one by name.
pub const SELECT_BY_NAME: &str = concat!("SELECT ", columns!(), " FROM plans WHERE name = $1");
/// Lists them by name.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM plans ORDER BY name, id LIMIT $1 OFFSET $2"
);
/// Counts them.
pub const COUNT: &str = "SELECT COUNT(*) FROM plans";
/// Replaces everything that can change.
pub const UPDATE: &str = "UPDATE plans SET name = $2, limits = $3, updated_at = $4 WHERE id = $1";
/// Removes one that nothing refers to.
pub const DELETE: &str = "DELETE FROM plans WHERE id = $1 \
     AND NOT EXISTS (SELECT 1 FROM organizations WHERE plan_id = $1) \
     AND NOT EXISTS (SELECT 1 FROM api_keys WHERE tier_id = $1)";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("plans::INSERT", INSERT),
    ("plans::SELECT", SELECT),
    ("plans::SELECT_BY_NAME", SELECT_BY_NAME),
    ("plans::LIST", LIST),
    ("plans::COUNT", COUNT),
    ("plans::UPDATE", UPDATE),
    ("plans::DELETE", DELETE),
];

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// The plan's id.
    pub id: PlanId,
    /// Its name, which no other plan has.
    pub name: String,
    /// What it limits.
    pub limits: LimitSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl FromRow for PlanRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            name: row.get(1)?,
            limits: limit_rows::limit_set(row, 2)?,
            created_at: time(row, 3)?,
            updated_at: time(row, 4)?,
        })
    }
}

/// What became of a plan that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanRemoval {
    /// It is gone, and its prices with it.
    Removed,
    /// An organisation or a key, perhaps a revoked one, refers to it.
    InUse,
    /// There was none.
    Unknown,
}

/// Adds a plan.
///
/// # Errors
/// Any [`StoreError`]; a name that is taken is a conflict on `ux_plans_name`.
pub async fn insert(tx: &mut Tx<'_>, plan: &PlanRow) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        params![
            plan.id.to_string(),
            &plan.name,
            limit_rows::encode(&plan.limits),
            plan.created_at.as_micros(),
            plan.updated_at.as_micros(),
        ],
    )
    .await
    .map(|_| ())
}

/// Reads a plan.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get(db: &Db, id: PlanId) -> Result<Option<PlanRow>, StoreError> {
    db.read_opt(SELECT, params![id.to_string()]).await
}

/// Reads a plan inside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_in(tx: &mut Tx<'_>, id: PlanId) -> Result<Option<PlanRow>, StoreError> {
    tx.read_opt(SELECT, params![id.to_string()]).await
}

/// Reads the plan of a name.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_by_name(db: &Db, name: &str) -> Result<Option<PlanRow>, StoreError> {
    db.read_opt(SELECT_BY_NAME, params![name]).await
}

/// Lists plans by name, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list(db: &Db, page: Page) -> Result<(Vec<PlanRow>, u64), StoreError> {
    let items = db
        .read_all(LIST, params![page.limit, count(page.offset)])
        .await?;
    let total = db.read_all::<(u64,)>(COUNT, params![]).await?;
    Ok((items, total.first().map_or(0, |row| row.0)))
}

/// Writes everything that can change; answers whether the plan exists.
///
/// # Errors
/// Any [`StoreError`]; a name that is taken is a conflict on `ux_plans_name`.
pub async fn update(tx: &mut Tx<'_>, plan: &PlanRow) -> Result<bool, StoreError> {
    let changed = tx
        .exec(
            UPDATE,
            params![
                plan.id.to_string(),
                &plan.name,
                limit_rows::encode(&plan.limits),
                plan.updated_at.as_micros(),
            ],
        )
        .await?;
    Ok(changed == 1)
}

/// Removes a plan that no organisation and no key refers to.
///
/// # Errors
/// Any [`StoreError`].
pub async fn delete(tx: &mut Tx<'_>, id: PlanId) -> Result<PlanRemoval, StoreError> {
    if tx.exec(DELETE, params![id.to_string()]).await? == 1 {
        return Ok(PlanRemoval::Removed);
    }
    Ok(match get_in(tx, id).await? {
        Some(_) => PlanRemoval::InUse,
        None => PlanRemoval::Unknown,
    })
}

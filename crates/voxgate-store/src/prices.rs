//! What things cost: the general price list, and those of plans.

use voxgate_domain::{PlanId, Price, Timestamp};

use crate::decode::{micros, parsed, parsed_opt};
use crate::{Db, FromRow, Row, StoreError, Tx, params};

/// Empties a plan's list, or the general one.
pub const DELETE: &str =
    "DELETE FROM prices WHERE plan_id = $1 OR (CAST($1 AS TEXT) IS NULL AND plan_id IS NULL)";
/// Adds a line.
pub const INSERT: &str = "INSERT INTO prices (plan_id, service, model, unit, micros, updated_at) VALUES ($1, $2, $3, $4, $5, $6)";
/// Reads a plan's list, or the general one.
pub const LIST: &str = "SELECT plan_id, service, model, unit, micros FROM prices \
     WHERE plan_id = $1 OR (CAST($1 AS TEXT) IS NULL AND plan_id IS NULL) \
     ORDER BY service, COALESCE(model, ''), unit LIMIT 10000";
/// Reads every list.
pub const LOAD_ANY_ORG: &str = "SELECT plan_id, service, model, unit, micros FROM prices \
     ORDER BY COALESCE(plan_id, ''), service, COALESCE(model, ''), unit LIMIT 100000";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("prices::DELETE", DELETE),
    ("prices::INSERT", INSERT),
    ("prices::LIST", LIST),
    ("prices::LOAD_ANY_ORG", LOAD_ANY_ORG),
];

/// A line, and whose list it is on.
struct PriceRow(Option<PlanId>, Price);

impl FromRow for PriceRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(
            parsed_opt(row, 0)?,
            Price {
                service: parsed(row, 1)?,
                model: row.get(2)?,
                unit: parsed(row, 3)?,
                micros: micros(row, 4)?,
            },
        ))
    }
}

/// Replaces a plan's price list, or the general one, as a whole.
///
/// # Errors
/// Any [`StoreError`]: two lines for the same thing are a conflict on `ux_prices_line`, a negative price one on
/// `ck_prices_micros`, a plan that does not exist one on `foreign_key`.
pub async fn replace_all(
    tx: &mut Tx<'_>,
    plan: Option<PlanId>,
    lines: &[Price],
    now: Timestamp,
) -> Result<(), StoreError> {
    let plan = plan.map(|id| id.to_string());
    tx.exec(DELETE, params![plan.as_deref()]).await?;
    for line in lines {
        tx.exec(
            INSERT,
            params![
                plan.as_deref(),
                line.service.as_str(),
                line.model.as_deref(),
                line.unit.as_str(),
                line.micros.get(),
                now.as_micros(),
            ],
        )
        .await?;
    }
    Ok(())
}

/// A plan's price list, or the general one; empty where there is none.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list(db: &Db, plan: Option<PlanId>) -> Result<Vec<Price>, StoreError> {
    let rows: Vec<PriceRow> = db
        .read_all(LIST, params![plan.map(|id| id.to_string())])
        .await?;
    Ok(rows.into_iter().map(|row| row.1).collect())
}

/// Every price list: lines with the plan they belong to, `None` for the general list. At most 100,000 lines.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn load_any_org(db: &Db) -> Result<Vec<(Option<PlanId>, Price)>, StoreError> {
    let rows: Vec<PriceRow> = db.read_all(LOAD_ANY_ORG, params![]).await?;
    Ok(rows.into_iter().map(|row| (row.0, row.1)).collect())
}

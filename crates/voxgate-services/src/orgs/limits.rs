//! The limits and the plan of an organisation, and what its changes look like in the audit log.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value;
use voxgate_domain::{LimitKind, LimitSet, OrgId, OrgLimits, PlanId};
use voxgate_store::orgs::OrgRow;
use voxgate_store::{Db, StoreError, Tx, orgs, plans};

use super::{CreateOrg, OrgError, UpdateOrg};
use crate::audit::{self, AuditEvent, Changes};
use crate::plans::effective::{self, CLASSIC};

/// A wanted value per limit: an own one, or none so that the plan's holds.
pub(super) type Wanted = Vec<(LimitKind, Option<u64>)>;

/// What a change asks for. The three classic fields come first, so that the general list has the last word.
pub(super) fn of_change(change: &UpdateOrg) -> Wanted {
    wanted(
        change.daily_word_limit,
        change.monthly_word_limit,
        change.rate_limit_per_minute,
        &change.limits,
    )
}

/// What a new organisation is to have. Where it has a plan, what is not given comes from there.
pub(super) fn of_new(command: &CreateOrg) -> Wanted {
    let from_plan = CLASSIC
        .into_iter()
        .filter(|_| command.plan_id.is_some())
        .map(|kind| (kind, None));
    from_plan
        .chain(wanted(
            command.daily_word_limit,
            command.monthly_word_limit,
            command.rate_limit_per_minute,
            &command.limits,
        ))
        .collect()
}

fn wanted(
    daily: Option<u64>,
    monthly: Option<u64>,
    per_minute: Option<u32>,
    general: &[(LimitKind, Option<u64>)],
) -> Wanted {
    [
        daily.map(|value| (LimitKind::WordsPerDay, Some(value))),
        monthly.map(|value| (LimitKind::WordsPerMonth, Some(value))),
        per_minute.map(|value| (LimitKind::RequestsPerMinute, Some(u64::from(value)))),
    ]
    .into_iter()
    .flatten()
    .chain(general.iter().copied())
    .collect()
}

/// Sets what is wanted.
///
/// # Errors
/// `Invalid` for a value that is too large, and for a limit that cannot be set.
pub(super) fn apply(row: &mut OrgRow, wanted: &Wanted) -> Result<(), OrgError> {
    for &(kind, value) in wanted {
        check(kind, value)?;
        if !CLASSIC.contains(&kind) {
            row.own_limits.set.set(kind, value);
            continue;
        }
        row.own_limits.from_plan.retain(|&marked| marked != kind);
        match value {
            Some(value) => set_classic(&mut row.limits, kind, value),
            None => row.own_limits.from_plan.push(kind),
        }
    }
    row.own_limits.from_plan.sort_unstable();
    Ok(())
}

fn set_classic(limits: &mut OrgLimits, kind: LimitKind, value: u64) {
    match kind {
        LimitKind::WordsPerDay => limits.daily_words = value,
        LimitKind::WordsPerMonth => limits.monthly_words = value,
        _ => limits.requests_per_minute = u32::try_from(value).unwrap_or(u32::MAX),
    }
}

fn check(kind: LimitKind, value: Option<u64>) -> Result<(), OrgError> {
    let (field, max) = match kind {
        LimitKind::WordsPerDay => ("daily_word_limit", OrgLimits::MAX_WORDS),
        LimitKind::WordsPerMonth => ("monthly_word_limit", OrgLimits::MAX_WORDS),
        LimitKind::RequestsPerMinute => (
            "rate_limit_per_minute",
            u64::from(OrgLimits::MAX_REQUESTS_PER_MINUTE),
        ),
        _ => ("limits", LimitSet::MAX),
    };
    if kind.index().is_none() {
        return Err(OrgError::Invalid {
            field: "limits",
            reason: format!("{} cannot be set", kind.as_str()),
        });
    }
    if value.is_some_and(|value| value > max) {
        return Err(OrgError::Invalid {
            field,
            reason: format!("must be at most {max}"),
        });
    }
    Ok(())
}

/// The limits of a plan inside a transaction; none without a plan.
///
/// # Errors
/// `Invalid` where there is no such plan.
pub(super) async fn plan_limits_in(
    tx: &mut Tx<'_>,
    plan: Option<PlanId>,
) -> Result<LimitSet, OrgError> {
    let Some(id) = plan else {
        return Ok(LimitSet::default());
    };
    plans::get_in(tx, id)
        .await?
        .map(|plan| plan.limits)
        .ok_or_else(|| OrgError::Invalid {
            field: "plan_id",
            reason: "there is no such plan".into(),
        })
}

/// The limits of the plans of some organisations, each plan read once.
pub(super) async fn plan_limits(
    db: &Db,
    rows: &[OrgRow],
) -> Result<BTreeMap<PlanId, LimitSet>, StoreError> {
    let mut found = BTreeMap::new();
    for id in rows.iter().filter_map(|row| row.plan_id) {
        if let Entry::Vacant(place) = found.entry(id) {
            let limits = plans::get(db, id).await?.map(|plan| plan.limits);
            place.insert(limits.unwrap_or_default());
        }
    }
    Ok(found)
}

/// The three classic limits of an organisation as they hold; `None` where there is no such organisation.
pub(crate) async fn effective_limits(db: &Db, id: OrgId) -> Result<Option<OrgLimits>, StoreError> {
    let Some(row) = orgs::get(db, id).await? else {
        return Ok(None);
    };
    let plans = plan_limits(db, std::slice::from_ref(&row)).await?;
    let own = effective::own(&row.limits, &row.own_limits);
    let all = plans.values().fold(own, LimitSet::or);
    Ok(Some(effective::classic_limits(&all)))
}

/// What a change of an organisation looks like in the audit log. Its settings are its own business: they may hold secrets.
pub(crate) fn org_event(
    action: &'static str,
    before: Option<&OrgRow>,
    after: &OrgRow,
) -> AuditEvent {
    let field = |changes: Changes, name, value: fn(&OrgRow) -> Value| {
        changes.field(name, before.map(value), value(after))
    };
    let mut changes = Changes::new();
    changes = field(changes, "name", |row| row.name.clone().into());
    changes = field(changes, "domain", |row| row.domain.clone().into());
    changes = field(changes, "domain_verified", |row| row.domain_verified.into());
    changes = field(changes, "status", |row| row.status.as_str().into());
    changes = field(changes, "admin_email", |row| row.admin_email.clone().into());
    changes = field(changes, "plan_id", |row| audit::text(row.plan_id));
    changes = field(changes, "limits", |row| {
        audit::limits(&effective::own(&row.limits, &row.own_limits))
    });
    let new_settings = before.is_some_and(|before| before.settings != after.settings);
    AuditEvent {
        organization: Some(after.id),
        action,
        target_kind: "organization",
        target_id: after.id.to_string(),
        changes: changes.hidden("settings", new_settings).into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use voxgate_domain::Timestamp;

    fn own_value(row: &OrgRow, kind: LimitKind) -> Option<u64> {
        effective::own(&row.limits, &row.own_limits).get(kind)
    }

    fn row() -> OrgRow {
        let limits = OrgLimits::default();
        super::super::new_row("a".into(), None, "a@b.cd", limits, Timestamp::from_secs(0))
    }

    #[test]
    fn own_values_come_and_go() {
        let mut row = row();
        let day = LimitKind::WordsPerDay;
        assert_eq!(own_value(&row, day), Some(100_000));
        apply(
            &mut row,
            &vec![(day, None), (LimitKind::TokensPerDay, Some(7))],
        )
        .unwrap();
        assert_eq!(own_value(&row, day), None);
        assert_eq!(own_value(&row, LimitKind::TokensPerDay), Some(7));
        apply(
            &mut row,
            &vec![(day, None), (LimitKind::TokensPerDay, None)],
        )
        .unwrap();
        assert_eq!(row.own_limits.from_plan, [day]);
        assert_eq!(own_value(&row, LimitKind::TokensPerDay), None);
        apply(&mut row, &vec![(day, Some(3))]).unwrap();
        assert_eq!(own_value(&row, day), Some(3));
        assert!(row.own_limits.from_plan.is_empty());
        assert!(apply(&mut row, &vec![(day, Some(u64::MAX))]).is_err());
        assert!(apply(&mut row, &vec![(LimitKind::LoginAttempts, Some(1))]).is_err());
    }
}

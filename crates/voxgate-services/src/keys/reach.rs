//! How far a caller's reach goes when it makes or changes keys: to its own rights, and for a caller with a key to that
//! key's end, limits and budget too. What a key has made stays beneath it however it is changed later.

use voxgate_domain::{LimitSet, PlanId, Rights, Service, Timestamp};
use voxgate_store::keys::{self, KeyRow};
use voxgate_store::{Tx, plans};

use super::KeyError;
use super::rights::require_within;
use crate::Principal;

/// A caller who makes or changes keys.
pub(super) struct Reach {
    rights: Rights,
    /// The caller's key as the database has it now, and the limits it has, its tier's included.
    key: Option<(KeyRow, LimitSet)>,
}

impl Reach {
    /// Reads the caller's key again, where it came with one: since it was authenticated a moment ago it may have lost
    /// what it would pass on.
    ///
    /// # Errors
    /// `Forbidden` for a key that may not administer, or not any more.
    pub(super) async fn of(
        tx: &mut Tx<'_>,
        principal: &Principal,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let rights = principal.rights().clone();
        let Some(id) = principal.key_id() else {
            return Ok(Self { rights, key: None });
        };
        let row = keys::get_any_org_in(tx, id)
            .await?
            .filter(|row| row.revoked_at.is_none() && row.expires_at.is_none_or(|end| end > now))
            .filter(|row| {
                rights.services.contains(Service::Admin)
                    && row.rights.services.contains(Service::Admin)
            })
            .ok_or(KeyError::Forbidden)?;
        let limits = row.limits.or(&tier_limits(tx, row.tier_id).await?);
        Ok(Self {
            rights,
            key: Some((row, limits)),
        })
    }

    /// Refuses rights that the caller does not have.
    pub(super) fn require_rights(&self, asked: &Rights) -> Result<(), KeyError> {
        require_within(asked, &self.rights)?;
        match &self.key {
            Some((row, _)) => require_within(asked, &row.rights),
            None => Ok(()),
        }
    }

    /// Puts a new key beneath the key that makes it, where a key does: what it left open it inherits.
    pub(super) fn adopt(&self, child: &mut KeyRow, tier: &LimitSet) -> Result<(), KeyError> {
        let Some((maker, maker_limits)) = &self.key else {
            return Ok(());
        };
        if maker.credit_budget.is_some() {
            return Err(KeyError::Exceeds(
                "credit_budget (a key with a budget makes no others)".into(),
            ));
        }
        child.created_by_key_id = Some(maker.id);
        child.expires_at = child.expires_at.or(maker.expires_at);
        let open = child.limits.or(tier);
        for (kind, value) in maker_limits.iter() {
            if open.get(kind).is_none() {
                child.limits.set(kind, Some(value));
            }
        }
        require_beneath(child, &child.limits.or(tier), maker, maker_limits)
    }

    /// Refuses to change a key, or to hand out a new secret of it, beyond what the caller's key has itself. A caller with
    /// a session passes.
    pub(super) fn require_over(&self, row: &KeyRow, limits: &LimitSet) -> Result<(), KeyError> {
        match &self.key {
            None => Ok(()),
            Some((own, own_limits)) if own.id == row.id => {
                require_no_longer_nor_looser(row, limits, own, own_limits)
            }
            Some((own, own_limits)) => require_beneath(row, limits, own, own_limits),
        }
    }
}

/// Refuses a key that is not beneath `over`: with administration, with more rights, longer-lived, or less limited.
pub(super) fn require_beneath(
    row: &KeyRow,
    limits: &LimitSet,
    over: &KeyRow,
    over_limits: &LimitSet,
) -> Result<(), KeyError> {
    if row.rights.services.contains(Service::Admin) {
        return Err(KeyError::Exceeds(
            "services: admin (never for a key under another key)".into(),
        ));
    }
    require_within(&row.rights, &over.rights)?;
    require_no_longer_nor_looser(row, limits, over, over_limits)
}

fn require_no_longer_nor_looser(
    row: &KeyRow,
    limits: &LimitSet,
    over: &KeyRow,
    over_limits: &LimitSet,
) -> Result<(), KeyError> {
    let outlives = |end: Timestamp| row.expires_at.is_none_or(|own| own > end);
    if over.expires_at.is_some_and(outlives) {
        return Err(KeyError::Exceeds("expires_at".into()));
    }
    for (kind, most) in over_limits.iter() {
        if limits.get(kind).is_none_or(|own| own > most) {
            return Err(KeyError::Exceeds(format!("limits: {}", kind.as_str())));
        }
    }
    if let Some(most) = over.credit_budget
        && row.credit_budget.is_none_or(|own| own > most)
    {
        return Err(KeyError::Exceeds("credit_budget".into()));
    }
    Ok(())
}

/// The limits of a tier; none without a tier.
///
/// # Errors
/// `Invalid` where there is no such plan.
pub(super) async fn tier_limits(
    tx: &mut Tx<'_>,
    tier: Option<PlanId>,
) -> Result<LimitSet, KeyError> {
    let Some(id) = tier else {
        return Ok(LimitSet::default());
    };
    plans::get_in(tx, id)
        .await?
        .map(|plan| plan.limits)
        .ok_or_else(|| KeyError::Invalid {
            field: "tier_id",
            reason: "there is no such plan".into(),
        })
}

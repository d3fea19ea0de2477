//! Changing, rotating and revoking keys.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use voxgate_domain::{KeyId, Rights, Role, Service, Timestamp};
use voxgate_store::keys::{self, KeyRow};
use voxgate_store::{Tx, users};

use super::reach::{Reach, require_beneath, tier_limits};
use super::rights::{both, require_within};
use super::{
    ApiKey, CreatedKey, KeyError, Keys, RotateKey, UpdateKey, api_key, changes, check_budget,
    check_end, check_scopes, event, is_visible, key_name, require_some, shown,
};
use crate::Principal;
use crate::audit::{self, Changes};
use crate::secrets::random_api_key;

/// A key that the caller may change, and what it hangs on.
struct Subject {
    row: KeyRow,
    /// What the role of its account allows.
    owner: Rights,
    reach: Reach,
}

impl Keys {
    /// Changes a key; it gets no right that the caller, its account or the key that made it lacks.
    ///
    /// # Errors
    /// `NotFound` as for [`Keys::get`]; `Forbidden` for a key of an account that the caller does not outrank, and for
    /// callers with a key that may not administer; `Exceeds`, `Invalid`, `Revoked`.
    pub fn update<'a>(
        &'a self,
        principal: &'a Principal,
        id: KeyId,
        change: UpdateKey,
    ) -> BoxFuture<'a, Result<ApiKey, KeyError>> {
        Box::pin(async move {
            let core = &self.core;
            let now = core.now();
            let new_name = change.name.as_deref().map(key_name).transpose()?;
            check_scopes(
                change.voices.as_ref(),
                change.models.as_ref(),
                change.networks.as_deref(),
            )?;
            check_budget(change.credit_budget.value())?;
            check_end(change.expires_at.value(), now)?;
            let caller = principal.clone();
            let result = core
                .db
                .write(move |tx| {
                    let (caller, change, new_name) =
                        (caller.clone(), change.clone(), new_name.clone());
                    async move {
                        let subject = subject(tx, &caller, id, now).await?;
                        let before = subject.row.clone();
                        let after = changed(before.clone(), change, new_name);
                        permit(tx, &subject, &after).await?;
                        if after == before {
                            return Ok(before);
                        }
                        let after = KeyRow {
                            updated_at: now,
                            ..after
                        };
                        if !keys::update(tx, &after).await? {
                            return Err(KeyError::Revoked);
                        }
                        let changes = changes(Some(&before), &after);
                        audit::record(tx, &caller, event("key.update", &after, changes), now)
                            .await?;
                        Ok(after)
                    }
                    .boxed()
                })
                .await;
            core.credentials.forget_after(&result);
            let row = result?;
            tracing::info!(key.id = %id, "API key changed");
            Ok(api_key(row))
        })
    }

    /// Gives a key a new secret, shown this once. The secrets it has go on working for the overlap.
    ///
    /// # Errors
    /// As for [`Keys::update`], with `Invalid` for an overlap that is too long, and `Expired`.
    pub fn rotate<'a>(
        &'a self,
        principal: &'a Principal,
        id: KeyId,
        command: RotateKey,
    ) -> BoxFuture<'a, Result<CreatedKey, KeyError>> {
        Box::pin(async move {
            if command.overlap > RotateKey::MAX_OVERLAP {
                return Err(KeyError::Invalid {
                    field: "overlap",
                    reason: format!(
                        "must be at most {} seconds",
                        RotateKey::MAX_OVERLAP.as_secs()
                    ),
                });
            }
            let core = &self.core;
            let now = core.now();
            let secret = random_api_key();
            let hash = core.hashes.api_key(secret.expose_secret());
            let prefix = shown(&secret);
            let caller = principal.clone();
            let result = core
                .db
                .write(move |tx| {
                    let (caller, prefix) = (caller.clone(), prefix.clone());
                    async move {
                        let subject = subject(tx, &caller, id, now).await?;
                        let before = &subject.row;
                        if before.expires_at.is_some_and(|end| end <= now) {
                            return Err(KeyError::Expired);
                        }
                        permit(tx, &subject, before).await?;
                        let after = KeyRow {
                            prefix,
                            updated_at: now,
                            ..before.clone()
                        };
                        let org = after.organization_id;
                        let old_end = now.saturating_add(command.overlap);
                        keys::expire_secrets(tx, org, id, old_end).await?;
                        if !(keys::add_secret(tx, org, id, hash.as_bytes(), now).await?
                            && keys::update(tx, &after).await?)
                        {
                            return Err(KeyError::Revoked);
                        }
                        let changes = Changes::new()
                            .hidden("secret", true)
                            .field("prefix", before.prefix.clone(), after.prefix.clone())
                            .field(
                                "old_secrets_end_at",
                                serde_json::Value::Null,
                                audit::moment(Some(old_end)),
                            );
                        audit::record(tx, &caller, event("key.rotate", &after, changes), now)
                            .await?;
                        Ok(after)
                    }
                    .boxed()
                })
                .await;
            core.credentials.forget_after(&result);
            let row = result?;
            tracing::info!(key.id = %id, "API key rotated");
            Ok(CreatedKey {
                key: api_key(row),
                secret,
            })
        })
    }

    /// Revokes a key, with all its secrets and all keys it has made: from now on in this process, within two seconds in
    /// every other. Revoking twice is no error.
    ///
    /// # Errors
    /// `NotFound`, also for a foreign key and for another's without administering the organisation; `Forbidden` for
    /// callers with a key that may not administer.
    pub fn revoke<'a>(
        &'a self,
        principal: &'a Principal,
        id: KeyId,
    ) -> BoxFuture<'a, Result<(), KeyError>> {
        Box::pin(async move {
            let core = &self.core;
            let now = core.now();
            let caller = principal.clone();
            let result = core
                .db
                .write(move |tx| {
                    let caller = caller.clone();
                    async move {
                        let row = visible(tx, &caller, id).await?;
                        if caller.key_id().is_some() && !caller.may_use(Service::Admin) {
                            return Err(KeyError::Forbidden);
                        }
                        if keys::revoke(tx, row.organization_id, id, now).await? {
                            let changes = Changes::new().field(
                                "revoked_at",
                                serde_json::Value::Null,
                                audit::moment(Some(now)),
                            );
                            audit::record(tx, &caller, event("key.revoke", &row, changes), now)
                                .await?;
                        }
                        Ok(())
                    }
                    .boxed()
                })
                .await;
            core.credentials.forget_after(&result);
            if result.is_ok() {
                tracing::info!(key.id = %id, "API key revoked");
            }
            result
        })
    }
}

async fn visible(tx: &mut Tx<'_>, principal: &Principal, id: KeyId) -> Result<KeyRow, KeyError> {
    keys::get_any_org_in(tx, id)
        .await?
        .filter(|row| is_visible(principal, row))
        .ok_or(KeyError::NotFound)
}

/// A key that the caller may change: one's own, or one of an account the caller outranks.
async fn subject(
    tx: &mut Tx<'_>,
    principal: &Principal,
    id: KeyId,
    now: Timestamp,
) -> Result<Subject, KeyError> {
    let row = visible(tx, principal, id).await?;
    let role: Role = users::get_any_org_in(tx, row.user_id)
        .await?
        .map(|account| account.user.role)
        .ok_or(KeyError::NotFound)?;
    if principal.user_id() != Some(row.user_id) && !principal.rank().may_grant(role) {
        return Err(KeyError::Forbidden);
    }
    let reach = Reach::of(tx, principal, now).await?;
    if row.revoked_at.is_some() {
        return Err(KeyError::Revoked);
    }
    Ok(Subject {
        row,
        owner: Rights::of_role(role),
        reach,
    })
}

/// Refuses what goes beyond the caller, the account, or the key that made this one.
async fn permit(tx: &mut Tx<'_>, subject: &Subject, after: &KeyRow) -> Result<(), KeyError> {
    // Only what the account has counts for the caller: rights that a key kept from a higher role of its account lie idle,
    // and must not keep anybody from renaming or rotating it.
    if let Some(usable) = both(&after.rights, &subject.owner) {
        subject.reach.require_rights(&usable)?;
    }
    if after.rights != subject.row.rights {
        require_within(&after.rights, &subject.owner)?;
        require_some(after.rights.services)?;
    }
    let limits = after.limits.or(&tier_limits(tx, after.tier_id).await?);
    subject.reach.require_over(after, &limits)?;
    if let Some(maker_id) = after.created_by_key_id {
        let maker = keys::get_any_org_in(tx, maker_id)
            .await?
            .filter(|maker| maker.revoked_at.is_none())
            .ok_or(KeyError::Revoked)?;
        // What its maker has lost since, it cannot use; that must not keep anybody from renaming it.
        let touched = after.rights != subject.row.rights
            || after.expires_at != subject.row.expires_at
            || after.limits != subject.row.limits
            || after.tier_id != subject.row.tier_id
            || after.credit_budget != subject.row.credit_budget;
        if touched {
            let maker_limits = maker.limits.or(&tier_limits(tx, maker.tier_id).await?);
            require_beneath(after, &limits, &maker, &maker_limits)?;
        }
    }
    Ok(())
}

fn changed(mut row: KeyRow, change: UpdateKey, new_name: Option<String>) -> KeyRow {
    row.name = new_name.unwrap_or(row.name);
    row.rights = Rights {
        services: change.services.unwrap_or(row.rights.services),
        voices: change.voices.unwrap_or(row.rights.voices),
        models: change.models.unwrap_or(row.rights.models),
        networks: change.networks.unwrap_or(row.rights.networks),
    };
    row.tier_id = change.tier_id.apply(row.tier_id);
    row.limits = change.limits.unwrap_or(row.limits);
    row.credit_budget = change.credit_budget.apply(row.credit_budget);
    row.expires_at = change.expires_at.apply(row.expires_at);
    row
}

//! API keys: long-lived credentials that act as an account in its organisation, with rights of their own.
//!
//! Owns what a key may be given and who may give it (`reach`), and what a recent look-up found (`credentials`). How a
//! presented secret becomes a principal is decided in [`crate::identity`].

mod change;
pub(crate) mod credentials;
mod error;
mod reach;
pub(crate) mod rights;
pub(crate) mod touch;
mod trail;
mod types;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use voxgate_domain::{
    KeyId, LimitSet, Micros, NameSet, OrgId, Page, Paged, Rights, ServiceSet, Timestamp, User,
    UserId,
};
use voxgate_store::keys::{self, KeyRow};
use voxgate_store::{Tx, users};

use crate::Principal;
use crate::audit;
use crate::core::Core;
use crate::identity::checked_name;
use crate::secrets::{API_KEY_PREFIX, random_api_key};
pub use error::KeyError;
use reach::Reach;
pub(crate) use trail::{changes, event};
pub use types::{ApiKey, CreateKey, CreatedKey, RotateKey, UpdateKey};

/// How much of a secret is kept to recognise it by: the prefix and 5 of its 43 random characters.
const SHOWN_CHARACTERS: usize = API_KEY_PREFIX.len() + 5;
/// The most voices or models a key can name.
const MAX_NAMES: usize = 1000;
/// The longest of them, in bytes.
const MAX_NAME_BYTES: usize = 200;
/// The most networks a key can be bound to.
const MAX_NETWORKS: usize = 100;

/// The API key use cases.
#[derive(Clone)]
pub struct Keys {
    core: Arc<Core>,
}

impl Keys {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes a key that acts as an account in its organisation. It gets no right that the caller or the account lacks.
    ///
    /// A key makes another one only with [`voxgate_domain::Service::Admin`]. What it makes is beneath it: never with
    /// administration, never longer-lived or less limited, and dead when it is. One with a credit budget makes none,
    /// because two keys could spend it twice.
    ///
    /// # Errors
    /// `Forbidden` for another's account without administering its organisation or without outranking it, and for callers
    /// with a key that may not administer; `Exceeds`; `NotFound` for an unknown or foreign account; `Invalid`, also for an
    /// account without an organisation.
    pub fn create<'a>(
        &'a self,
        principal: &'a Principal,
        command: CreateKey,
    ) -> BoxFuture<'a, Result<CreatedKey, KeyError>> {
        Box::pin(async move {
            let core = &self.core;
            let now = core.now();
            let name = key_name(&command.name)?;
            check(&command, now)?;
            let owner_id = command
                .user_id
                .or(principal.user_id())
                .ok_or(KeyError::NotFound)?;
            let secret = random_api_key();
            let hash = core.hashes.api_key(secret.expose_secret());
            let prefix = shown(&secret);
            let caller = principal.clone();
            let row = core
                .db
                .write(move |tx| {
                    let (caller, command) = (caller.clone(), command.clone());
                    let (name, prefix) = (name.clone(), prefix.clone());
                    async move {
                        let owner = new_owner(tx, &caller, owner_id).await?;
                        let organization_id =
                            owner.organization_id.ok_or_else(|| KeyError::Invalid {
                                field: "user_id",
                                reason: "the account belongs to no organization".into(),
                            })?;
                        let reach = Reach::of(tx, &caller, now).await?;
                        let mut row = KeyRow {
                            name,
                            prefix,
                            rights: asked_rights(&command, caller.rights(), &owner),
                            tier_id: command.tier_id,
                            limits: command.limits,
                            credit_budget: command.credit_budget,
                            expires_at: command.expires_at,
                            ..blank(organization_id, owner.id, now)
                        };
                        let tier = reach::tier_limits(tx, row.tier_id).await?;
                        reach.adopt(&mut row, &tier)?;
                        reach.require_rights(&row.rights)?;
                        rights::require_within(&row.rights, &Rights::of_role(owner.role))?;
                        require_some(row.rights.services)?;
                        keys::insert(tx, &row, hash.as_bytes()).await?;
                        let changes = changes(None, &row);
                        audit::record(tx, &caller, event("key.create", &row, changes), now).await?;
                        Ok::<_, KeyError>(row)
                    }
                    .boxed()
                })
                .await?;
            tracing::info!(key.id = %row.id, org.id = %row.organization_id, "API key created");
            Ok(CreatedKey {
                key: api_key(row),
                secret,
            })
        })
    }

    /// The keys of an organisation, newest first: administrators see all, others their own.
    ///
    /// # Errors
    /// `NotFound` for a foreign organisation.
    pub fn list<'a>(
        &'a self,
        principal: &'a Principal,
        organization: OrgId,
        page: Page,
    ) -> BoxFuture<'a, Result<Paged<ApiKey>, KeyError>> {
        Box::pin(async move {
            if !principal.may_see(organization) {
                return Err(KeyError::NotFound);
            }
            let only = if principal.may_administer(organization) {
                None
            } else {
                principal.user_id()
            };
            let (rows, total) = keys::list(&self.core.db, organization, only, page).await?;
            let items = rows.into_iter().map(api_key).collect();
            Ok(Paged { items, total })
        })
    }

    /// One key: one's own, or one of an organisation the caller administers.
    ///
    /// # Errors
    /// `NotFound`, also for a foreign key and for another's without administering the organisation.
    pub fn get<'a>(
        &'a self,
        principal: &'a Principal,
        id: KeyId,
    ) -> BoxFuture<'a, Result<ApiKey, KeyError>> {
        Box::pin(async move {
            keys::get_any_org(&self.core.db, id)
                .await?
                .filter(|row| is_visible(principal, row))
                .map(api_key)
                .ok_or(KeyError::NotFound)
        })
    }
}

/// The account a new key is to act as, where the caller may make keys for it.
async fn new_owner(tx: &mut Tx<'_>, principal: &Principal, id: UserId) -> Result<User, KeyError> {
    let owner = users::get_any_org_in(tx, id)
        .await?
        .map(|account| account.user)
        .ok_or(KeyError::NotFound)?;
    if principal.user_id() == Some(id) {
        return Ok(owner);
    }
    let visible = owner
        .organization_id
        .map_or(principal.is_system_admin(), |org| principal.may_see(org));
    if !visible {
        return Err(KeyError::NotFound);
    }
    let administers = owner
        .organization_id
        .is_some_and(|org| principal.may_administer(org));
    if administers && principal.rank().may_grant(owner.role) {
        Ok(owner)
    } else {
        Err(KeyError::Forbidden)
    }
}

/// What a new key asks for; what is left open comes from its maker.
fn asked_rights(command: &CreateKey, maker: &Rights, owner: &User) -> Rights {
    let most =
        rights::without_admin(maker.services).intersection(Rights::of_role(owner.role).services);
    Rights {
        services: command.services.unwrap_or(most),
        voices: command
            .voices
            .clone()
            .unwrap_or_else(|| maker.voices.clone()),
        models: command
            .models
            .clone()
            .unwrap_or_else(|| maker.models.clone()),
        networks: command
            .networks
            .clone()
            .unwrap_or_else(|| maker.networks.clone()),
    }
}

fn is_visible(principal: &Principal, row: &KeyRow) -> bool {
    principal.may_administer(row.organization_id)
        || (principal.may_see(row.organization_id) && principal.user_id() == Some(row.user_id))
}

fn check(command: &CreateKey, now: Timestamp) -> Result<(), KeyError> {
    check_scopes(
        command.voices.as_ref(),
        command.models.as_ref(),
        command.networks.as_deref(),
    )?;
    check_budget(command.credit_budget)?;
    check_end(command.expires_at, now)
}

fn check_scopes(
    voices: Option<&NameSet>,
    models: Option<&NameSet>,
    networks: Option<&[ipnet::IpNet]>,
) -> Result<(), KeyError> {
    for (field, names) in [("voices", voices), ("models", models)] {
        let Some(NameSet::Only(names)) = names else {
            continue;
        };
        if names.len() > MAX_NAMES {
            return Err(KeyError::Invalid {
                field,
                reason: format!("must be at most {MAX_NAMES} names"),
            });
        }
        let odd = |name: &String| {
            name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control)
        };
        if names.iter().any(odd) {
            return Err(KeyError::Invalid {
                field,
                reason: format!(
                    "every name must have 1 to {MAX_NAME_BYTES} bytes and no control characters"
                ),
            });
        }
    }
    if networks.is_some_and(|networks| networks.len() > MAX_NETWORKS) {
        return Err(KeyError::Invalid {
            field: "networks",
            reason: format!("must be at most {MAX_NETWORKS} networks"),
        });
    }
    Ok(())
}

fn check_budget(budget: Option<Micros>) -> Result<(), KeyError> {
    if budget.is_some_and(|budget| budget < Micros::ZERO || budget > Micros::MAX_TRANSFER) {
        return Err(KeyError::Invalid {
            field: "credit_budget",
            reason: format!("must be from 0 to {} credits", Micros::MAX_TRANSFER),
        });
    }
    Ok(())
}

fn check_end(end: Option<Timestamp>, now: Timestamp) -> Result<(), KeyError> {
    if end.is_some_and(|end| end <= now) {
        return Err(KeyError::Invalid {
            field: "expires_at",
            reason: "must be in the future".into(),
        });
    }
    Ok(())
}

fn require_some(services: ServiceSet) -> Result<(), KeyError> {
    if services.is_empty() {
        return Err(KeyError::Invalid {
            field: "services",
            reason: "must name at least one service".into(),
        });
    }
    Ok(())
}

fn key_name(name: &str) -> Result<String, KeyError> {
    checked_name(name)
        .and_then(|name| name.ok_or_else(|| "must not be empty".into()))
        .map_err(|reason| KeyError::Invalid {
            field: "name",
            reason,
        })
}

/// The part of a secret by which people recognise it.
fn shown(secret: &SecretString) -> String {
    secret.expose_secret()[..SHOWN_CHARACTERS].to_owned()
}

/// A key without a name, with every right and no limit.
fn blank(organization_id: OrgId, user_id: UserId, now: Timestamp) -> KeyRow {
    KeyRow {
        id: KeyId::generate(),
        organization_id,
        user_id,
        created_by_key_id: None,
        name: String::new(),
        prefix: String::new(),
        rights: Rights::everything(),
        tier_id: None,
        limits: LimitSet::default(),
        credit_budget: None,
        credits_committed: Micros::ZERO,
        expires_at: None,
        created_at: now,
        updated_at: now,
        last_used_at: None,
        revoked_at: None,
    }
}

/// A new key with every right and its secret, for the first start; nothing is stored yet.
pub(crate) fn first_key(
    organization_id: OrgId,
    user_id: UserId,
    name: String,
    now: Timestamp,
) -> (KeyRow, SecretString) {
    let secret = random_api_key();
    let row = KeyRow {
        name,
        prefix: shown(&secret),
        ..blank(organization_id, user_id, now)
    };
    (row, secret)
}

fn api_key(row: KeyRow) -> ApiKey {
    ApiKey {
        id: row.id,
        organization_id: row.organization_id,
        user_id: row.user_id,
        created_by_key_id: row.created_by_key_id,
        name: row.name,
        prefix: row.prefix,
        rights: row.rights,
        tier_id: row.tier_id,
        limits: row.limits,
        credit_budget: row.credit_budget,
        credits_committed: row.credits_committed,
        created_at: row.created_at,
        updated_at: row.updated_at,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    }
}

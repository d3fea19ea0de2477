//! API keys: long-lived credentials that act as an account in its organisation.

mod error;
pub(crate) mod touch;
mod types;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use voxgate_domain::{KeyId, OrgId, Page, Paged, Timestamp, UserId};
use voxgate_store::keys::{self, KeyRow};
use voxgate_store::users;

use crate::Principal;
use crate::core::Core;
use crate::identity::checked_name;
use crate::secrets::{API_KEY_PREFIX, random_api_key};
pub use error::KeyError;
pub use types::{ApiKey, CreateKey, CreatedKey};

/// How much of a secret is kept to recognise it by: the prefix and 5 of its 43 random characters.
const SHOWN_CHARACTERS: usize = API_KEY_PREFIX.len() + 5;

/// The API key use cases.
#[derive(Clone)]
pub struct Keys {
    core: Arc<Core>,
}

impl Keys {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes a key that acts as an account in its organisation. A key never makes another one: whoever finds a key must
    /// not be able to keep access after it is revoked.
    ///
    /// # Errors
    /// `Forbidden` for another's account without administering its organisation or without outranking it, and for callers
    /// with a key; `NotFound` for an unknown or foreign account; `Invalid` for an account without an organisation.
    pub fn create<'a>(
        &'a self,
        principal: &'a Principal,
        command: CreateKey,
    ) -> BoxFuture<'a, Result<CreatedKey, KeyError>> {
        Box::pin(async move {
            if principal.key_id().is_some() {
                return Err(KeyError::Forbidden);
            }
            let name = checked_name(&command.name)
                .and_then(|name| name.ok_or_else(|| "must not be empty".into()))
                .map_err(|reason| KeyError::Invalid {
                    field: "name",
                    reason,
                })?;
            let id = command
                .user_id
                .or(principal.user_id())
                .ok_or(KeyError::NotFound)?;
            let user = users::get_any_org(&self.core.db, id)
                .await?
                .map(|account| account.user)
                .ok_or(KeyError::NotFound)?;
            if principal.user_id() != Some(id) {
                let visible = user
                    .organization_id
                    .map_or(principal.is_system_admin(), |org| principal.may_see(org));
                if !visible {
                    return Err(KeyError::NotFound);
                }
                let administers = user
                    .organization_id
                    .is_some_and(|org| principal.may_administer(org));
                if !(administers && principal.role().may_grant(user.role)) {
                    return Err(KeyError::Forbidden);
                }
            }
            let organization_id = user.organization_id.ok_or_else(|| KeyError::Invalid {
                field: "user_id",
                reason: "the account belongs to no organization".into(),
            })?;
            let (row, secret) = new_key(organization_id, id, name, self.core.now());
            let key_hash = self.core.hashes.api_key(secret.expose_secret());
            let row = self
                .core
                .db
                .write(move |tx| {
                    let (row, key_hash) = (row.clone(), key_hash.clone());
                    async move {
                        keys::insert(tx, &row, &key_hash).await?;
                        Ok::<_, KeyError>(row)
                    }
                    .boxed()
                })
                .await?;
            tracing::info!(key.id = %row.id, org.id = %organization_id, "API key created");
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

    /// Revokes a key; its next use fails. Revoking twice is no error.
    ///
    /// # Errors
    /// `NotFound`, also for a foreign key and for another's without administering the organisation.
    pub fn revoke<'a>(
        &'a self,
        principal: &'a Principal,
        id: KeyId,
    ) -> BoxFuture<'a, Result<(), KeyError>> {
        Box::pin(async move {
            let key = keys::get_any_org(&self.core.db, id)
                .await?
                .filter(|key| {
                    principal.may_administer(key.organization_id)
                        || (principal.may_see(key.organization_id)
                            && principal.user_id() == Some(key.user_id))
                })
                .ok_or(KeyError::NotFound)?;
            let now = self.core.now();
            self.core
                .db
                .write(move |tx| {
                    async move {
                        keys::revoke(tx, key.organization_id, id, now).await?;
                        Ok::<_, KeyError>(())
                    }
                    .boxed()
                })
                .await?;
            tracing::info!(key.id = %id, "API key revoked");
            Ok(())
        })
    }
}

/// A new key and its secret; nothing is stored yet.
pub(crate) fn new_key(
    organization_id: OrgId,
    user_id: UserId,
    name: String,
    now: Timestamp,
) -> (KeyRow, SecretString) {
    let secret = random_api_key();
    let row = KeyRow {
        id: KeyId::generate(),
        organization_id,
        user_id,
        name,
        prefix: secret.expose_secret()[..SHOWN_CHARACTERS].to_owned(),
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    };
    (row, secret)
}

fn api_key(row: KeyRow) -> ApiKey {
    ApiKey {
        id: row.id,
        organization_id: row.organization_id,
        user_id: row.user_id,
        name: row.name,
        prefix: row.prefix,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        revoked_at: row.revoked_at,
    }
}

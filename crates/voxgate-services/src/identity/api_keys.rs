//! How the secret of an API key becomes a principal.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use voxgate_domain::Rights;
use voxgate_store::keys::{self, KeyCredential, MakerKey};

use super::{AuthError, Identity};
use crate::keys::credentials::Known;
use crate::keys::rights::{both, without_admin};
use crate::plans::effective;
use crate::secrets::{API_KEY_BYTES, KeyHash, is_well_formed_api_key};
use crate::{CredentialKind, KeyContext, Principal};

/// A key's last use is noted at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

impl Identity {
    /// What a recent look-up says, without asking anybody.
    pub(super) fn remembered(
        &self,
        secret: &str,
        address: Option<IpAddr>,
    ) -> Option<Result<Principal, AuthError>> {
        // The check characters need not be looked at here: what is found by its hash was well-formed when it was kept.
        if secret.len() != API_KEY_BYTES {
            return None;
        }
        let core = &self.core;
        let hash = core.hashes.api_key(secret);
        let hit = core
            .credentials
            .get(&hash, address, core.clock.monotonic(), || core.now())?;
        if hit.renew {
            let identity = self.clone();
            drop(core.tasks.spawn(async move {
                match identity.look_up(hash).await {
                    Ok(known) => identity.note_use(&known),
                    // The next use that finds nothing remembered asks again, and answers whatever is wrong.
                    Err(error) => tracing::debug!(%error, "a remembered API key was not renewed"),
                }
            }));
        }
        Some(hit.verdict)
    }

    pub(super) async fn by_key(
        &self,
        secret: &str,
        address: Option<IpAddr>,
    ) -> Result<Principal, AuthError> {
        if let Some(verdict) = self.remembered(secret, address) {
            return verdict;
        }
        let verdict = self.by_unknown_key(secret, address).await;
        if let Err(error) = &verdict {
            tracing::debug!(%error, client = ?address, "API key refused");
        }
        verdict
    }

    async fn by_unknown_key(
        &self,
        secret: &str,
        address: Option<IpAddr>,
    ) -> Result<Principal, AuthError> {
        if !is_well_formed_api_key(secret) {
            return Err(AuthError::MalformedKey);
        }
        let known = self.look_up(self.core.hashes.api_key(secret)).await?;
        let principal = known.admit(address, || self.core.now())?;
        self.note_use(&known);
        Ok(principal)
    }

    /// Asks the database, and remembers what opens the door: also where it does not open it to this address, since it may
    /// to the next.
    async fn look_up(&self, hash: KeyHash) -> Result<Arc<Known>, AuthError> {
        let core = &self.core;
        let ticket = core.credentials.ticket(core.clock.monotonic());
        let Some(found) = keys::credential_any_org(&core.db, hash.as_bytes()).await? else {
            let revoked = keys::is_revoked_any_org(&core.db, hash.as_bytes()).await?;
            return Err(if revoked {
                AuthError::RevokedKey
            } else {
                AuthError::UnknownKey
            });
        };
        // The index found it, in whatever time that takes; this decides.
        if !hash.is(&found.secret_hash) {
            return Err(AuthError::UnknownKey);
        }
        if !found.is_active {
            return Err(AuthError::Unauthenticated);
        }
        self.require_verified(found.is_verified)?;
        // A key of an account that may do nothing any more can have made none that may.
        let is_dead = |maker: &MakerKey| maker.revoked_at.is_some() || maker.role.is_none();
        if found.makers.iter().any(is_dead) {
            return Err(AuthError::RevokedKey);
        }
        let known = Arc::new(known(found));
        core.credentials.put(hash, ticket, Arc::clone(&known));
        Ok(known)
    }

    fn note_use(&self, known: &Known) {
        let (core, now) = (&self.core, self.core.now());
        if let Some(id) = known.principal.key_id()
            && known
                .last_used_at
                .is_none_or(|used| now.since(used) >= TOUCH_EVERY)
        {
            core.touches.note(core, id, now);
        }
    }
}

/// What is kept of a good key: its rights are those that it, its account's role and every key above it with its account have.
fn known(found: KeyCredential) -> Known {
    let ends_at = found
        .makers
        .iter()
        .map(|maker| maker.expires_at)
        .chain([found.expires_at, found.secret_expires_at])
        .flatten()
        .min();
    let mut rights = both(&found.rights, &Rights::of_role(found.role));
    for maker in &found.makers {
        rights = rights.and_then(|rights| both(&rights, &maker.rights));
        if let Some(role) = maker.role {
            rights = rights.and_then(|rights| both(&rights, &Rights::of_role(role)));
        }
    }
    let usable_somewhere = rights.is_some();
    let mut rights = rights.unwrap_or(found.rights);
    if !found.makers.is_empty() {
        rights.services = without_admin(rights.services);
    }
    Known {
        principal: Principal {
            user_id: Some(found.user_id),
            role: found.role,
            organization: Some(effective::context(&found.organization)),
            credential: CredentialKind::ApiKey(found.id),
            rights: Arc::new(rights),
            key: Some(KeyContext {
                id: found.id,
                limits: found.limits.or(&found.tier_limits),
                credit_budget: found.credit_budget,
            }),
            address: None,
        },
        usable_somewhere,
        ends_at,
        last_used_at: found.last_used_at,
    }
}

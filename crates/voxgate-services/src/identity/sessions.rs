//! Opening a session, recognising a caller, ending a session.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use voxgate_domain::{EmailAddress, Rights, Timestamp, UserId};
use voxgate_store::{Tx, users};

use super::password::Verdict;
use super::throttle::Subjects;
use super::tokens::SessionClaims;
use super::{AuthError, Credential, Identity, LoginCommand, LoginError, Session};
use crate::plans::effective;
use crate::secrets::API_KEY_PREFIX;
use crate::{CredentialKind, Principal};

impl Identity {
    /// Opens a session.
    ///
    /// Unknown user, wrong password and inactive account take the same steps and the same time. Of two sessions opened in
    /// one second the later one ends a second later, so that every session has a token of its own and ending one never
    /// ends another.
    ///
    /// # Errors
    /// [`LoginError`].
    ///
    /// # Cancel safety
    /// Dropping it may or may not open the session; nobody has its token then.
    pub fn login<'a>(
        &'a self,
        command: LoginCommand,
    ) -> BoxFuture<'a, Result<Session, LoginError>> {
        Box::pin(async move {
            let core = &self.core;
            let config = &core.config.identity;
            let email_key = EmailAddress::key_of(&command.username);
            let subjects = Subjects::new(&core.hashes, &email_key, command.client);
            // Asked before the line, so that a braked client does not take up a place, and again at the desk, so that a volley
            // sent before the first answer gets at most `hash_concurrency` guesses past the brake.
            self.check_throttle(&subjects).await?;
            let place = core.passwords.place().await.map_err(|_| LoginError::Busy)?;
            self.check_throttle(&subjects).await?;

            let account = users::get_by_email_any_org(&core.db, &email_key).await?;
            let stored = account
                .as_ref()
                .map(|account| account.password_hash.as_str());
            let (place, verdict) = core
                .passwords
                .verify(place, &command.password, stored)
                .await?;
            let account = account.filter(|account| account.user.is_active);
            let (Some(account), Verdict::Right | Verdict::Upgraded(_)) = (account, &verdict) else {
                let (throttle, now) = (config.throttle, core.now());
                core.db
                    .write(move |tx| {
                        let subjects = subjects.clone();
                        async move {
                            subjects.record_failure(tx, &throttle, now).await?;
                            Ok::<_, LoginError>(())
                        }
                        .boxed()
                    })
                    .await?;
                drop(place);
                tracing::info!(client = ?command.client, "login refused");
                return Err(LoginError::BadCredentials);
            };
            drop(place);
            if config.require_verified && !account.user.is_verified {
                return Err(LoginError::NotVerified);
            }

            let (id, seen_hash) = (account.user.id, account.password_hash);
            let upgraded = match verdict {
                Verdict::Upgraded(hash) => Some(hash),
                Verdict::Right | Verdict::Wrong => None,
            };
            let (now, lifetime) = (core.now(), config.session_lifetime);
            let ends_at = core
                .db
                .write(move |tx| {
                    let (subjects, seen_hash, upgraded) =
                        (subjects.clone(), seen_hash.clone(), upgraded.clone());
                    async move {
                        subjects.record_success(tx).await?;
                        open_session(tx, id, &seen_hash, upgraded.as_deref(), now, lifetime).await
                    }
                    .boxed()
                })
                .await?;
            let token = core
                .tokens
                .make_session(&SessionClaims { user: id, ends_at })?;
            tracing::info!(user.id = %id, "session opened");
            Ok(Session {
                token: token.into(),
                expires_at: Timestamp::from_secs(ends_at),
            })
        })
    }

    async fn check_throttle(&self, subjects: &Subjects) -> Result<(), LoginError> {
        let core = &self.core;
        match subjects
            .refusal(&core.db, &core.config.identity.throttle, core.now())
            .await?
        {
            Some(refusal) => Err(LoginError::Throttled(refusal)),
            None => Ok(()),
        }
    }

    /// Finds out who presents a credential, from which address.
    ///
    /// Of a session the account is read each time, so that whatever ends it (logging out, deactivating, removing) holds
    /// from the next request on. What is known of an API key is believed for a second and a half: what changes through
    /// this process holds from the next request on, what changes elsewhere within two seconds.
    ///
    /// # Errors
    /// [`AuthError`].
    pub fn authenticate<'a>(
        &'a self,
        credential: &'a Credential,
        address: Option<IpAddr>,
    ) -> BoxFuture<'a, Result<Principal, AuthError>> {
        Box::pin(async move {
            match api_key(credential) {
                Some(secret) => self.by_key(secret, address).await,
                None => self.by_session(text(credential), address).await,
            }
        })
    }

    /// The same at once, without asking the database, where a recent look-up of the API key is remembered; `None` where
    /// it is not, or the credential is no API key: then [`Identity::authenticate`] knows.
    #[must_use]
    pub fn recognize(
        &self,
        credential: &Credential,
        address: Option<IpAddr>,
    ) -> Option<Result<Principal, AuthError>> {
        self.remembered(api_key(credential)?, address)
    }

    async fn by_session(
        &self,
        token: &str,
        address: Option<IpAddr>,
    ) -> Result<Principal, AuthError> {
        let core = &self.core;
        let claims = core
            .tokens
            .read_session(token, core.now())
            .ok_or(AuthError::Unauthenticated)?;
        let token_hash = core.hashes.session(token);
        let session = users::session_any_org(&core.db, claims.user, &token_hash)
            .await?
            .filter(|session| {
                session.is_active
                    && !session.revoked
                    && claims.ends_at > session.sessions_void_through
            })
            .ok_or(AuthError::Unauthenticated)?;
        self.require_verified(session.is_verified)?;
        Ok(Principal {
            user_id: Some(claims.user),
            role: session.role,
            organization: session.organization.as_ref().map(effective::context),
            credential: CredentialKind::Session {
                token_hash,
                expires_at: Timestamp::from_secs(claims.ends_at),
            },
            rights: Arc::new(Rights::of_role(session.role)),
            key: None,
            address,
        })
    }

    pub(super) fn require_verified(&self, is_verified: bool) -> Result<(), AuthError> {
        if self.core.config.identity.require_verified && !is_verified {
            return Err(AuthError::NotVerified);
        }
        Ok(())
    }

    /// Ends the session the caller presented.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] where the caller came with an API key: there is no session to end.
    pub fn logout<'a>(&'a self, principal: &'a Principal) -> BoxFuture<'a, Result<(), AuthError>> {
        Box::pin(async move {
            let CredentialKind::Session {
                token_hash,
                expires_at,
            } = principal.credential().clone()
            else {
                return Err(AuthError::Unauthenticated);
            };
            self.core
                .db
                .write(move |tx| {
                    let token_hash = token_hash.clone();
                    async move {
                        users::revoke_session(tx, &token_hash, expires_at).await?;
                        Ok(())
                    }
                    .boxed()
                })
                .await
        })
    }
}

/// The secret of an API key, where the credential can be one.
fn api_key(credential: &Credential) -> Option<&str> {
    match credential {
        Credential::ApiKey(value) => Some(value.expose_secret()),
        Credential::Bearer(value) => {
            Some(value.expose_secret()).filter(|value| value.starts_with(API_KEY_PREFIX))
        }
    }
}

fn text(credential: &Credential) -> &str {
    match credential {
        Credential::ApiKey(value) | Credential::Bearer(value) => value.expose_secret(),
    }
}

/// Decides when the new session ends (seconds since 1970) and remembers it; the account is read again, because hashing
/// took a while.
async fn open_session(
    tx: &mut Tx<'_>,
    id: UserId,
    seen_hash: &str,
    upgraded: Option<&str>,
    now: Timestamp,
    lifetime: Duration,
) -> Result<i64, LoginError> {
    let account = users::get_any_org_in(tx, id)
        .await?
        .filter(|account| account.user.is_active && account.password_hash == seen_hash)
        .ok_or(LoginError::BadCredentials)?;
    if let Some(hash) = upgraded {
        users::upgrade_password(tx, id, seen_hash, hash).await?;
    }
    let lifetime = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 4);
    let usual = now.as_secs().saturating_add(lifetime);
    // However fast somebody logs in, no session lasts more than twice its time.
    let latest = usual.saturating_add(lifetime);
    let ends_at = usual
        .max(account.last_session_ends_at.saturating_add(1))
        .min(latest)
        .max(account.sessions_void_through.saturating_add(1));
    users::open_session(tx, id, ends_at).await?;
    Ok(ends_at)
}

//! Proving an address and recovering a password: links that go out by mail and come back as tokens.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use voxgate_domain::{EmailAddress, InvalidPassword, User};
use voxgate_store::throttle::{self, Failures};
use voxgate_store::users::{self, Account};

use super::tokens::{ResetClaims, VerifyClaims};
use super::{AccountError, Identity, ResetPasswordCommand, account_event};
use crate::audit::{self, Actor};
use crate::mail::letters::{Letter, LetterKind};

impl Identity {
    /// Mails a link that verifies an address. Succeeds for every well-formed address, known or not, and takes one
    /// transaction either way. Asking again within `identity.mail_interval` sends nothing more.
    ///
    /// # Errors
    /// [`AccountError::InvalidEmail`].
    pub fn request_verify<'a>(&'a self, email: &'a str) -> BoxFuture<'a, Result<(), AccountError>> {
        Box::pin(async move { self.mail_link(email, LetterKind::Verify).await })
    }

    /// Mails a link that resets the password. Succeeds for every well-formed address, known or not, and takes one
    /// transaction either way. Asking again within `identity.mail_interval` sends nothing more.
    ///
    /// # Errors
    /// [`AccountError::InvalidEmail`].
    pub fn forgot_password<'a>(
        &'a self,
        email: &'a str,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        Box::pin(async move { self.mail_link(email, LetterKind::Reset).await })
    }

    async fn mail_link(&self, email: &str, kind: LetterKind) -> Result<(), AccountError> {
        let core = &self.core;
        let email = EmailAddress::parse(email, core.config.email)?;
        let now = core.now();
        let email_key = email.key();
        let subject = core.hashes.throttle(&["mail", kind.as_str(), &email_key]);
        let interval = core.config.identity.mail_interval;
        let account = users::get_by_email_any_org(&core.db, &email_key).await?;
        let letter = account
            .filter(|account| account.user.is_active)
            .map(|account| self.link_letter(kind, &account))
            .transpose()?
            .flatten();
        core.db
            .write(move |tx| {
                let (subject, letter) = (subject.clone(), letter.clone());
                async move {
                    // Known or not, the address is noted: the work is the same, and so is the time.
                    let recent = throttle::get_in(tx, &subject).await?.is_some_and(|known| {
                        now < known.blocked_until && known.last_failure_at <= now
                    });
                    if recent {
                        return Ok(());
                    }
                    let noted = Failures {
                        failures: 0,
                        last_failure_at: now,
                        blocked_until: now.saturating_add(interval),
                    };
                    throttle::put(tx, &subject, &noted).await?;
                    if let Some(letter) = letter {
                        letter.queue(tx, now).await?;
                    }
                    Ok::<_, AccountError>(())
                }
                .boxed()
            })
            .await?;
        core.mail_waiting.notify_one();
        Ok(())
    }

    fn link_letter(
        &self,
        kind: LetterKind,
        account: &Account,
    ) -> Result<Option<Letter>, AccountError> {
        let core = &self.core;
        let (user, config) = (&account.user, &core.config.identity);
        let base = &core.config.public_base_url;
        Ok(match kind {
            LetterKind::Verify if user.is_verified => None,
            LetterKind::Verify => {
                let ends_at = core.now().saturating_add(config.verify_token_lifetime);
                let claims = VerifyClaims {
                    user: user.id,
                    email: user.email.clone(),
                };
                let token = core.tokens.make_verify(&claims, ends_at)?;
                Some(Letter::verify(base, &user.email, &token, ends_at))
            }
            LetterKind::Reset => {
                let ends_at = core.now().saturating_add(config.reset_token_lifetime);
                let claims = ResetClaims {
                    user: user.id,
                    fingerprint: core.hashes.password_fingerprint(&account.password_hash),
                };
                let token = core.tokens.make_reset(&claims, ends_at)?;
                Some(Letter::reset(base, &user.email, &token, ends_at))
            }
            LetterKind::Invitation => None,
        })
    }

    /// Verifies an address with the token from the mail.
    ///
    /// # Errors
    /// [`AccountError::BadToken`] also where the address has changed since; [`AccountError::AlreadyVerified`].
    pub fn verify<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<User, AccountError>> {
        Box::pin(async move {
            let core = &self.core;
            let now = core.now();
            let claims = core
                .tokens
                .read_verify(token, now)
                .ok_or(AccountError::BadToken)?;
            core.db
                .write(move |tx| {
                    let email = claims.email.clone();
                    async move {
                        let mut user = users::get_any_org_in(tx, claims.user)
                            .await?
                            .map(|account| account.user)
                            .filter(|user| user.is_active && user.email == email)
                            .ok_or(AccountError::BadToken)?;
                        if user.is_verified {
                            return Err(AccountError::AlreadyVerified);
                        }
                        let before = user.clone();
                        user.is_verified = true;
                        user.updated_at = now;
                        users::update(tx, &user).await?;
                        let event = account_event("user.verify", Some(&before), Some(&user), false);
                        audit::record(tx, Actor::user(user.id), event, now).await?;
                        Ok(user)
                    }
                    .boxed()
                })
                .await
        })
    }

    /// Sets a new password with the token from the mail, and ends every session of the account.
    ///
    /// # Errors
    /// [`AccountError::BadToken`] also where the password has changed since; [`AccountError::InvalidPassword`].
    pub fn reset_password<'a>(
        &'a self,
        command: ResetPasswordCommand,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        Box::pin(async move {
            use secrecy::ExposeSecret as _;
            let core = &self.core;
            let now = core.now();
            let claims = core
                .tokens
                .read_reset(command.token.expose_secret(), now)
                .ok_or(AccountError::BadToken)?;
            let account = users::get_any_org(&core.db, claims.user)
                .await?
                .filter(|account| account.user.is_active)
                .filter(|account| {
                    core.hashes.password_fingerprint(&account.password_hash) == claims.fingerprint
                })
                .ok_or(AccountError::BadToken)?;
            let hash = core
                .hash_new_password(&command.password, &account.user.email)
                .await?;
            let (id, seen_hash) = (account.user.id, account.password_hash);
            core.db
                .write(move |tx| {
                    let (seen_hash, hash) = (seen_hash.clone(), hash.clone());
                    async move {
                        // Of two resets with one token the second finds another password.
                        let user = users::get_any_org_in(tx, id)
                            .await?
                            .filter(|account| account.password_hash == seen_hash)
                            .ok_or(AccountError::BadToken)?
                            .user;
                        users::update_password(tx, id, &hash, now).await?;
                        users::end_sessions(tx, id).await?;
                        let event =
                            account_event("user.reset_password", Some(&user), Some(&user), true);
                        audit::record(tx, Actor::user(id), event, now).await?;
                        Ok(())
                    }
                    .boxed()
                })
                .await
        })
    }

    /// Checks a password against the rule for new ones, without keeping it; for pages that want to say so early.
    ///
    /// # Errors
    /// [`InvalidPassword`] with the reason.
    pub fn check_password_rule(&self, password: &str, email: &str) -> Result<(), InvalidPassword> {
        self.core.config.identity.password.check(password, email)
    }
}

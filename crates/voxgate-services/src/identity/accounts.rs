//! Accounts: making, reading, changing, removing.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use voxgate_domain::{EmailAddress, OrgId, Page, Paged, Patch, Role, Timestamp, User, UserId};
use voxgate_store::{Tx, orgs, users};

use super::{
    AccountError, CreateUserCommand, CreatedUser, Identity, RegisterCommand, UpdateMe, UpdateUser,
    account_event, checked_name,
};
use crate::audit::{self, Actor};
use crate::{Principal, secrets};

/// A change of an account, checked and hashed, ready for its transaction.
#[derive(Clone, Default)]
struct Change {
    /// The new address and its key.
    email: Option<(String, String)>,
    password_hash: Option<String>,
    full_name: Patch<String>,
    is_active: Option<bool>,
    is_superuser: Option<bool>,
    is_verified: Option<bool>,
    role: Option<Role>,
    organization_id: Patch<OrgId>,
    end_sessions: bool,
}

impl Identity {
    /// Whether strangers may create accounts; where not, the route does not exist.
    #[must_use]
    pub fn registration_enabled(&self) -> bool {
        self.core.config.identity.registration_enabled
    }

    /// Creates an account for a stranger, where the installation allows it: a plain user without an organisation.
    ///
    /// # Errors
    /// [`AccountError::RegistrationDisabled`], `InvalidEmail`, `InvalidPassword` (checked before) `EmailTaken`.
    pub fn register<'a>(
        &'a self,
        command: RegisterCommand,
    ) -> BoxFuture<'a, Result<User, AccountError>> {
        Box::pin(async move {
            if !self.registration_enabled() {
                return Err(AccountError::RegistrationDisabled);
            }
            let email = EmailAddress::parse(&command.email, self.core.config.email)?;
            let user = self.new_user(
                &email,
                command.full_name.as_deref(),
                Role::OrgUser,
                None,
                false,
            )?;
            let actor = Actor::user(user.id);
            self.add(user, &email, &command.password, actor, "user.register")
                .await
        })
    }

    /// Creates an account; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `InvalidEmail`, `InvalidPassword`, `EmailTaken`, `Invalid { field: "organization_id" }`.
    pub fn create_user<'a>(
        &'a self,
        principal: &'a Principal,
        command: CreateUserCommand,
    ) -> BoxFuture<'a, Result<CreatedUser, AccountError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            let email = EmailAddress::parse(&command.email, self.core.config.email)?;
            match command.organization_id {
                Some(id) => {
                    if orgs::get(&self.core.db, id).await?.is_none() {
                        return Err(no_such_organization());
                    }
                }
                None if command.role == Role::SystemAdmin => {}
                None => {
                    return Err(AccountError::Invalid {
                        field: "organization_id",
                        reason: format!("an {} needs an organization", command.role),
                    });
                }
            }
            let generated = command.password.is_none().then(secrets::random_password);
            let password = command
                .password
                .or_else(|| generated.clone())
                .unwrap_or_default();
            let user = self.new_user(
                &email,
                command.full_name.as_deref(),
                command.role,
                command.organization_id,
                true,
            )?;
            let user = self
                .add(user, &email, &password, principal.into(), "user.create")
                .await?;
            tracing::info!(user.id = %user.id, user.role = %user.role, "account created");
            Ok(CreatedUser {
                user,
                generated_password: generated,
            })
        })
    }

    fn new_user(
        &self,
        email: &EmailAddress,
        full_name: Option<&str>,
        role: Role,
        organization_id: Option<OrgId>,
        is_verified: bool,
    ) -> Result<User, AccountError> {
        let now = self.core.now();
        Ok(User {
            id: UserId::generate(),
            email: email.as_str().to_owned(),
            full_name: full_name.map(name_or_invalid).transpose()?.flatten(),
            role,
            organization_id,
            is_active: true,
            is_verified,
            created_at: now,
            updated_at: now,
        })
    }

    async fn add(
        &self,
        user: User,
        email: &EmailAddress,
        password: &SecretString,
        actor: Actor,
        action: &'static str,
    ) -> Result<User, AccountError> {
        let hash = self
            .core
            .hash_new_password(password, email.as_str())
            .await?;
        let email_key = email.key();
        self.core
            .db
            .write(move |tx| {
                let (user, email_key, hash) = (user.clone(), email_key.clone(), hash.clone());
                async move {
                    if !users::insert(tx, &user, &email_key, &hash).await? {
                        return Err(AccountError::EmailTaken);
                    }
                    let event = account_event(action, None, Some(&user), false);
                    audit::record(tx, actor, event, user.created_at).await?;
                    Ok(user)
                }
                .boxed()
            })
            .await
    }

    /// The caller's own account.
    ///
    /// # Errors
    /// [`AccountError::NotFound`] for the operator, who has none.
    pub fn me<'a>(&'a self, principal: &'a Principal) -> BoxFuture<'a, Result<User, AccountError>> {
        Box::pin(async move {
            let id = principal.user_id().ok_or(AccountError::NotFound)?;
            self.read(id).await
        })
    }

    /// Changes the caller's own account. An address or a password cannot be changed with an API key: whoever finds a key
    /// must not be able to take the account.
    ///
    /// # Errors
    /// `InvalidEmail`, `EmailTaken` (also for one's own address in other letter case, as in the reference),
    /// `InvalidPassword`, `Forbidden`.
    pub fn update_me<'a>(
        &'a self,
        principal: &'a Principal,
        change: UpdateMe,
    ) -> BoxFuture<'a, Result<User, AccountError>> {
        Box::pin(async move {
            let id = principal.user_id().ok_or(AccountError::NotFound)?;
            if principal.key_id().is_some() && (change.email.is_some() || change.password.is_some())
            {
                return Err(AccountError::Forbidden);
            }
            let change = UpdateUser {
                email: change.email,
                password: change.password,
                full_name: change.full_name,
                ..UpdateUser::default()
            };
            self.change(id, change, principal.into()).await
        })
    }

    /// Any account; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub fn user<'a>(
        &'a self,
        principal: &'a Principal,
        id: UserId,
    ) -> BoxFuture<'a, Result<User, AccountError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            self.read(id).await
        })
    }

    /// The account of an address; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub fn user_by_email<'a>(
        &'a self,
        principal: &'a Principal,
        email: &'a str,
    ) -> BoxFuture<'a, Result<User, AccountError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            users::get_by_email_any_org(&self.core.db, &EmailAddress::key_of(email))
                .await?
                .map(|account| account.user)
                .ok_or(AccountError::NotFound)
        })
    }

    /// Every account, or every account of one organisation; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn users<'a>(
        &'a self,
        principal: &'a Principal,
        organization: Option<OrgId>,
        page: Page,
    ) -> BoxFuture<'a, Result<Paged<User>, AccountError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            let (items, total) = match organization {
                Some(id) => users::list(&self.core.db, id, page).await?,
                None => users::list_any_org(&self.core.db, page).await?,
            };
            Ok(Paged { items, total })
        })
    }

    /// Changes any account; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `InvalidEmail`, `InvalidPassword`, `EmailTaken`, `Invalid`, `LastAdministrator`.
    pub fn update_user<'a>(
        &'a self,
        principal: &'a Principal,
        id: UserId,
        change: UpdateUser,
    ) -> BoxFuture<'a, Result<User, AccountError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            let user = self.change(id, change, principal.into()).await?;
            tracing::info!(user.id = %id, "account changed by an administrator");
            Ok(user)
        })
    }

    /// Removes an account with its API keys; system administrators only. Its usage history stays.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `LastAdministrator`.
    pub fn delete_user<'a>(
        &'a self,
        principal: &'a Principal,
        id: UserId,
    ) -> BoxFuture<'a, Result<(), AccountError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            let (actor, now) = (Actor::from(principal), self.core.now());
            let result = self
                .core
                .db
                .write(move |tx| {
                    async move {
                        let account = users::get_any_org_in(tx, id)
                            .await?
                            .ok_or(AccountError::NotFound)?;
                        keep_an_administrator(tx, &account.user).await?;
                        users::delete(tx, id).await?;
                        let event = account_event("user.delete", Some(&account.user), None, false);
                        audit::record(tx, actor, event, now).await?;
                        Ok::<_, AccountError>(())
                    }
                    .boxed()
                })
                .await;
            self.core.credentials.forget_after(&result);
            result?;
            tracing::info!(user.id = %id, "account removed");
            Ok(())
        })
    }

    async fn read(&self, id: UserId) -> Result<User, AccountError> {
        users::get_any_org(&self.core.db, id)
            .await?
            .map(|account| account.user)
            .ok_or(AccountError::NotFound)
    }

    async fn change(
        &self,
        id: UserId,
        change: UpdateUser,
        actor: Actor,
    ) -> Result<User, AccountError> {
        let core = &self.core;
        let current = self.read(id).await?;
        let email = change
            .email
            .map(|email| EmailAddress::parse(&email, core.config.email))
            .transpose()?
            .filter(|email| email.as_str() != current.email);
        let guarded = email
            .as_ref()
            .map_or(current.email.as_str(), EmailAddress::as_str);
        let password_hash = match &change.password {
            Some(password) => Some(core.hash_new_password(password, guarded).await?),
            None => None,
        };
        let full_name = match change.full_name {
            Patch::Set(name) => name_or_invalid(&name)?.map_or(Patch::Clear, Patch::Set),
            other => other,
        };
        let change = Change {
            email: email.map(|email| (email.as_str().to_owned(), email.key())),
            end_sessions: password_hash.is_some()
                && core.config.identity.end_sessions_on_password_change,
            password_hash,
            full_name,
            is_active: change.is_active,
            is_superuser: change.is_superuser,
            is_verified: change.is_verified,
            role: change.role,
            organization_id: change.organization_id,
        };
        let now = core.now();
        let result = core
            .db
            .write(move |tx| {
                let change = change.clone();
                async move { apply(tx, id, change, actor, now).await }.boxed()
            })
            .await;
        core.credentials.forget_after(&result);
        result
    }
}

async fn apply(
    tx: &mut Tx<'_>,
    id: UserId,
    change: Change,
    actor: Actor,
    now: Timestamp,
) -> Result<User, AccountError> {
    let before = users::get_any_org_in(tx, id)
        .await?
        .ok_or(AccountError::NotFound)?
        .user;
    let mut after = before.clone();
    if let Some((email, email_key)) = change.email {
        // The reference refuses one's own address in other letter case too; clients have come to expect it.
        let own_key = EmailAddress::key_of(&before.email);
        if own_key == email_key || !users::update_email(tx, id, &email, &email_key).await? {
            return Err(AccountError::EmailTaken);
        }
        after.email = email;
        after.is_verified = false;
    }
    if let Some(hash) = &change.password_hash {
        users::update_password(tx, id, hash, now).await?;
    }
    if change.end_sessions {
        users::end_sessions(tx, id).await?;
    }
    after.full_name = change.full_name.apply(after.full_name);
    after.is_active = change.is_active.unwrap_or(after.is_active);
    after.is_verified = change.is_verified.unwrap_or(after.is_verified);
    if change.organization_id.is_mentioned() {
        if let Patch::Set(organization) = change.organization_id
            && orgs::get_in(tx, organization).await?.is_none()
        {
            return Err(no_such_organization());
        }
        after.organization_id = change.organization_id.apply(after.organization_id);
    }
    after.role = match (change.role, change.is_superuser) {
        (Some(role), _) => role,
        (None, Some(true)) => Role::SystemAdmin,
        (None, Some(false)) if after.role == Role::SystemAdmin => {
            if after.organization_id.is_some() {
                Role::OrgAdmin
            } else {
                Role::OrgUser
            }
        }
        (None, _) => after.role,
    };
    if after.role != Role::SystemAdmin || !after.is_active {
        keep_an_administrator(tx, &before).await?;
    }
    if after != before || change.password_hash.is_some() {
        after.updated_at = now;
        users::update(tx, &after).await?;
        let new_password = change.password_hash.is_some();
        let event = account_event("user.update", Some(&before), Some(&after), new_password);
        audit::record(tx, actor, event, now).await?;
    }
    Ok(after)
}

/// Refuses to lose the last active system administrator.
async fn keep_an_administrator(tx: &mut Tx<'_>, losing: &User) -> Result<(), AccountError> {
    let counts = losing.role == Role::SystemAdmin && losing.is_active;
    if counts && users::count_other_admins_any_org_in(tx, losing.id).await? == 0 {
        return Err(AccountError::LastAdministrator);
    }
    Ok(())
}

fn require_system_admin(principal: &Principal) -> Result<(), AccountError> {
    if principal.is_system_admin() {
        Ok(())
    } else {
        Err(AccountError::Forbidden)
    }
}

fn name_or_invalid(name: &str) -> Result<Option<String>, AccountError> {
    checked_name(name).map_err(|reason| AccountError::Invalid {
        field: "full_name",
        reason,
    })
}

fn no_such_organization() -> AccountError {
    AccountError::Invalid {
        field: "organization_id",
        reason: "there is no such organization".into(),
    }
}

//! The first start: one organisation, one system administrator, one API key.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use voxgate_domain::{
    EmailAddress, EmailPolicy, InvalidEmail, InvalidPassword, OrgId, Refusal, Refuse, Role, User,
    UserId,
};
use voxgate_store::{keys, orgs, users};

use crate::audit::{self, Actor};
use crate::core::Core;
use crate::fault::store_errors_are_faults;
use crate::identity::{NewPasswordError, account_event};
use crate::keys::{self as api_keys, first_key};
use crate::orgs::{new_row, org_event};
use crate::{Fault, secrets};

/// What the first start creates.
#[derive(Debug, Clone)]
pub struct BootstrapCommand {
    /// The administrator's address.
    pub admin_email: String,
    /// The administrator's password; `None` has one generated.
    pub admin_password: Option<SecretString>,
    /// The default organisation's name.
    pub organization_name: String,
}

/// What the first start has created; secrets are shown this once.
#[derive(Debug, Clone)]
pub struct Bootstrapped {
    /// The administrator's address, normalised.
    pub admin_email: String,
    /// The administrator's password.
    pub admin_password: SecretString,
    /// The administrator's account.
    pub admin_id: UserId,
    /// The default organisation.
    pub organization_id: OrgId,
    /// An API key of the administrator.
    pub api_key: SecretString,
}

/// Why the first start failed.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The administrator's address is not one.
    #[error(transparent)]
    InvalidEmail(#[from] InvalidEmail),
    /// The given password breaks the rule.
    #[error("invalid password: {0}")]
    InvalidPassword(#[from] InvalidPassword),
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for BootstrapError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::InvalidEmail(_) => Refusal::Invalid {
                field: Some("admin_email"),
            },
            Self::InvalidPassword(_) => Refusal::Invalid {
                field: Some("admin_password"),
            },
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidEmail(_) => "invalid_email",
            Self::InvalidPassword(_) => "invalid_password",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::InvalidEmail(error) => error.to_string(),
            Self::InvalidPassword(error) => error.to_string(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(BootstrapError);

/// The first start.
#[derive(Clone)]
pub struct Bootstrap {
    core: Arc<Core>,
}

impl Bootstrap {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Creates everything on an empty database, in one transaction; `None` where there are accounts already. Of several
    /// processes that start at once one creates.
    ///
    /// # Errors
    /// [`BootstrapError`].
    pub fn run<'a>(
        &'a self,
        command: BootstrapCommand,
    ) -> BoxFuture<'a, Result<Option<Bootstrapped>, BootstrapError>> {
        Box::pin(async move {
            let core = &self.core;
            // The operator's own choice at the machine itself: `admin@voxgate.local` is as good as any.
            let policy = EmailPolicy {
                allow_reserved_domains: true,
            };
            let email = EmailAddress::parse(&command.admin_email, policy)?;
            let name = command.organization_name.trim();
            let name = if name.is_empty() { "Default" } else { name };
            // Asked first, so that an ordinary start does not compute a password hash; decided in the transaction below.
            if users::any_any_org(&core.db).await? {
                return Ok(None);
            }

            let password = command
                .admin_password
                .unwrap_or_else(secrets::random_password);
            let password_hash = core
                .hash_new_password(&password, email.as_str())
                .await
                .map_err(|error| match error {
                    NewPasswordError::Invalid(error) => BootstrapError::InvalidPassword(error),
                    NewPasswordError::Busy => BootstrapError::Fault(Fault::Busy),
                    NewPasswordError::Fault(fault) => BootstrapError::Fault(fault),
                })?;
            let now = core.now();
            let limits = core.config.default_limits;
            let org = new_row(name.to_owned(), None, email.as_str(), limits, now);
            let admin = User {
                id: UserId::generate(),
                email: email.as_str().to_owned(),
                full_name: None,
                role: Role::SystemAdmin,
                organization_id: Some(org.id),
                is_active: true,
                is_verified: true,
                created_at: now,
                updated_at: now,
            };
            let (key, secret) = first_key(org.id, admin.id, "First key".into(), now);
            let key_hash = core.hashes.api_key(secret.expose_secret());
            let done = Bootstrapped {
                admin_email: admin.email.clone(),
                admin_password: password,
                admin_id: admin.id,
                organization_id: org.id,
                api_key: secret,
            };
            let email_key = email.key();
            let created = core
                .db
                .write(move |tx| {
                    let (org, admin, key) = (org.clone(), admin.clone(), key.clone());
                    let (email_key, password_hash) = (email_key.clone(), password_hash.clone());
                    async move {
                        if users::any_any_org_in(tx).await? {
                            return Ok(false);
                        }
                        orgs::insert(tx, &org).await?;
                        users::insert(tx, &admin, &email_key, &password_hash).await?;
                        keys::insert(tx, &key, key_hash.as_bytes()).await?;
                        for event in [
                            org_event("organization.create", None, &org),
                            account_event("user.create", None, Some(&admin), false),
                            api_keys::event("key.create", &key, api_keys::changes(None, &key)),
                        ] {
                            audit::record(tx, Actor::OPERATOR, event, now).await?;
                        }
                        Ok::<_, BootstrapError>(true)
                    }
                    .boxed()
                })
                .await?;
            if !created {
                return Ok(None);
            }
            tracing::info!(org.id = %done.organization_id, user.id = %done.admin_id, "first start: organisation, administrator and API key created");
            Ok(Some(done))
        })
    }
}

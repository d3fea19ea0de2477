//! The first start: one organisation, one system administrator, one API key.

use secrecy::SecretString;
use voxgate_domain::{InvalidEmail, InvalidPassword, OrgId, Refusal, Refuse, UserId};

use crate::Fault;
use crate::fault::store_errors_are_faults;

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
pub struct Bootstrap {}

impl Bootstrap {
    /// Creates everything on an empty database, in one transaction; `None` where there are accounts already. Of several
    /// processes that start at once one creates.
    ///
    /// # Errors
    /// [`BootstrapError`].
    pub async fn run(
        &self,
        _command: BootstrapCommand,
    ) -> Result<Option<Bootstrapped>, BootstrapError> {
        unimplemented!()
    }
}

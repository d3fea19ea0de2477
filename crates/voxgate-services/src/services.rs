//! The whole of the use cases, built once.

use std::sync::Arc;

use voxgate_domain::Clock;
use voxgate_store::Db;

use crate::bootstrap::Bootstrap;
use crate::config::ConfigError;
use crate::identity::Identity;
use crate::invitations::Invitations;
use crate::keys::Keys;
use crate::limits::Limits;
use crate::mail::Mail;
use crate::orgs::Orgs;
use crate::speech::{Speech, SpeechEngines};
use crate::usage::Usage;
use crate::{Fault, Secrets, ServicesConfig};

/// What [`Services::start`] is built from.
pub struct ServicesParts {
    /// What the operator has set.
    pub config: ServicesConfig,
    /// The database, already migrated.
    pub db: Db,
    /// Signing and hashing keys.
    pub secrets: Secrets,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
    /// What speaks, where models are loaded already; otherwise [`Speech::attach`] follows.
    pub engines: Option<SpeechEngines>,
}

/// Why the use cases cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A secret is too short, or the same as another's.
    #[error("the secret `{0}` must be at least {min} bytes long and differ from the others", min = Secrets::MIN_BYTES)]
    WeakSecret(&'static str),
    /// The outgoing mail cannot be set up.
    #[error("mail: {0}")]
    Mail(String),
    /// The database.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Every use case. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Services {
    #[allow(dead_code)]
    inner: Arc<Inner>,
}

struct Inner {}

impl Services {
    /// Checks the configuration, settles what a crash left behind and starts the background tasks.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    pub async fn start(_parts: ServicesParts) -> Result<Self, StartError> {
        unimplemented!()
    }

    /// Logins, sessions, accounts.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        unimplemented!()
    }

    /// Organisations.
    #[must_use]
    pub fn orgs(&self) -> &Orgs {
        unimplemented!()
    }

    /// Invitations.
    #[must_use]
    pub fn invitations(&self) -> &Invitations {
        unimplemented!()
    }

    /// API keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        unimplemented!()
    }

    /// What organisations may still use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        unimplemented!()
    }

    /// What organisations have used.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        unimplemented!()
    }

    /// Synthesis.
    #[must_use]
    pub fn speech(&self) -> &Speech {
        unimplemented!()
    }

    /// Outgoing messages.
    #[must_use]
    pub fn mail(&self) -> &Mail {
        unimplemented!()
    }

    /// The first start.
    #[must_use]
    pub fn bootstrap(&self) -> &Bootstrap {
        unimplemented!()
    }

    /// Whether the database answers; for readiness.
    ///
    /// # Errors
    /// [`Fault`] where it does not.
    pub async fn check(&self) -> Result<(), Fault> {
        unimplemented!()
    }

    /// Stops the background tasks and waits until everything that must be settled is settled. Call it after the
    /// listeners have drained and before the database is dropped.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}

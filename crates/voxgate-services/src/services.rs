//! The whole of the use cases, built once.

use futures_util::future::BoxFuture;
use std::sync::Arc;

use tokio::sync::{Mutex, Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use voxgate_domain::{Clock, Timestamp};
use voxgate_limits::Limiter;
use voxgate_store::Db;

use crate::audit::Audit;
use crate::bootstrap::Bootstrap;
use crate::config::ConfigError;
use crate::core::Core;
use crate::credits::Credits;
use crate::credits::prices::Prices;
use crate::gate::Gate;
use crate::gate::quotas::QuotaBook;
use crate::gate::turns::Turns;
use crate::identity::Identity;
use crate::identity::password::Passwords;
use crate::identity::tokens::Tokens;
use crate::invitations::Invitations;
use crate::keys::Keys;
use crate::keys::credentials::Credentials;
use crate::keys::touch::Touches;
use crate::mail::transport::Transport;
use crate::mail::{self, Mail};
use crate::metering::{self, Meter};
use crate::orgs::Orgs;
use crate::plans::Plans;
use crate::secrets::Hashes;
use crate::speech::{EngineSlot, Speech, SpeechEngines};
use crate::tasks::Tasks;
use crate::usage::Usage;
use crate::{Fault, Process, Secrets, ServicesConfig, maintenance};

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
    /// A secret is too short, the same as another's, or easily guessed.
    #[error("the secret `{0}` must be random, at least {min} bytes long and differ from the others", min = Secrets::MIN_BYTES)]
    WeakSecret(&'static str),
    /// Another process on this database would not know the keys, links and sessions that this one hands out.
    #[error(
        "a server that is running on this database works with other secrets; give every server the same files (`secrets.dir`)"
    )]
    ForeignSecrets,
    /// The outgoing mail cannot be set up.
    #[error("mail: {0}")]
    Mail(String),
    /// The limits cannot be shared with the other servers.
    #[error("limits: {0}")]
    Limits(#[from] voxgate_limits::LimiterError),
    /// The usage journal cannot be kept.
    #[error("the usage journal: {0}")]
    Journal(#[from] std::io::Error),
    /// The database.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Every use case. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Services {
    core: Arc<Core>,
    identity: Identity,
    orgs: Orgs,
    invitations: Invitations,
    keys: Keys,
    plans: Plans,
    audit: Audit,
    gate: Gate,
    credits: Credits,
    usage: Usage,
    speech: Speech,
    mail: Mail,
    bootstrap: Bootstrap,
    /// The task that writes usage records; waited for at the end.
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Services {
    /// Checks the configuration, settles what a crash left behind and starts the background tasks on the current runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn start(parts: ServicesParts) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(async move {
            let ServicesParts {
                config,
                db,
                secrets,
                clock,
                engines,
            } = parts;
            config.validate()?;
            if let Some(weak) = secrets.weakness() {
                return Err(StartError::WeakSecret(weak));
            }
            let identity = config.identity.clone();
            let passwords = tokio::task::spawn_blocking(move || Passwords::new(&identity))
                .await
                .map_err(|error| Fault::Internal(format!("password hashing: {error}")))??;
            let slot = EngineSlot::default();
            if let Some(engines) = engines {
                slot.put(engines);
            }
            let process = config.process;
            let limiter = match config.redis.clone() {
                Some(redis) => Limiter::connect_redis(redis, Arc::clone(&clock)).await?,
                None => Limiter::in_memory(Arc::clone(&clock)),
            };
            let node = uuid::Uuid::now_v7();
            let node_id = match process {
                Process::SoleServer => format!("{}{node}", maintenance::SOLE),
                Process::OneOfSeveral | Process::Command => node.to_string(),
            };
            let journal_dir = config
                .metering
                .journal_dir
                .clone()
                .filter(|_| process != Process::Command);
            let meter = {
                let node_id = node_id.clone();
                tokio::task::spawn_blocking(move || Meter::open(journal_dir.as_ref(), &node_id))
                    .await
                    .map_err(|error| Fault::Internal(format!("the usage journal: {error}")))??
            };
            let core = Arc::new(Core {
                transport: Transport::new(&config.mail).map_err(StartError::Mail)?,
                tokens: Tokens::new(&secrets),
                hashes: Hashes::new(&secrets),
                secrets_fingerprint: secrets.fingerprint(),
                passwords,
                limiter: Arc::new(limiter),
                quotas: QuotaBook::default(),
                turns: Turns::default(),
                prices: Prices::default(),
                meter,
                meter_stop: CancellationToken::new(),
                engines: slot,
                touches: Touches::default(),
                credentials: Credentials::default(),
                mail_waiting: Notify::new(),
                mail_turn: Semaphore::new(1),
                tasks: Tasks::new(),
                node_id,
                config,
                db,
                clock,
            });
            if process == Process::OneOfSeveral
                && maintenance::meets_foreign_secrets(&core)
                    .await
                    .map_err(Fault::from)?
            {
                return Err(StartError::ForeignSecrets);
            }
            if process != Process::Command {
                maintenance::show_life(&core).await.map_err(Fault::from)?;
                // What ended before the crash counts; what did not end does not.
                metering::replay(&core).await?;
                maintenance::settle_abandoned(&core)
                    .await
                    .map_err(Fault::from)?;
                if process == Process::SoleServer {
                    maintenance::load_quotas(&core).await.map_err(Fault::from)?;
                }
                drop(core.tasks.spawn(maintenance::run(Arc::clone(&core))));
                drop(core.tasks.spawn(mail::run(Arc::clone(&core))));
            }
            let writer = tokio::spawn(metering::run(Arc::clone(&core)));
            Ok(Self {
                identity: Identity::new(Arc::clone(&core)),
                orgs: Orgs::new(Arc::clone(&core)),
                invitations: Invitations::new(Arc::clone(&core)),
                keys: Keys::new(Arc::clone(&core)),
                plans: Plans::new(Arc::clone(&core)),
                audit: Audit::new(Arc::clone(&core)),
                gate: Gate::new(Arc::clone(&core)),
                credits: Credits::new(Arc::clone(&core)),
                usage: Usage::new(Arc::clone(&core)),
                speech: Speech::new(Arc::clone(&core)),
                mail: Mail::new(Arc::clone(&core)),
                bootstrap: Bootstrap::new(Arc::clone(&core)),
                writer: Arc::new(Mutex::new(Some(writer))),
                core,
            })
        })
    }

    /// Logins, sessions, accounts.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Organisations.
    #[must_use]
    pub fn orgs(&self) -> &Orgs {
        &self.orgs
    }

    /// Invitations.
    #[must_use]
    pub fn invitations(&self) -> &Invitations {
        &self.invitations
    }

    /// API keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Plans: limits under a name.
    #[must_use]
    pub fn plans(&self) -> &Plans {
        &self.plans
    }

    /// Who changed what.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Who is let in, and where their limits stand.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Credits and prices.
    #[must_use]
    pub fn credits(&self) -> &Credits {
        &self.credits
    }

    /// What organisations have used.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Synthesis.
    #[must_use]
    pub fn speech(&self) -> &Speech {
        &self.speech
    }

    /// Outgoing messages.
    #[must_use]
    pub fn mail(&self) -> &Mail {
        &self.mail
    }

    /// The first start.
    #[must_use]
    pub fn bootstrap(&self) -> &Bootstrap {
        &self.bootstrap
    }

    /// The clock that everything here goes by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.now()
    }

    /// Whether the database answers; for readiness.
    ///
    /// # Errors
    /// [`Fault`] where it does not.
    pub fn check<'a>(&'a self) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { Ok(self.core.db.ping().await?) })
    }

    /// Stops the background tasks and waits until everything that must be settled is settled. Call it after the
    /// listeners have drained and before the database is closed; later calls return at once.
    pub fn shutdown<'a>(&'a self) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.core.tasks.shutdown().await;
            self.core.meter_stop.cancel();
            if let Some(writer) = self.writer.lock().await.take()
                && let Err(error) = writer.await
            {
                tracing::error!(%error, "the writer of usage records ended early");
            }
            self.core.limiter.shutdown().await;
            if self.core.config.process != Process::Command
                && let Err(error) = maintenance::leave(&self.core).await
            {
                tracing::warn!(%error, "the shutdown was not noted in the database");
            }
        })
    }
}

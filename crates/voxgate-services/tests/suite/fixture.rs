//! An installation in miniature: a fresh database, the fake engine, a clock that stands still, cheap password hashes.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use tempfile::TempDir;
use voxgate_audio::AudioFormat;
use voxgate_domain::{Clock, LimitKind, ManualClock, OrgId, Role, SystemClock, Timestamp, User};
use voxgate_engine::fake::FakeEngine;
use voxgate_engine::{PoolConfig, SpeechEngine, SpeechPool, VoiceRegistry};
use voxgate_services::bootstrap::{BootstrapCommand, Bootstrapped};
use voxgate_services::identity::{CreateUserCommand, Credential, LoginCommand};
use voxgate_services::orgs::CreateOrg;
use voxgate_services::speech::{SpeechCommand, SpeechEngines};
use voxgate_services::{
    Argon2Config, MailTransport, Principal, Process, Secrets, Services, ServicesConfig,
    ServicesParts, StartError,
};
use voxgate_store::{Db, StoreConfig};
use voxgate_testing::TestDatabase;

/// Noon of an ordinary day: 2027-01-15T12:00:00Z.
pub(crate) const NOON: Timestamp = Timestamp::from_secs(1_800_014_400);
pub(crate) const PASSWORD: &str = "a good password";

pub(crate) struct Fixture {
    pub(crate) services: Services,
    pub(crate) db: Db,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) engine: Arc<FakeEngine>,
    pub(crate) folder: TempDir,
    pub(crate) boot: Bootstrapped,
    /// The system administrator, in the default organisation.
    pub(crate) admin: Principal,
    pub(crate) org: OrgId,
    pool: SpeechPool,
    _database: Option<TestDatabase>,
}

/// What differs from one test to the next.
pub(crate) struct Options {
    pub(crate) config: ServicesConfig,
    pub(crate) engine: FakeEngine,
    pub(crate) pool: PoolConfig,
}

impl Default for Options {
    fn default() -> Self {
        let mut config = ServicesConfig::default();
        config.identity.argon2 = Argon2Config {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
        };
        config.identity.registration_enabled = true;
        config.identity.hash_queue = 1000;
        Self {
            config,
            engine: FakeEngine::new(),
            pool: PoolConfig {
                threads: 2,
                queue_depth: 2000,
            },
        }
    }
}

type Case = fn(Fixture) -> Pin<Box<dyn Future<Output = ()>>>;

pub(crate) fn on_sqlite(case: Case) {
    runtime().block_on(async { case(Fixture::sqlite().await).await });
}

pub(crate) fn on_postgres(case: Case) {
    runtime().block_on(async { case(Fixture::postgres().await).await });
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap()
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig::sqlite(folder.path().join("voxgate.db"));
        Self::build(folder, &config, None, Options::default()).await
    }

    pub(crate) async fn sqlite_with(options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig::sqlite(folder.path().join("voxgate.db"));
        Self::build(folder, &config, None, options).await
    }

    pub(crate) async fn postgres() -> Self {
        let database = TestDatabase::create().await.unwrap();
        let config = StoreConfig::postgres(&database.url);
        let folder = tempfile::tempdir().unwrap();
        // On Postgres a server is one of several, and counts in the database.
        let mut options = Options::default();
        options.config.process = Process::OneOfSeveral;
        Self::build(folder, &config, Some(database), options).await
    }

    async fn build(
        folder: TempDir,
        store: &StoreConfig,
        database: Option<TestDatabase>,
        mut options: Options,
    ) -> Self {
        let db = Db::open(store).await.unwrap();
        db.migrate().await.unwrap();
        options.config.mail.transport = MailTransport::Directory(folder.path().join("outbox"));
        let clock = Arc::new(ManualClock::at(NOON));
        let engine = Arc::new(options.engine);
        let voices = VoiceRegistry::new(
            vec![Arc::clone(&engine) as Arc<dyn SpeechEngine>],
            [("en_female_warm_1".to_owned(), "fake_anna".to_owned())],
        )
        .unwrap();
        let pool = SpeechPool::start(options.pool);
        let services = Services::start(ServicesParts {
            config: options.config,
            db: db.clone(),
            secrets: secrets(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            engines: Some(SpeechEngines {
                pool: pool.clone(),
                voices,
            }),
        })
        .await
        .unwrap();
        let boot = services
            .bootstrap()
            .run(BootstrapCommand {
                admin_email: "Admin@voxgate.local".into(),
                admin_password: None,
                organization_name: "Default".into(),
            })
            .await
            .unwrap()
            .unwrap();
        let admin = authenticate_with(&services, boot.api_key.clone()).await;
        Self {
            org: boot.organization_id,
            services,
            db,
            clock,
            engine,
            folder,
            admin,
            boot,
            pool,
            _database: database,
        }
    }

    /// Another process on the same database, as it starts after a crash of this one or beside it.
    pub(crate) async fn another(&self, process: Process) -> Services {
        self.start_another(process, self.clock(), None).await
    }

    /// The same, with a usage journal.
    pub(crate) async fn another_with_journal(&self, process: Process, journal: &Path) -> Services {
        self.start_another(process, self.clock(), Some(journal.to_owned()))
            .await
    }

    /// A command beside this process, which goes by the clocks of the machine.
    pub(crate) async fn another_with_system_clock(&self) -> Services {
        let clock = Arc::new(SystemClock::new());
        self.start_another(Process::Command, clock, None).await
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    /// Tries to start another process that shares the database but not the secrets.
    pub(crate) async fn another_with_other_secrets(&self) -> Result<Services, StartError> {
        let mut config = Options::default().config;
        config.process = Process::OneOfSeveral;
        config.mail.transport = MailTransport::Directory(self.folder.path().join("outbox"));
        let mut other = secrets();
        other.verify = SecretBox::new(Box::new(vec![9; 32]));
        Services::start(ServicesParts {
            config,
            db: self.db.clone(),
            secrets: other,
            clock: self.clock(),
            engines: None,
        })
        .await
    }

    async fn start_another(
        &self,
        process: Process,
        clock: Arc<dyn Clock>,
        journal: Option<PathBuf>,
    ) -> Services {
        let mut config = Options::default().config;
        config.process = process;
        config.metering.journal_dir = journal;
        config.mail.transport = MailTransport::Directory(self.folder.path().join("outbox"));
        Services::start(ServicesParts {
            config,
            db: self.db.clone(),
            secrets: secrets(),
            clock,
            engines: None,
        })
        .await
        .unwrap()
    }

    /// An organisation with its own limits.
    pub(crate) async fn organization(&self, name: &str, daily: u64, per_minute: u32) -> OrgId {
        let command = CreateOrg {
            name: name.into(),
            admin_email: format!("{name}-admin@example.com"),
            daily_word_limit: Some(daily),
            rate_limit_per_minute: Some(per_minute),
            ..CreateOrg::default()
        };
        let created = self.services.orgs().create(&self.admin, command).await;
        created.unwrap().id
    }

    /// An account with [`PASSWORD`].
    pub(crate) async fn user(&self, email: &str, role: Role, org: Option<OrgId>) -> User {
        let command = CreateUserCommand {
            email: email.into(),
            password: Some(PASSWORD.to_owned().into()),
            full_name: None,
            role,
            organization_id: org,
        };
        let identity = self.services.identity();
        identity
            .create_user(&self.admin, command)
            .await
            .unwrap()
            .user
    }

    /// A member of an organisation, logged in.
    pub(crate) async fn member(&self, email: &str, role: Role, org: OrgId) -> Principal {
        self.user(email, role, Some(org)).await;
        self.authenticate(&self.login(email, PASSWORD).await).await
    }

    /// The member once more, as their next request shows them.
    pub(crate) async fn again(&self, email: &str) -> Principal {
        self.authenticate(&self.login(email, PASSWORD).await).await
    }

    /// Requests per minute that are left.
    pub(crate) async fn requests_left(&self, principal: &Principal) -> u64 {
        let view = self.services.gate().view(principal).await.unwrap();
        view.get(LimitKind::RequestsPerMinute).unwrap().remaining
    }

    pub(crate) async fn login(&self, email: &str, password: &str) -> SecretString {
        let session = self
            .services
            .identity()
            .login(attempt(email, password))
            .await;
        session.unwrap().token
    }

    pub(crate) async fn authenticate(&self, token: &SecretString) -> Principal {
        authenticate_with(&self.services, token.clone()).await
    }

    /// Whether a credential opens the door.
    pub(crate) async fn opens(&self, token: &SecretString) -> bool {
        let credential = Credential::Bearer(token.clone());
        self.services
            .identity()
            .authenticate(&credential, None)
            .await
            .is_ok()
    }

    /// Every message so far, in order.
    pub(crate) async fn messages(&self) -> Vec<String> {
        self.services.mail().flush().await.unwrap();
        let mut files: Vec<_> = std::fs::read_dir(self.folder.path().join("outbox"))
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        files.sort();
        files
            .into_iter()
            .filter(|path| path.extension().is_some_and(|ext| ext == "eml"))
            .map(|path| unfolded(&std::fs::read_to_string(path).unwrap()))
            .collect()
    }

    /// The token in the newest message to an address whose link holds `marker`.
    pub(crate) async fn mailed_token(&self, to: &str, marker: &str) -> String {
        let messages = self.messages().await;
        let message = messages
            .iter()
            .rev()
            .find(|message| message.contains(&format!("To: {to}")) && message.contains(marker))
            .unwrap_or_else(|| panic!("no message to {to} with {marker}"));
        let start = message.find(marker).unwrap() + marker.len();
        message[start..]
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            .collect()
    }

    pub(crate) async fn stop(self) {
        self.services.shutdown().await;
        let pool = self.pool.clone();
        tokio::task::spawn_blocking(move || pool.shutdown())
            .await
            .unwrap();
    }
}

async fn authenticate_with(services: &Services, token: SecretString) -> Principal {
    let credential = Credential::Bearer(token);
    services
        .identity()
        .authenticate(&credential, None)
        .await
        .unwrap()
}

/// Undoes quoted-printable soft line breaks and escapes of `=`.
fn unfolded(message: &str) -> String {
    message.replace("=\r\n", "").replace("=3D", "=")
}

fn secrets() -> Secrets {
    let secret = |byte| SecretBox::new(Box::new(vec![byte; 32]));
    Secrets {
        jwt: secret(1),
        verify: secret(2),
        reset: secret(3),
        api_key_pepper: secret(4),
    }
}

/// A login from a public address.
pub(crate) fn attempt(email: &str, password: &str) -> LoginCommand {
    LoginCommand {
        username: email.into(),
        password: password.to_owned().into(),
        client: Some("192.0.2.1".parse().unwrap()),
    }
}

/// A request for WAV at the fake voices' own rate.
pub(crate) fn say(text: impl Into<String>) -> SpeechCommand {
    SpeechCommand {
        text: text.into(),
        voice: "en_female_warm_1".into(),
        format: AudioFormat::Wav,
        sample_rate_hz: 24_000,
        speed: 1.0,
        dialect: "aethex",
        endpoint: "/tts/tts",
        idempotency_key: None,
    }
}

/// A text of so many words.
pub(crate) fn words(count: usize) -> String {
    vec!["word"; count].join(" ")
}

pub(crate) fn secret(text: &SecretString) -> &str {
    text.expose_secret()
}

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

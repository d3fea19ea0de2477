//! One data directory, opened: folders, secrets, database and the use cases on top of them.
//!
//! The server and the administration commands open the same installation; only the server adds engines and a listener.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use voxgate_domain::{EmailPolicy, OrgLimits, SystemClock};
use voxgate_services::{
    Argon2Config, IdentityConfig, MailConfig, MailTransport, MeteringConfig, Process, RedisConfig,
    Secrets, Services, ServicesConfig, ServicesParts, SmtpConfig, SpeechConfig, StartError,
};
use voxgate_store::{
    Db, Durability, MigrationReport, PostgresOptions, SqliteOptions, StoreConfig, StoreError,
};

use crate::config::{Config, SmtpSecurity};
use crate::secrets::{SecretError, SecretFiles};

/// Why a data directory cannot be opened. Each message is one sentence with what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or used.
    #[error("cannot use the data directory {}: {source}; choose another with --data-dir", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another server runs on it.
    #[error("the data directory {} is in use by another server{}; stop it, or start this one with another --data-dir", path.display(), pid.as_ref().map(|p| format!(" (process {p})")).unwrap_or_default())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process that holds it, if it said so.
        pid: Option<String>,
    },
    /// The secrets.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// The database.
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    /// The use cases.
    #[error(transparent)]
    Services(#[from] StartError),
}

/// An opened data directory.
pub struct Installation {
    /// Rows.
    pub db: Db,
    /// Use cases.
    pub services: Services,
    /// What the migrations did while opening.
    pub migrations: MigrationReport,
    /// Held for as long as a server runs here.
    _lock: Option<File>,
}

/// Whether the opener is the one server of this data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Takes the directory's lock, so that a second server is refused.
    Serve,
    /// Administration beside a running server.
    Administer,
}

impl Installation {
    /// Opens `config.data_dir`, making what is missing and migrating the database.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(
        config: &Config,
        base_url: &str,
        purpose: Purpose,
    ) -> Result<Installation, OpenError> {
        make_data_dir(&config.data_dir)?;
        let lock = match purpose {
            Purpose::Serve => Some(lock_data_dir(&config.data_dir)?),
            Purpose::Administer => None,
        };
        let secrets = secrets(&config.secrets_dir())?;
        let db = Db::open(&store_config(config)).await?;
        let migrations = db.migrate().await?;
        let services = Services::start(ServicesParts {
            config: services_config(config, base_url, purpose),
            db: db.clone(),
            secrets,
            clock: Arc::new(SystemClock::new()),
            engines: None,
        })
        .await?;
        Ok(Installation {
            db,
            services,
            migrations,
            _lock: lock,
        })
    }
}

/// Makes the data directory, readable by its owner only.
///
/// # Errors
/// [`OpenError::DataDir`].
pub fn make_data_dir(path: &Path) -> Result<(), OpenError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| OpenError::DataDir {
            path: path.to_owned(),
            source,
        })
}

fn lock_data_dir(dir: &Path) -> Result<File, OpenError> {
    let fail = |source| OpenError::DataDir {
        path: dir.to_owned(),
        source,
    };
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(dir.join("server.lock"))
        .map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {
            // The number only helps whoever meets the lock; the lock itself ends with the process.
            file.set_len(0).map_err(fail)?;
            file.rewind().map_err(fail)?;
            write!(file, "{}", std::process::id()).map_err(fail)?;
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            Err(OpenError::InUse {
                path: dir.to_owned(),
                pid: (!pid.is_empty()).then_some(pid),
            })
        }
        Err(std::fs::TryLockError::Error(source)) => Err(fail(source)),
    }
}

fn secrets(dir: &Path) -> Result<Secrets, SecretError> {
    let files = SecretFiles::open(dir)?;
    let get = |purpose| {
        files
            .get_or_create(purpose)
            .map(|s| s.to_vec().into_boxed_slice().into_vec())
    };
    Ok(Secrets {
        jwt: Box::new(get("jwt")?).into(),
        verify: Box::new(get("verify")?).into(),
        reset: Box::new(get("reset")?).into(),
        api_key_pepper: Box::new(get("api-keys")?).into(),
    })
}

/// Where rows are, by configuration.
#[must_use]
pub fn store_config(config: &Config) -> StoreConfig {
    let database = &config.database;
    if database.url.is_empty() {
        StoreConfig::Sqlite {
            path: config.data_dir.join("voxgate.db"),
            options: SqliteOptions {
                durability: if database.fsync {
                    Durability::Full
                } else {
                    Durability::Normal
                },
                ..SqliteOptions::default()
            },
        }
    } else {
        StoreConfig::Postgres {
            url: database.url.expose().to_owned(),
            options: PostgresOptions {
                max_connections: database.pool_size,
                ..PostgresOptions::default()
            },
        }
    }
}

fn services_config(config: &Config, base_url: &str, purpose: Purpose) -> ServicesConfig {
    let auth = &config.auth;
    let public = &config.server.public_url;
    let limit = |words: Option<u64>| {
        words
            .unwrap_or(OrgLimits::MAX_WORDS)
            .min(OrgLimits::MAX_WORDS)
    };
    ServicesConfig {
        process: match purpose {
            Purpose::Administer => Process::Command,
            Purpose::Serve if config.database.url.is_empty() => Process::SoleServer,
            Purpose::Serve => Process::OneOfSeveral,
        },
        public_base_url: if public.is_empty() {
            base_url.to_owned()
        } else {
            public.clone()
        },
        email: EmailPolicy {
            allow_reserved_domains: auth.allow_reserved_domains,
        },
        default_limits: OrgLimits {
            daily_words: limit(config.limits.daily_words()),
            monthly_words: limit(config.limits.monthly_words()),
            requests_per_minute: config
                .limits
                .requests_per_minute()
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(OrgLimits::MAX_REQUESTS_PER_MINUTE)
                .min(OrgLimits::MAX_REQUESTS_PER_MINUTE),
        },
        identity: IdentityConfig {
            registration_enabled: auth.registration,
            require_verified: auth.require_verification,
            session_lifetime: Duration::from_secs(auth.token_lifetime_seconds),
            end_sessions_on_password_change: auth.password_change_ends_sessions,
            argon2: Argon2Config {
                memory_kib: auth.argon2_memory_kib,
                iterations: auth.argon2_passes,
                parallelism: auth.argon2_lanes,
            },
            hash_concurrency: auth.argon2_parallel,
            ..IdentityConfig::default()
        },
        mail: MailConfig {
            from: config.mail.from.clone(),
            transport: mail_transport(config),
            ..MailConfig::default()
        },
        speech: SpeechConfig {
            max_characters: config.speech.max_characters as u64,
            max_buffered_bytes: config.speech.max_buffered_bytes,
            ..SpeechConfig::default()
        },
        metering: MeteringConfig {
            journal_dir: Some(config.data_dir.join("journal")),
        },
        redis: (!config.redis.url.is_empty()).then(|| RedisConfig {
            prefix: config.redis.prefix.clone(),
            ..RedisConfig::new(config.redis.url.expose())
        }),
        ..ServicesConfig::default()
    }
}

fn mail_transport(config: &Config) -> MailTransport {
    let mail = &config.mail;
    if mail.smtp_host.is_empty() {
        return MailTransport::Directory(config.data_dir.join("outbox"));
    }
    MailTransport::Smtp(SmtpConfig {
        host: mail.smtp_host.clone(),
        port: Some(mail.smtp_port),
        security: match mail.security() {
            Some(SmtpSecurity::Tls) => voxgate_services::SmtpSecurity::Tls,
            Some(SmtpSecurity::None) => voxgate_services::SmtpSecurity::None,
            // Validation has refused every other word.
            Some(SmtpSecurity::StartTls) | None => voxgate_services::SmtpSecurity::StartTls,
        },
        credentials: (!mail.smtp_username.is_empty()).then(|| {
            (
                mail.smtp_username.clone(),
                mail.smtp_password.expose().into(),
            )
        }),
        timeout: Duration::from_secs(30),
    })
}

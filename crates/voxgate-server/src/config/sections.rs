//! The typed sections and the rules each value must keep.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::{ConfigError, read_file};

/// A secret from the configuration; its `Debug` never shows it.
#[derive(Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself. Call it only where it is used.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() {
            "(unset)"
        } else {
            "(redacted)"
        })
    }
}

/// The whole configuration. Field meanings are documented in `config/voxgate.default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each key is documented in the default file, the one place users read"
)]
pub struct Config {
    /// Where everything the server keeps is; set by `--data-dir`, not by a key.
    #[serde(skip)]
    pub data_dir: PathBuf,
    pub server: Server,
    pub tls: Tls,
    pub database: Database,
    pub redis: Redis,
    pub secrets: Secrets,
    pub models: Models,
    pub engines: Engines,
    pub voices: Voices,
    pub speech: Speech,
    pub auth: Auth,
    pub limits: Limits,
    pub mail: Mail,
    pub bootstrap: Bootstrap,
    pub log: Log,
    pub observability: Observability,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Server {
    pub listen: String,
    pub public_url: String,
    pub max_connections: usize,
    pub header_timeout_seconds: u64,
    pub body_timeout_seconds: u64,
    pub max_body_bytes: usize,
    pub shutdown_grace_seconds: u64,
    pub trusted_proxies: Vec<String>,
    pub cors_origins: Vec<String>,
    pub environment: String,
}

/// `[tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Tls {
    pub self_signed: bool,
    pub cert_file: String,
    pub key_file: String,
}

impl Tls {
    /// Whether the listener speaks TLS.
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.self_signed || !self.cert_file.is_empty()
    }
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Database {
    pub url: Secret,
    pub url_file: String,
    pub fsync: bool,
    pub pool_size: usize,
}

/// `[redis]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Redis {
    pub url: Secret,
    pub url_file: String,
    pub prefix: String,
}

/// `[secrets]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Secrets {
    pub dir: String,
}

/// `[models]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Models {
    pub dir: String,
    pub offline: bool,
    pub defaults: Vec<String>,
    pub mirror_url: String,
    pub mirror_allow_private: bool,
    pub local_folder: String,
    pub prefer_packages: bool,
    pub catalogue_file: String,
}

/// `[engines]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Engines {
    pub kokoro: bool,
    pub piper: bool,
    pub fake: bool,
    pub threads: usize,
    pub queue_depth: usize,
}

/// `[voices]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Voices {
    pub default: String,
    pub aliases: std::collections::BTreeMap<String, String>,
}

/// `[speech]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Speech {
    pub max_characters: usize,
    pub max_buffered_bytes: usize,
}

/// `[auth]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Auth {
    pub token_lifetime_seconds: u64,
    pub registration: bool,
    pub require_verification: bool,
    pub password_change_ends_sessions: bool,
    pub allow_reserved_domains: bool,
    pub argon2_memory_kib: u32,
    pub argon2_passes: u32,
    pub argon2_lanes: u32,
    pub argon2_parallel: usize,
}

/// `[limits]`; −1 in the file is `None` here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    requests_per_minute: i64,
    daily_words: i64,
    monthly_words: i64,
}

impl Limits {
    /// Requests per minute of a new organisation; `None` is unlimited.
    #[must_use]
    pub fn requests_per_minute(&self) -> Option<u64> {
        u64::try_from(self.requests_per_minute).ok()
    }

    /// Words per UTC day of a new organisation; `None` is unlimited.
    #[must_use]
    pub fn daily_words(&self) -> Option<u64> {
        u64::try_from(self.daily_words).ok()
    }

    /// Words per UTC month of a new organisation; `None` is unlimited.
    #[must_use]
    pub fn monthly_words(&self) -> Option<u64> {
        u64::try_from(self.monthly_words).ok()
    }
}

/// How the connection to the SMTP server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// Plain connection upgraded by STARTTLS; refused if the server does not offer it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// No protection: only for a relay on the same machine.
    None,
}

/// `[mail]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Mail {
    pub smtp_host: String,
    pub smtp_port: u16,
    smtp_security: String,
    pub smtp_username: String,
    pub smtp_password: Secret,
    pub smtp_password_file: String,
    pub from: String,
}

impl Mail {
    /// How the SMTP connection is protected. `None` for a word that is none of the three; validation refuses it.
    #[must_use]
    pub fn security(&self) -> Option<SmtpSecurity> {
        match self.smtp_security.as_str() {
            "starttls" => Some(SmtpSecurity::StartTls),
            "tls" => Some(SmtpSecurity::Tls),
            "none" => Some(SmtpSecurity::None),
            _ => None,
        }
    }
}

/// `[bootstrap]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Bootstrap {
    pub admin_email: String,
    pub organization: String,
}

/// Shape of the log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Log {
    pub filter: String,
    format: String,
}

impl Log {
    /// The format. `None` for an unknown word; validation refuses it.
    #[must_use]
    pub fn format(&self) -> Option<LogFormat> {
        match self.format.as_str() {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        }
    }
}

/// `[observability]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Observability {
    pub metrics: bool,
    pub metrics_token: Secret,
    pub metrics_token_file: String,
    pub docs: bool,
    pub hsts_on_plain_http: bool,
}

fn invalid(key: &'static str, message: impl Into<String>) -> ConfigError {
    ConfigError::Invalid {
        key,
        message: message.into(),
    }
}

impl Config {
    /// The folder of models.
    #[must_use]
    pub fn models_dir(&self) -> PathBuf {
        if self.models.dir.is_empty() {
            self.data_dir.join("models")
        } else {
            PathBuf::from(&self.models.dir)
        }
    }

    /// Where the secrets are.
    #[must_use]
    pub fn secrets_dir(&self) -> PathBuf {
        if self.secrets.dir.is_empty() {
            self.data_dir.join("secrets")
        } else {
            PathBuf::from(&self.secrets.dir)
        }
    }

    /// Fills secrets from the files that `…_file` keys name.
    pub(super) fn read_secret_files(&mut self) -> Result<(), ConfigError> {
        let pairs = [
            (
                "mail.smtp_password",
                &mut self.mail.smtp_password,
                &self.mail.smtp_password_file,
            ),
            (
                "database.url",
                &mut self.database.url,
                &self.database.url_file,
            ),
            ("redis.url", &mut self.redis.url, &self.redis.url_file),
            (
                "observability.metrics_token",
                &mut self.observability.metrics_token,
                &self.observability.metrics_token_file,
            ),
        ];
        for (key, secret, file) in pairs {
            if file.is_empty() {
                continue;
            }
            if !secret.is_empty() {
                return Err(invalid(
                    key,
                    "is set directly and by its _file key; keep one of them",
                ));
            }
            let text = read_file(key, std::path::Path::new(file))?;
            *secret = Secret(text.trim_end_matches(['\r', '\n']).to_owned());
            if secret.is_empty() {
                return Err(invalid(key, format!("the file {file} is empty")));
            }
        }
        Ok(())
    }

    /// Checks ranges and combinations.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        self.validate_server()?;
        self.validate_storage()?;
        self.validate_accounts()
    }

    fn validate_server(&self) -> Result<(), ConfigError> {
        let s = &self.server;
        if s.listen.parse::<SocketAddr>().is_err() {
            return Err(invalid(
                "server.listen",
                format!(
                    "{:?} is not address:port, e.g. 127.0.0.1:8080 or [::1]:8080",
                    s.listen
                ),
            ));
        }
        if !(s.public_url.is_empty()
            || s.public_url.starts_with("http://")
            || s.public_url.starts_with("https://"))
        {
            return Err(invalid(
                "server.public_url",
                "must start with http:// or https://",
            ));
        }
        if s.public_url.ends_with('/') {
            return Err(invalid("server.public_url", "must not end with a slash"));
        }
        for proxy in &s.trusted_proxies {
            let (address, prefix) = proxy.split_once('/').unwrap_or((proxy, ""));
            let parsed = address.parse::<IpAddr>().ok();
            let longest = parsed.map_or(0, |ip| if ip.is_ipv4() { 32 } else { 128 });
            let fits = prefix.is_empty() || prefix.parse::<u8>().is_ok_and(|p| p <= longest);
            if parsed.is_none() || !fits {
                return Err(invalid(
                    "server.trusted_proxies",
                    format!("{proxy:?} is neither an address nor a network such as 10.0.0.0/8"),
                ));
            }
        }
        for (key, value) in [
            ("server.header_timeout_seconds", s.header_timeout_seconds),
            ("server.body_timeout_seconds", s.body_timeout_seconds),
            ("server.max_connections", s.max_connections as u64),
            ("server.max_body_bytes", s.max_body_bytes as u64),
            ("speech.max_characters", self.speech.max_characters as u64),
            (
                "speech.max_buffered_bytes",
                self.speech.max_buffered_bytes as u64,
            ),
            ("engines.queue_depth", self.engines.queue_depth as u64),
        ] {
            if value == 0 {
                return Err(invalid(key, "must be at least 1"));
            }
        }
        if self.engines.threads > 1024 {
            return Err(invalid(
                "engines.threads",
                "must be at most 1024; 0 means one per core",
            ));
        }
        if self.tls.cert_file.is_empty() != self.tls.key_file.is_empty() {
            return Err(invalid(
                "tls.cert_file",
                "set tls.cert_file and tls.key_file together",
            ));
        }
        if self.tls.self_signed && !self.tls.cert_file.is_empty() {
            return Err(invalid(
                "tls.self_signed",
                "contradicts tls.cert_file; set one of the two",
            ));
        }
        if self.log.format().is_none() {
            return Err(invalid("log.format", "must be text or json"));
        }
        Ok(())
    }

    fn validate_storage(&self) -> Result<(), ConfigError> {
        let url = self.database.url.expose();
        if !(url.is_empty() || url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(invalid(
                "database.url",
                "must be empty (SQLite in the data directory) or start with postgres://",
            ));
        }
        if self.database.pool_size < 2 {
            return Err(invalid("database.pool_size", "must be at least 2"));
        }
        let redis = self.redis.url.expose();
        if !(redis.is_empty() || redis.starts_with("redis://") || redis.starts_with("rediss://")) {
            return Err(invalid(
                "redis.url",
                "must be empty or start with redis:// or rediss://",
            ));
        }
        if !redis.is_empty() && url.is_empty() {
            return Err(invalid(
                "redis.url",
                "is for several servers, which need database.url (Postgres) too",
            ));
        }
        let prefix = &self.redis.prefix;
        if prefix.is_empty()
            || !prefix
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        {
            return Err(invalid(
                "redis.prefix",
                "must be letters, digits, and the characters - _ . :",
            ));
        }
        let mirror = &self.models.mirror_url;
        if !(mirror.is_empty() || mirror.starts_with("http://") || mirror.starts_with("https://")) {
            return Err(invalid(
                "models.mirror_url",
                "must start with http:// or https://",
            ));
        }
        Ok(())
    }

    fn validate_accounts(&self) -> Result<(), ConfigError> {
        let a = &self.auth;
        if !(1..=31_536_000).contains(&a.token_lifetime_seconds) {
            return Err(invalid(
                "auth.token_lifetime_seconds",
                "must be between 1 second and 31536000 (a year)",
            ));
        }
        if a.argon2_lanes == 0 || a.argon2_memory_kib < 8 * a.argon2_lanes {
            return Err(invalid(
                "auth.argon2_memory_kib",
                "must be at least 8 KiB per lane; 65536 is recommended",
            ));
        }
        if a.argon2_passes == 0 || a.argon2_parallel == 0 {
            return Err(invalid(
                "auth.argon2_passes",
                "passes and parallel must be at least 1",
            ));
        }
        for (key, value) in [
            (
                "limits.requests_per_minute",
                self.limits.requests_per_minute,
            ),
            ("limits.daily_words", self.limits.daily_words),
            ("limits.monthly_words", self.limits.monthly_words),
        ] {
            if value < -1 {
                return Err(invalid(key, "must be 0 or more, or -1 for unlimited"));
            }
        }
        if self.mail.security().is_none() {
            return Err(invalid(
                "mail.smtp_security",
                "must be starttls, tls or none",
            ));
        }
        if !self.mail.from.contains('@') {
            return Err(invalid("mail.from", "must hold an e-mail address"));
        }
        if !self.bootstrap.admin_email.contains('@') {
            return Err(invalid(
                "bootstrap.admin_email",
                "must be an e-mail address",
            ));
        }
        Ok(())
    }
}

//! Configuration: the typed whole, its layers and its validation.
//!
//! `config/voxgate.default.toml` is compiled in and is both the defaults and the documentation of every key.
//! Owns reading and checking; what the values mean belongs to the parts they are handed to.

mod document;
mod sections;

use std::path::{Path, PathBuf};

use toml::Table;

pub use document::{DocumentError, ENV_PREFIX};
pub use sections::{
    Auth, Bootstrap, Config, Database, Engines, Limits, Log, LogFormat, Mail, Models,
    Observability, Secret, Server, SmtpSecurity, Speech, Tls, Voices,
};

/// The commented default document.
pub const DEFAULTS: &str = include_str!("../../../../config/voxgate.default.toml");

/// What can be wrong with a configuration. Each message is one sentence that says what to change.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A layer is malformed or names an unknown key.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A file named by the configuration or on the command line cannot be read.
    #[error("cannot read {what} {}: {source}", path.display())]
    File {
        /// What the file is for.
        what: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A value that has the right type but makes no sense.
    #[error("configuration key `{key}`: {message}")]
    Invalid {
        /// Dotted path of the key.
        key: &'static str,
        /// What is wrong and what to write instead.
        message: String,
    },
    /// The document does not fit the typed configuration.
    #[error("configuration: {0}")]
    Shape(String),
}

/// Flags of the command line that override keys.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`: a TOML file.
    pub config_file: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--offline`.
    pub offline: bool,
}

/// Reads and validates the whole configuration: defaults < file < environment < flags.
///
/// # Errors
/// Anything unreadable, unknown, of the wrong type or out of range.
pub fn load(
    overrides: &Overrides,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let schema = document::parse(DEFAULTS, "the built-in defaults")?;
    let mut whole = schema.clone();
    if let Some(path) = &overrides.config_file {
        let origin = path.display().to_string();
        let layer = document::parse(&read_file("the configuration file", path)?, &origin)?;
        document::merge(&mut whole, layer, &schema, &origin)?;
    }
    let layer = document::from_env(environment, &schema)?;
    document::merge(&mut whole, layer, &schema, "the environment")?;
    apply_flags(&mut whole, overrides);
    let mut config: Config = toml::Value::Table(whole)
        .try_into()
        .map_err(|e: toml::de::Error| ConfigError::Shape(e.message().to_owned()))?;
    config.data_dir = overrides
        .data_dir
        .clone()
        .unwrap_or_else(|| PathBuf::from("data"));
    config.read_secret_files()?;
    config.validate()?;
    Ok(config)
}

fn apply_flags(whole: &mut Table, overrides: &Overrides) {
    if let (Some(listen), Some(toml::Value::Table(server))) =
        (&overrides.listen, whole.get_mut("server"))
    {
        server.insert("listen".into(), toml::Value::String(listen.clone()));
    }
    if let (true, Some(toml::Value::Table(models))) = (overrides.offline, whole.get_mut("models")) {
        models.insert("offline".into(), toml::Value::Boolean(true));
    }
}

fn read_file(what: &str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::File {
        what: what.to_owned(),
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn with(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(&file, text).unwrap();
        load(
            &Overrides {
                config_file: Some(file),
                ..Overrides::default()
            },
            std::iter::empty(),
        )
    }

    #[test]
    fn defaults_are_complete_and_valid() {
        let config = load(&Overrides::default(), std::iter::empty()).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:8080");
        assert_eq!(config.limits.requests_per_minute(), Some(100));
        assert_eq!(config.data_dir, PathBuf::from("data"));
    }

    #[test]
    fn every_default_key_has_a_comment_of_its_own() {
        let mut commented = false;
        let mut missing = Vec::new();
        for line in DEFAULTS.lines() {
            if line.starts_with('#') {
                commented = true;
            } else if line.is_empty() || line.starts_with('[') {
                // A comment above a table header describes the table's free keys.
                commented = commented && line.starts_with('[');
            } else if !commented {
                missing.push(line.to_owned());
            }
        }
        // Keys that share the comment above their neighbour follow it directly, so only a bare block is a miss.
        assert!(missing.is_empty(), "keys without a comment: {missing:?}");
    }

    #[test]
    fn environment_beats_file_and_flags_beat_both() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.toml");
        std::fs::write(
            &file,
            "[server]\nlisten = \"127.0.0.1:1\"\nmax_connections = 5",
        )
        .unwrap();
        let env = [(
            "VOXGATE__SERVER__LISTEN".to_owned(),
            "127.0.0.1:2".to_owned(),
        )];
        let mut overrides = Overrides {
            config_file: Some(file),
            ..Overrides::default()
        };
        let config = load(&overrides, env.clone().into_iter()).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:2");
        assert_eq!(config.server.max_connections, 5);
        overrides.listen = Some("127.0.0.1:3".into());
        let config = load(&overrides, env.into_iter()).unwrap();
        assert_eq!(config.server.listen, "127.0.0.1:3");
    }

    #[test]
    fn nonsense_is_refused_with_the_key() {
        for (text, key) in [
            ("[server]\nlisten = \"nowhere\"", "server.listen"),
            ("[server]\npublic_url = \"ftp://x\"", "server.public_url"),
            (
                "[server]\ntrusted_proxies = [\"ten\"]",
                "server.trusted_proxies",
            ),
            ("[tls]\ncert_file = \"a\"", "tls.cert_file"),
            ("[database]\nurl = \"mysql://x\"", "database.url"),
            ("[mail]\nsmtp_security = \"maybe\"", "mail.smtp_security"),
            ("[log]\nformat = \"xml\"", "log.format"),
            (
                "[limits]\nrequests_per_minute = -2",
                "limits.requests_per_minute",
            ),
            (
                "[auth]\ntoken_lifetime_seconds = 0",
                "auth.token_lifetime_seconds",
            ),
            (
                "[bootstrap]\nadmin_email = \"nobody\"",
                "bootstrap.admin_email",
            ),
            ("[auth]\nargon2_memory_kib = 1", "auth.argon2_memory_kib"),
        ] {
            let error = with(text).unwrap_err().to_string();
            assert!(error.contains(key), "{text}: {error}");
        }
    }

    #[test]
    fn secrets_come_from_files_and_stay_out_of_debug() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("pw");
        std::fs::write(&secret, "hunter2\n").unwrap();
        let config = with(&format!(
            "[mail]\nsmtp_host = \"h\"\nsmtp_password_file = {:?}",
            secret.display().to_string()
        ))
        .unwrap();
        assert_eq!(config.mail.smtp_password.expose(), "hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
        let both = with("[mail]\nsmtp_password = \"a\"\nsmtp_password_file = \"b\"").unwrap_err();
        assert!(both.to_string().contains("mail.smtp_password"), "{both}");
    }
}

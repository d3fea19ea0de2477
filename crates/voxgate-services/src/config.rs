//! What an operator can set about the use cases. The composition root fills these plain structs from its own
//! configuration format and calls [`ServicesConfig::validate`].

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use voxgate_domain::{EmailPolicy, OrgLimits, PasswordPolicy};

/// The whole configuration of this crate. [`Default`] is a working private installation on localhost.
#[derive(Debug, Clone)]
pub struct ServicesConfig {
    /// Which kind of process this is.
    pub process: Process,
    /// Where people reach this installation, without a trailing slash, as in `https://api.example.com`; links in mail
    /// begin with it.
    pub public_base_url: String,
    /// Which e-mail addresses are accepted.
    pub email: EmailPolicy,
    /// Limits of organisations created without their own.
    pub default_limits: OrgLimits,
    /// Passwords, sessions, registration.
    pub identity: IdentityConfig,
    /// Invitations.
    pub invitations: InvitationConfig,
    /// Outgoing messages.
    pub mail: MailConfig,
    /// Synthesis.
    pub speech: SpeechConfig,
    /// Where usage records wait for the database.
    pub metering: MeteringConfig,
    /// The Redis or Valkey server through which several servers share short-term limits; `None` where this is the only one.
    pub redis: Option<voxgate_limits::RedisConfig>,
}

/// Where usage records wait for the database.
#[derive(Debug, Clone, Default)]
pub struct MeteringConfig {
    /// A folder of this server's own for records that are not in the database yet; made when missing. `None`: an answer
    /// waits until its record is in the database.
    pub journal_dir: Option<PathBuf>,
}

impl Default for ServicesConfig {
    fn default() -> Self {
        Self {
            process: Process::SoleServer,
            public_base_url: "http://127.0.0.1:8080".into(),
            email: EmailPolicy::default(),
            default_limits: OrgLimits::default(),
            identity: IdentityConfig::default(),
            invitations: InvitationConfig::default(),
            mail: MailConfig::default(),
            speech: SpeechConfig::default(),
            metering: MeteringConfig::default(),
            redis: None,
        }
    }
}

/// Which kind of process this is; decides what it does in the background and whom it believes dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// The only process that serves requests on this database. What is pending when it starts was left by a crash.
    SoleServer,
    /// One of several that share a (Postgres) database. Another one is believed dead when it gave no sign of life for a
    /// minute.
    OneOfSeveral,
    /// A command beside a server: settles nothing and sends no mail by itself.
    Command,
}

/// Passwords, sessions, registration.
#[derive(Debug, Clone)]
pub struct IdentityConfig {
    /// Whether anybody may create an account. Default: no.
    pub registration_enabled: bool,
    /// Whether an account must have a verified address before it may log in or be used. Default: no.
    pub require_verified: bool,
    /// How long a session lasts after login. Default: one hour.
    pub session_lifetime: Duration,
    /// How long the link to verify an address lasts. Default: one hour.
    pub verify_token_lifetime: Duration,
    /// How long the link to reset a password lasts. Default: one hour.
    pub reset_token_lifetime: Duration,
    /// Whether changing a password ends every session of the account, the one that changed it included. A reset by mail
    /// always does. Default: no, as in the reference.
    pub end_sessions_on_password_change: bool,
    /// The rule for new passwords.
    pub password: PasswordPolicy,
    /// Cost of a password hash.
    pub argon2: Argon2Config,
    /// How many password hashes are computed at once; each takes `argon2.memory_kib`. Default: 2.
    pub hash_concurrency: usize,
    /// How many callers may wait for a hash before further ones are told to come back. Default: 64.
    pub hash_queue: usize,
    /// Brakes on guessing passwords.
    pub throttle: ThrottleConfig,
    /// The shortest time between two messages of the same kind to the same address. Default: one minute.
    pub mail_interval: Duration,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            registration_enabled: false,
            require_verified: false,
            session_lifetime: Duration::from_secs(3600),
            verify_token_lifetime: Duration::from_secs(3600),
            reset_token_lifetime: Duration::from_secs(3600),
            end_sessions_on_password_change: false,
            password: PasswordPolicy::default(),
            argon2: Argon2Config::default(),
            hash_concurrency: 2,
            hash_queue: 64,
            throttle: ThrottleConfig::default(),
            mail_interval: Duration::from_secs(60),
        }
    }
}

/// Argon2id parameters. A hash made with others is replaced at the next login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Config {
    /// Memory in KiB. Default: 65,536.
    pub memory_kib: u32,
    /// Passes over the memory. Default: 3.
    pub iterations: u32,
    /// Lanes. Default: 4.
    pub parallelism: u32,
}

impl Default for Argon2Config {
    fn default() -> Self {
        Self {
            memory_kib: 65_536,
            iterations: 3,
            parallelism: 4,
        }
    }
}

/// Brakes on guessing passwords. Failures are counted per account *and* client address, and per client address alone;
/// never per account alone, so that nobody can lock a person out from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleConfig {
    /// Failures from one client address on one account that are free. Default: 10.
    pub free_failures_per_account: u32,
    /// Failures from one client address over all accounts that are free; loopback
    /// addresses are not counted, because behind a proxy on the same machine they are everybody's. Default: 100.
    pub free_failures_per_address: u32,
    /// The pause after the first failure that is not free; it doubles with each further one. Default: 1 s.
    pub first_pause: Duration,
    /// The longest pause. Default: 15 min.
    pub longest_pause: Duration,
    /// Failures are forgotten after this long without a new one. Default: 1 h.
    pub forget_after: Duration,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            free_failures_per_account: 10,
            free_failures_per_address: 100,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(15 * 60),
            forget_after: Duration::from_secs(3600),
        }
    }
}

/// Invitations.
#[derive(Debug, Clone)]
pub struct InvitationConfig {
    /// How long an invitation can be accepted. Default: 7 days.
    pub lifetime: Duration,
}

impl Default for InvitationConfig {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(7 * 86_400),
        }
    }
}

/// Outgoing messages.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// The sender, as `Name <address>` or a bare address.
    pub from: String,
    /// How messages leave.
    pub transport: MailTransport,
    /// How often a message is tried before it is given up. Default: 10; with the pauses between (doubling from 10 s, at
    /// most an hour) that is a little over two and a half hours.
    pub max_attempts: u32,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            from: "Voxgate <voxgate@localhost>".into(),
            transport: MailTransport::Directory("data/outbox".into()),
            max_attempts: 10,
        }
    }
}

/// How messages leave.
#[derive(Debug, Clone)]
pub enum MailTransport {
    /// Each message becomes a file `<time>-<kind>-<id>.eml` in this directory, which is made when missing.
    Directory(PathBuf),
    /// Messages go to an SMTP server.
    Smtp(SmtpConfig),
}

/// An SMTP server.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// Host name.
    pub host: String,
    /// Port; `None` for the usual one of the chosen security (465, 587 or 25).
    pub port: Option<u16>,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User name and password, where the server wants them.
    pub credentials: Option<(String, SecretString)>,
    /// How long one attempt may take. Default of the composition root: 30 s.
    pub timeout: Duration,
}

/// How an SMTP connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// TLS from the first byte.
    Tls,
    /// Plain at first, then STARTTLS, which must succeed.
    StartTls,
    /// Not at all; for a relay on the same machine.
    None,
}

/// Synthesis.
#[derive(Debug, Clone)]
pub struct SpeechConfig {
    /// The longest text, in characters. Default: 5,000.
    pub max_characters: u64,
    /// Encoded audio up to this many bytes is collected and answered with its length; longer audio is streamed from
    /// there on. Bounds the memory of one request. Default: 4 MiB.
    pub max_buffered_bytes: usize,
    /// A request is given up when the engine delivers nothing for this long. Counts the wait for a free
    /// engine too. Default: 300 s.
    pub stall_timeout: Duration,
    /// What to tell a caller while no voices are installed, as in ``run `voxgate models pull kokoro` ``.
    pub install_hint: String,
}

impl Default for SpeechConfig {
    fn default() -> Self {
        Self {
            max_characters: 5_000,
            max_buffered_bytes: 4 * 1024 * 1024,
            stall_timeout: Duration::from_secs(300),
            install_hint: "run `voxgate models pull` on the server".into(),
        }
    }
}

/// A configuration that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    /// The field, as in `identity.argon2.memory_kib`.
    pub setting: &'static str,
    /// One sentence.
    pub problem: String,
}

impl ServicesConfig {
    /// Checks the whole.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |setting, problem: &str| {
            Err(ConfigError {
                setting,
                problem: problem.into(),
            })
        };
        if !(self.public_base_url.starts_with("http://")
            || self.public_base_url.starts_with("https://"))
            || self.public_base_url.ends_with('/')
        {
            return fail(
                "public_base_url",
                "must begin with http:// or https:// and not end with a slash",
            );
        }
        let identity = &self.identity;
        if identity.session_lifetime < Duration::from_secs(1)
            || identity.session_lifetime > Duration::from_secs(366 * 86_400)
        {
            return fail(
                "identity.session_lifetime",
                "must be between one second and a year",
            );
        }
        if identity.verify_token_lifetime < Duration::from_secs(1)
            || identity.reset_token_lifetime < Duration::from_secs(1)
        {
            return fail(
                "identity.verify_token_lifetime and reset_token_lifetime",
                "must be at least one second",
            );
        }
        if identity.hash_concurrency == 0 || identity.hash_queue == 0 {
            return fail(
                "identity.hash_concurrency and hash_queue",
                "must be at least 1",
            );
        }
        if identity.password.min_characters == 0
            || identity.password.min_characters > identity.password.max_characters
        {
            return fail(
                "identity.password",
                "min_characters must be at least 1 and not above max_characters",
            );
        }
        let argon2 = &identity.argon2;
        if argon2::Params::new(
            argon2.memory_kib,
            argon2.iterations,
            argon2.parallelism,
            None,
        )
        .is_err()
        {
            return fail(
                "identity.argon2",
                "memory must be at least 8 KiB per lane, iterations and parallelism at least 1",
            );
        }
        if self.invitations.lifetime < Duration::from_secs(1) {
            return fail("invitations.lifetime", "must be at least one second");
        }
        if self.mail.max_attempts == 0 {
            return fail("mail.max_attempts", "must be at least 1");
        }
        if self.mail.from.parse::<lettre::message::Mailbox>().is_err() {
            return fail("mail.from", "must be an address or `Name <address>`");
        }
        if self.speech.max_characters == 0 || self.speech.max_buffered_bytes < 64 * 1024 {
            return fail(
                "speech",
                "max_characters must be at least 1 and max_buffered_bytes at least 64 KiB",
            );
        }
        Ok(())
    }
}

//! What the database layer can be told. Owns the options and their defaults; reading them from files and the environment is
//! the server's business.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Which database to use.
#[derive(Clone)]
pub enum StoreConfig {
    /// One file on this machine.
    Sqlite {
        /// The database file; its folder must exist.
        path: PathBuf,
        /// How to use it.
        options: SqliteOptions,
    },
    /// A Postgres server (13 or newer).
    Postgres {
        /// `postgres://user:password@host:port/database?sslmode=prefer`. With `sslmode=prefer` the connection is encrypted
        /// where the server offers it, without checking who answers; with `sslmode=require` the certificate must be valid.
        url: String,
        /// How to use it.
        options: PostgresOptions,
    },
}

impl StoreConfig {
    /// The file with default options.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::Sqlite {
            path: path.into(),
            options: SqliteOptions::default(),
        }
    }

    /// The server with default options.
    pub fn postgres(url: impl Into<String>) -> Self {
        Self::Postgres {
            url: url.into(),
            options: PostgresOptions::default(),
        }
    }
}

impl fmt::Debug for StoreConfig {
    /// Leaves the URL out: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path, options } => f
                .debug_struct("Sqlite")
                .field("path", path)
                .field("options", options)
                .finish(),
            Self::Postgres { options, .. } => f
                .debug_struct("Postgres")
                .field("options", options)
                .finish_non_exhaustive(),
        }
    }
}

/// What an acknowledged write survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A crash of the process and a loss of power: the log is flushed to the disk before the answer
    /// (`synchronous=FULL`). Group commit shares one flush among all writes that wait.
    #[default]
    Full,
    /// A crash of the process; a loss of power may take the last writes, never the consistency (`synchronous=NORMAL`).
    Normal,
}

/// Options of the SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// What an acknowledged write survives.
    pub durability: Durability,
    /// How long to wait for another process that writes to the same file before answering busy.
    pub busy_timeout: Duration,
    /// How many scans ([`crate::Db::read_all`]) may run at once; more wait their turn. At least 1.
    pub scans: usize,
    /// How many writes may wait for the writer; more wait for a place, and answer busy after `busy_timeout`. At least 1.
    pub queue_depth: usize,
    /// The most writes folded into one commit. At least 1.
    pub max_batch: usize,
    /// Page cache of each connection, in KiB.
    pub cache_kib: u32,
    /// How much of the file is read through a memory map, in MiB.
    pub mmap_mib: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            busy_timeout: Duration::from_secs(5),
            scans: 4,
            queue_depth: 1024,
            max_batch: 256,
            cache_kib: 16 * 1024,
            mmap_mib: 256,
        }
    }
}

/// Options of the connection to Postgres.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The most connections. At least 1.
    pub max_connections: usize,
    /// How long to wait for a free connection before answering busy, and for a new one before answering unavailable.
    pub connect_timeout: Duration,
    /// The longest a statement may run; the server ends it, also when the caller is gone.
    pub statement_timeout: Duration,
    /// For how long a transaction that others invalidated is tried again before answering busy.
    pub retry_for: Duration,
    /// Certificates (PEM) to trust instead of the system's, for `sslmode=require`.
    pub ca_file: Option<PathBuf>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            max_connections: 16,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            retry_for: Duration::from_secs(10),
            ca_file: None,
        }
    }
}

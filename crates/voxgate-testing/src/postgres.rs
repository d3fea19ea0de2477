//! A Postgres server of the test's own: a fresh cluster on a free loopback port, one database per test, gone afterwards.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::daemon::{Daemon, Signal, find_program, free_port};

/// Prefix of the folders, by which those of killed tests are found again.
const FOLDER_PREFIX: &str = "voxgate-pg-";

/// How long the server may take to start, after a crash too.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// A running Postgres server.
#[derive(Debug)]
pub struct PostgresServer {
    daemon: Option<Daemon>,
    port: u16,
    databases: AtomicU32,
    programs: PathBuf,
    account: Option<(u32, u32)>,
    encrypted: bool,
    /// Removed last, when the server has ended.
    folder: TempDir,
}

/// The server of this process, while some test uses it.
static SHARED: Mutex<Weak<PostgresServer>> = Mutex::new(Weak::new());

impl PostgresServer {
    /// The server that the tests of this process share; started for the first and ended after the last.
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub fn shared() -> Result<Arc<Self>> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = shared.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&server);
        Ok(server)
    }

    /// Makes a cluster in a temporary folder and starts it. As root, it runs under another account, because Postgres refuses
    /// to run as root.
    ///
    /// # Errors
    /// Where `initdb` or `postgres` is missing or fails; the message says what to install or holds the server's log.
    pub fn start() -> Result<Self> {
        Self::start_as(None)
    }

    /// As [`PostgresServer::start`], offering encryption with this certificate and key (PEM).
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub fn start_encrypted(certificate: &str, key: &str) -> Result<Self> {
        Self::start_as(Some((certificate, key)))
    }

    fn start_as(encryption: Option<(&str, &str)>) -> Result<Self> {
        remove_leftovers();
        let programs = programs()?;
        let account = account()?;
        let folder = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir()?;
        fs::write(folder.path().join("owner"), std::process::id().to_string())?;
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let mut server = Self {
            daemon: None,
            port: free_port()?,
            databases: AtomicU32::new(0),
            programs,
            account,
            encrypted: encryption.is_some(),
            folder,
        };
        server.init()?;
        if let Some((certificate, key)) = encryption {
            server.write_private("server.crt", certificate)?;
            server.write_private("server.key", key)?;
        }
        server.launch()?;
        Ok(server)
    }

    fn init(&self) -> Result<()> {
        let mut initdb = Command::new(self.programs.join("initdb"));
        initdb
            .args([
                "--username=voxgate",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
                "--pgdata",
            ])
            .arg(self.data())
            .current_dir(self.folder.path());
        if let Some((user, group)) = self.account {
            initdb.uid(user).gid(group);
        }
        let output = initdb.output().context("initdb could not be started")?;
        if !output.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// A file in the data folder that only the server's account may read; it refuses a key that others may read.
    fn write_private(&self, name: &str, text: &str) -> Result<()> {
        let path = self.data().join(name);
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        if let Some((user, group)) = self.account {
            chown(&path, Some(user), Some(group))?;
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn launch(&mut self) -> Result<()> {
        let mut last = None;
        // Between choosing a port and listening on it somebody else may take it.
        for _ in 0..5 {
            match self.try_launch() {
                Ok(daemon) => {
                    self.daemon = Some(daemon);
                    return Ok(());
                }
                Err(error) => last = Some(error),
            }
            if self.databases.load(Ordering::Relaxed) == 0 {
                self.port = free_port()?;
            } else {
                // Those who hold a URL expect the same port; its last user may need a moment to let go of it.
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("Postgres was not started")))
    }

    fn try_launch(&self) -> Result<Daemon> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())?;
        let mut postgres = Daemon::command(&self.programs.join("postgres"), Signal::QUIT);
        postgres
            .arg("-D")
            .arg(self.data())
            .current_dir(self.folder.path());
        let sockets = self.folder.path().display();
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={sockets}"),
            format!("ssl={}", if self.encrypted { "on" } else { "off" }),
            "fsync=on".to_owned(),
            "shared_buffers=32MB".to_owned(),
            "max_connections=200".to_owned(),
            "log_min_messages=warning".to_owned(),
        ] {
            postgres.arg("-c").arg(setting);
        }
        postgres
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some((user, group)) = self.account {
            postgres.uid(user).gid(group);
        }
        let mut daemon = Daemon::spawn("postgres", postgres, Signal::QUIT)?;
        let started = Instant::now();
        while !self.ready(daemon.pid()) {
            if daemon.ended()?.is_some() || started.elapsed() > START_PATIENCE {
                bail!(
                    "Postgres did not start: {}",
                    fs::read_to_string(self.log()).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(daemon)
    }

    /// The server writes its state into its lock file: first line the process, last line `ready`.
    fn ready(&self, pid: u32) -> bool {
        fs::read_to_string(self.data().join("postmaster.pid")).is_ok_and(|text| {
            text.lines().next() == Some(pid.to_string().as_str())
                && text
                    .lines()
                    .last()
                    .is_some_and(|line| line.trim() == "ready")
        })
    }

    /// The address of a database on this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://voxgate@127.0.0.1:{}/{database}", self.port)
    }

    /// Ends the server as a crash would: no checkpoint, connections cut (`pg_ctl stop -m immediate`).
    ///
    /// # Errors
    /// Where it does not end.
    pub fn crash(&mut self) -> Result<()> {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.signal(Signal::QUIT)?;
            daemon.wait(Duration::from_secs(20))?;
        }
        Ok(())
    }

    /// Starts the server again on the same data and port.
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.crash()?;
        self.launch()
    }

    /// Makes an empty database and answers its address.
    ///
    /// # Errors
    /// Where the server refuses.
    pub async fn create_database(&self) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await?;
        let connection = tokio::spawn(connection);
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await?;
        drop(client);
        connection.await??;
        Ok(self.url(&name))
    }
}

/// An empty database on the shared server.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its address.
    pub url: String,
    _server: Arc<PostgresServer>,
}

impl TestDatabase {
    /// Makes one, and starts the server where this is the first.
    ///
    /// # Errors
    /// As [`PostgresServer::start`].
    pub async fn create() -> Result<Self> {
        let server = tokio::task::spawn_blocking(PostgresServer::shared).await??;
        Ok(Self {
            url: server.create_database().await?,
            _server: server,
        })
    }
}

/// The folder of Postgres' programs: `initdb` finds its share files beside itself, so links are followed.
fn programs() -> Result<PathBuf> {
    let initdb = find_program("initdb").context(
        "initdb is not on the PATH: the tests start a Postgres server of their own; \
         install it (Debian: apt-get install postgresql, then add /usr/lib/postgresql/*/bin to the PATH)",
    )?;
    let folder = fs::canonicalize(initdb)?;
    let folder = folder.parent().context("initdb has no folder")?;
    if !folder.join("postgres").is_file() {
        bail!(
            "{} holds initdb but not postgres: install the Postgres server",
            folder.display()
        );
    }
    Ok(folder.to_owned())
}

/// The account to run the server under: `None` for our own, which must not be root.
fn account() -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    for wanted in ["postgres", "nobody"] {
        for line in accounts.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [name, _, user, group, ..] = fields[..]
                && name == wanted
            {
                return Ok(Some((user.parse()?, group.parse()?)));
            }
        }
    }
    bail!(
        "Postgres refuses to run as root, and there is no account postgres or nobody to run it under"
    )
}

/// Ends servers and removes folders of tests that were killed before they could.
fn remove_leftovers() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(FOLDER_PREFIX)
        {
            remove_leftover(&entry.path());
        }
    }
}

fn remove_leftover(folder: &Path) {
    let Ok(owner) = fs::read_to_string(folder.join("owner")) else {
        return;
    };
    if owner.is_empty()
        || Path::new("/proc").join(&owner).exists()
        || !Path::new("/proc/self").exists()
    {
        return;
    }
    let data = folder.join("data");
    // Where the kernel could not signal it (no setpriv), the server is still there: its own tool ends it, which knows
    // whether the process in the lock file is really this server.
    if data.join("postmaster.pid").exists()
        && let Ok(programs) = programs()
    {
        let mut stop = Command::new(programs.join("pg_ctl"));
        stop.args(["stop", "-s", "-m", "immediate", "-D"])
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Ok(metadata) = fs::metadata(&data) {
            stop.uid(metadata.uid()).gid(metadata.gid());
        }
        let _ = stop.status();
    }
    let _ = fs::remove_dir_all(folder);
}

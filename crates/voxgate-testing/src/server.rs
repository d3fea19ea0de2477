//! The real `voxgate` program with a data directory of the test's own: started, restarted, stopped and killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use crate::client::Client;
use crate::daemon::{Daemon, Signal, free_port};
use crate::outbox::Outbox;

/// How long a start may take; models are loaded in it.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// How long a graceful end may take: the server's own grace and some more.
const STOP_PATIENCE: Duration = Duration::from_secs(40);

/// Lines of the log shown when a test fails.
const LOG_LINES: usize = 60;

/// How to start a server. Starts with [`Options::fake`] or [`Options::models`].
#[derive(Debug, Clone, Default)]
pub struct Options {
    settings: Vec<(String, String)>,
    arguments: Vec<String>,
    config: Option<String>,
}

impl Options {
    /// A tone instead of speech, and password hashes that cost next to nothing: for everything but audio.
    #[must_use]
    pub fn fake() -> Self {
        Self::default()
            .set("engines.fake", "true")
            .set("auth.argon2_memory_kib", "64")
            .set("auth.argon2_passes", "1")
            .set("auth.argon2_lanes", "1")
            .set("auth.allow_reserved_domains", "true")
            .argument("--offline")
    }

    /// The real models, from the folder that `VOXGATE_TEST_MODELS` names; `None` where it is not set.
    #[must_use]
    pub fn models() -> Option<Self> {
        let folder = std::env::var("VOXGATE_TEST_MODELS")
            .ok()
            .filter(|folder| !folder.is_empty())?;
        Some(
            Self::default()
                .set("models.dir", &folder)
                .argument("--offline"),
        )
    }

    /// Sets a configuration key, as in `limits.daily_words`.
    #[must_use]
    pub fn set(mut self, key: &str, value: &str) -> Self {
        let name = format!("VOXGATE__{}", key.to_uppercase().replace('.', "__"));
        self.settings.push((name, value.to_owned()));
        self
    }

    /// Keeps the data in that Postgres database instead of a file.
    #[must_use]
    pub fn database(self, url: &str) -> Self {
        self.set("database.url", url)
    }

    /// Adds an argument to `voxgate serve`.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Gives a configuration file with this text.
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        self.config = Some(text.to_owned());
        self
    }
}

/// What the first start wrote into the file that `--bootstrap-file` names.
#[derive(Debug, Clone, Deserialize)]
pub struct Bootstrap {
    /// Where the server is reached.
    pub base_url: String,
    /// The system administrator.
    pub admin_email: String,
    /// The generated password.
    pub admin_password: String,
    /// The first organisation.
    pub organization_id: String,
    /// The first API key.
    pub api_key: String,
}

/// A server with its data directory, which goes with it.
#[derive(Debug)]
pub struct TestServer {
    /// What its first start said.
    pub bootstrap: Bootstrap,
    daemon: Option<Daemon>,
    options: Options,
    program: PathBuf,
    folder: TempDir,
}

impl TestServer {
    /// Starts a server on an empty data directory and a free port, and waits until it is ready.
    ///
    /// # Errors
    /// Where the program was not built, ends early or is not ready in time; the message holds the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("voxgate-server-")
            .tempdir()?;
        if let Some(text) = &options.config {
            fs::write(folder.path().join("config.toml"), text)?;
        }
        let mut server = Self {
            bootstrap: Bootstrap {
                base_url: String::new(),
                admin_email: String::new(),
                admin_password: String::new(),
                organization_id: String::new(),
                api_key: String::new(),
            },
            daemon: None,
            options,
            program: program()?,
            folder,
        };
        server.launch("127.0.0.1:0").await?;
        Ok(server)
    }

    /// Starts another server on the same Postgres database, with a data directory of its own and the secrets of `first`.
    /// `options` are those of the first.
    ///
    /// # Errors
    /// As [`TestServer::start`].
    pub async fn start_beside(options: Options, first: &Self) -> Result<Self> {
        let secrets = first.data_dir().join("secrets");
        let options = options.set("secrets.dir", &secrets.to_string_lossy());
        let folder = tempfile::Builder::new()
            .prefix("voxgate-server-")
            .tempdir()?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut server = Self {
            bootstrap: Bootstrap {
                base_url: format!("http://{address}"),
                ..first.bootstrap.clone()
            },
            daemon: None,
            options,
            program: program()?,
            folder,
        };
        server.launch(&address).await?;
        Ok(server)
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A path beside the data directory, gone with the server.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The mail that the server wrote instead of sending.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        Outbox::new(self.data_dir().join("outbox"))
    }

    /// A client without credentials.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::new(&self.bootstrap.base_url)
    }

    /// A client of the system administrator, who acts in the first organisation with an API key.
    #[must_use]
    pub fn admin(&self) -> Client {
        self.anonymous().with_token(&self.bootstrap.api_key)
    }

    /// Everything the program has written since the first start.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Another command of the same program on the same data: `["orgs", "list", "--json"]`.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        self.configure(&mut command);
        command
            .args(arguments)
            .arg("--data-dir")
            .arg(self.data_dir())
            .stdin(Stdio::null());
        Ok(command.output()?)
    }

    fn configure(&self, command: &mut Command) {
        // What the caller of the tests has set for a server of their own is not for these.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VOXGATE__") {
                command.env_remove(name);
            }
        }
        command.env("NO_COLOR", "1").envs(
            self.options
                .settings
                .iter()
                .map(|(name, value)| (name, value)),
        );
        command.current_dir(self.folder.path());
    }

    async fn launch(&mut self, listen: &str) -> Result<()> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let mut command = Daemon::command(&self.program, Signal::KILL);
        self.configure(&mut command);
        command
            .args(["serve", "--listen", listen, "--data-dir"])
            .arg(self.data_dir())
            .arg("--bootstrap-file")
            .arg(self.folder.path().join("bootstrap.json"))
            .args(&self.options.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if self.options.config.is_some() {
            command
                .arg("--config")
                .arg(self.folder.path().join("config.toml"));
        }
        self.daemon = Some(Daemon::spawn("voxgate", command, Signal::KILL)?);
        self.wait_until_ready()
            .await
            .with_context(|| format!("the end of the server's log:\n{}", self.log_end()))
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.daemon.as_mut().context("not started")?.ended()? {
                bail!("the server ended while it started: {status}");
            }
            if self.bootstrap.base_url.is_empty() {
                // Written in one go, but read as soon as it appears: a part is not valid JSON.
                if let Ok(text) = fs::read_to_string(self.folder.path().join("bootstrap.json"))
                    && let Ok(bootstrap) = serde_json::from_str(&text)
                {
                    self.bootstrap = bootstrap;
                    continue;
                }
            } else if self
                .anonymous()
                .get("/ready")
                .await
                .is_ok_and(|answer| answer.status == 200)
            {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < START_PATIENCE,
                "the server was not ready after {START_PATIENCE:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends the server with SIGTERM, as an operator would, and answers how it ended.
    ///
    /// # Errors
    /// Where it does not end in time.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let mut daemon = self.daemon.take().context("the server does not run")?;
        daemon.signal(Signal::TERM)?;
        daemon.wait(STOP_PATIENCE)
    }

    /// Ends the server with SIGKILL: nothing is finished, flushed or tidied up.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        let mut daemon = self.daemon.take().context("the server does not run")?;
        daemon.signal(Signal::KILL)?;
        daemon.wait(STOP_PATIENCE)?;
        Ok(())
    }

    /// Starts the server again on the same data and at the same address, stopping it first where it runs.
    ///
    /// # Errors
    /// As [`TestServer::start`].
    pub async fn restart(&mut self) -> Result<()> {
        if self.daemon.is_some() {
            self.stop()?;
        }
        let address = self
            .bootstrap
            .base_url
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_owned();
        self.launch(&address).await
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Into the test's own output, where the reader of the failure looks.
            eprintln!("the end of the server's log:\n{}", self.log_end());
        }
    }
}

/// The program under test: what `VOXGATE_BIN` names, else the one beside the test's own program in the build folder.
fn program() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("VOXGATE_BIN").map(PathBuf::from) {
        ensure!(
            program.is_file(),
            "VOXGATE_BIN names {}, which does not exist",
            program.display()
        );
        // The server is started in another folder.
        return Ok(fs::canonicalize(program)?);
    }
    let test = std::env::current_exe()?;
    test.ancestors()
        .skip(1)
        .flat_map(|folder: &Path| [folder.join("voxgate"), folder.join("release").join("voxgate")])
        .find(|program| program.is_file())
        .context("there is no voxgate program to test: build it first: cargo build --release -p voxgate-cli")
}

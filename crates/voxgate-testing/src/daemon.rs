//! Child processes that end with the test, whatever way the test ends.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, kill_process};

pub use rustix::process::Signal;

/// A running child process. Dropping it sends the final signal and waits.
///
/// Where `setpriv` (util-linux) is installed, the kernel itself signals the child when this process dies without dropping
/// anything, so that a killed test leaves no orphan.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    last_signal: Signal,
    /// The kernel's death signal belongs to the *thread* that started the child, so that thread lives as long as this.
    _keeper: mpsc::Sender<()>,
}

impl Daemon {
    /// A command for [`Daemon::spawn`]: `program`, signalled by the kernel when this process dies.
    ///
    /// `last_signal` is what ends it at once and without orphans of its own: `QUIT` for Postgres, `KILL` for most.
    #[must_use]
    pub fn command(program: &Path, last_signal: Signal) -> Command {
        let Some(setpriv) = find_program("setpriv") else {
            return Command::new(program);
        };
        let mut command = Command::new(setpriv);
        let name = if last_signal == Signal::QUIT {
            "QUIT"
        } else {
            "KILL"
        };
        command.args(["--pdeathsig", name, "--"]).arg(program);
        command
    }

    /// Starts a command made by [`Daemon::command`].
    ///
    /// # Errors
    /// Where the program cannot be started; the message names it.
    pub fn spawn(name: &str, mut command: Command, last_signal: Signal) -> Result<Self> {
        let (keeper, kept) = mpsc::channel::<()>();
        let (started, child) = mpsc::channel();
        thread::Builder::new()
            .name(format!("keeper of {name}"))
            .spawn(move || {
                let _ = started.send(command.spawn());
                // Returns when the sender is dropped.
                let _ = kept.recv();
            })?;
        let child: io::Result<Child> = child.recv().context("the starting thread ended early")?;
        let child = child.with_context(|| format!("{name} could not be started"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            last_signal,
            _keeper: keeper,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, unless the process has ended.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // Until it is waited for, its id cannot belong to anyone else.
        if self.child.try_wait()?.is_none() {
            let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            kill_process(pid.ok_or_else(|| anyhow!("no such process id"))?, signal)?;
        }
        Ok(())
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// Where the system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// Where it has not ended after `patience`; it goes on then.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{} did not end within {patience:?}", self.name);
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.signal(self.last_signal).is_ok() && self.wait(Duration::from_secs(10)).is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A program that exists on the `PATH`.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A loopback port that nobody listens on at this moment.
///
/// # Errors
/// Where the system has none left.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

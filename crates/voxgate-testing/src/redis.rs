//! A Redis server of the test's own, on a free loopback port, without persistence.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::daemon::{Daemon, Signal, find_program, free_port};

/// A Redis server; ends when dropped. It can be stopped and started again on the same port, without what it knew.
#[derive(Debug)]
pub struct RedisServer {
    /// Its address, as in `redis://127.0.0.1:6379`.
    pub url: String,
    program: PathBuf,
    port: u16,
    daemon: Option<Daemon>,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// Where `redis-server` is missing or does not start.
    pub fn start() -> Result<Self> {
        let program = find_program("redis-server")
            .or_else(|| find_program("valkey-server"))
            .context("redis-server is not installed (Debian: apt-get install redis-server)")?;
        let folder = tempfile::Builder::new()
            .prefix("voxgate-redis-")
            .tempdir()?;
        let port = free_port()?;
        let mut server = Self {
            url: format!("redis://127.0.0.1:{port}"),
            program,
            port,
            daemon: None,
            folder,
        };
        server.start_again()?;
        Ok(server)
    }

    /// Starts it on the port it had, empty, and waits until it answers. Does nothing while it runs.
    ///
    /// # Errors
    /// Where it does not start, for instance because another program has taken the port.
    pub fn start_again(&mut self) -> Result<()> {
        if self.daemon.is_some() {
            return Ok(());
        }
        let port = self.port;
        let mut command = Daemon::command(&self.program, Signal::KILL);
        command
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
                &port.to_string(),
                "--dir",
            ])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut daemon = Daemon::spawn("redis-server", command, Signal::KILL)?;
        let begun = Instant::now();
        while !answers(port) {
            if daemon.ended()?.is_some() || begun.elapsed() > Duration::from_secs(20) {
                bail!("redis-server did not start on port {port}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.daemon = Some(daemon);
        Ok(())
    }

    /// Kills it; what it knew is lost.
    pub fn stop(&mut self) {
        self.daemon = None;
    }

    /// Halts it without ending it: connections stay open and nothing is answered. What it knew is kept.
    ///
    /// # Errors
    /// Where it does not run.
    pub fn pause(&mut self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Ends a [`RedisServer::pause`].
    ///
    /// # Errors
    /// Where it does not run.
    pub fn resume(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        self.daemon
            .as_mut()
            .context("redis-server is stopped")?
            .signal(signal)
    }
}

fn answers(port: u16) -> bool {
    let ping = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(answer == *b"+PONG")
    };
    ping().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn starts_answers_and_ends() {
        let mut server = RedisServer::start().unwrap();
        let port = server.url.rsplit(':').next().unwrap().parse().unwrap();
        assert!(answers(port));
        server.stop();
        assert!(!answers(port));
        server.start_again().unwrap();
        assert!(answers(port));
        server.pause().unwrap();
        server.resume().unwrap();
        assert!(answers(port));
        drop(server);
        assert!(!answers(port));
    }
}

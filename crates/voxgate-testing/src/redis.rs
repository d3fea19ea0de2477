//! A Redis server of the test's own, on a free loopback port, without persistence.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::daemon::{Daemon, Signal, find_program, free_port};

/// A running Redis server; ends when dropped.
#[derive(Debug)]
pub struct RedisServer {
    /// Its address, as in `redis://127.0.0.1:6379`.
    pub url: String,
    _daemon: Daemon,
    _folder: TempDir,
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
        let mut command = Daemon::command(&program, Signal::KILL);
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
            .arg(folder.path())
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
        Ok(Self {
            url: format!("redis://127.0.0.1:{port}"),
            _daemon: daemon,
            _folder: folder,
        })
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
        let server = RedisServer::start().unwrap();
        let port = server.url.rsplit(':').next().unwrap().parse().unwrap();
        assert!(answers(port));
        drop(server);
        assert!(!answers(port));
    }
}

//! A mail receiver on a free loopback port that keeps what it gets.
//!
//! It speaks as much of RFC 5321 as a sender without extensions needs, without TLS and without authentication; the crates
//! that embed a whole SMTP server bring unmaintained TLS parts.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::outbox::Letter;

/// A received message.
#[derive(Debug, Clone)]
pub struct Received {
    /// The sender of the envelope.
    pub from: String,
    /// The receivers of the envelope.
    pub to: Vec<String>,
    /// The message as it came, line ends as `\r\n`.
    pub message: Vec<u8>,
}

impl Received {
    /// The message as its receiver reads it.
    #[must_use]
    pub fn letter(&self) -> Letter {
        Letter::parse(&self.message)
    }
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    /// How many of the next messages are refused with a temporary error.
    refusals: usize,
}

/// The receiver; its thread ends with the process.
#[derive(Debug, Clone)]
pub struct SmtpSink {
    /// Its port on 127.0.0.1.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl SmtpSink {
    /// Starts one.
    ///
    /// # Errors
    /// Where no port is free.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let sink = Self {
            port: listener.local_addr()?.port(),
            state: Arc::default(),
        };
        let state = Arc::clone(&sink.state);
        thread::Builder::new()
            .name("smtp sink".to_owned())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    let state = Arc::clone(&state);
                    // A conversation that breaks off is the sender's affair.
                    let _ = thread::Builder::new()
                        .name("smtp conversation".to_owned())
                        .spawn(move || drop(converse(&stream, &state)));
                }
            })?;
        Ok(sink)
    }

    /// Refuses the next `count` messages with a temporary error, as a server does that is too busy.
    pub fn refuse_next(&self, count: usize) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .refusals = count;
    }

    /// What has come, in order.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .received
            .clone()
    }

    /// Waits until that many messages have come.
    ///
    /// # Errors
    /// Where they have not after `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Result<Vec<Received>> {
        let begun = Instant::now();
        loop {
            let received = self.received();
            if received.len() >= count {
                return Ok(received);
            }
            if begun.elapsed() > patience {
                bail!(
                    "{} of {count} messages came within {patience:?}",
                    received.len()
                );
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// One conversation.
fn converse(stream: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let answer = |text: &str| -> io::Result<()> {
        (&mut &*stream).write_all(format!("{text}\r\n").as_bytes())
    };
    let (mut from, mut to) = (String::new(), Vec::new());
    answer("220 sink ESMTP")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        match command
            .get(..4)
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "EHLO" => answer("250-sink\r\n250 8BITMIME")?,
            "HELO" | "RSET" | "NOOP" => answer("250 OK")?,
            "MAIL" => {
                from = address(&command);
                to.clear();
                answer("250 OK")?;
            }
            "RCPT" => {
                to.push(address(&command));
                answer("250 OK")?;
            }
            "DATA" => {
                answer("354 go on, end with a dot")?;
                let message = read_message(&mut lines)?;
                let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                if state.refusals > 0 {
                    state.refusals -= 1;
                    answer("451 try again later")?;
                } else {
                    state.received.push(Received {
                        from: from.clone(),
                        to: to.clone(),
                        message,
                    });
                    answer("250 OK")?;
                }
            }
            "QUIT" => return answer("221 bye"),
            _ => answer("502 not here")?,
        }
    }
}

/// What stands between `<` and `>`.
fn address(command: &str) -> String {
    let inside = command
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inside.map_or_else(String::new, |(address, _)| address.to_owned())
}

/// The message up to the line with a single dot; a dot put before a line's own dot is taken away again.
fn read_message(lines: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.as_slice() {
            b".\r\n" | b".\n" => return Ok(message),
            [b'.', rest @ ..] => message.extend_from_slice(rest),
            whole => message.extend_from_slice(whole),
        }
    }
}

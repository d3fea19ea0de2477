//! One kept-alive connection: sends a request when one is due, reads its answer, notes how long that took.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::schedule::Schedule;
use super::{Tally, nanoseconds};

/// Most headers of one answer.
const MAX_HEADERS: usize = 64;

/// Bytes asked of the socket at once; a usual answer comes in one read.
const READ_SIZE: usize = 16 * 1024;

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("no connection to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub(super) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    /// Bytes received and not yet part of an answer.
    buffer: Vec<u8>,
}

/// What is known of an answer when its headers are there.
struct Head {
    status: u16,
    /// Length of headers and body together.
    length: usize,
    /// The server ends the connection after it.
    last: bool,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            address,
            stream: connect(address).await?,
            buffer: Vec::with_capacity(READ_SIZE),
        })
    }

    /// Sends what is due until nothing more is.
    pub(super) async fn work(
        mut self,
        request: Rc<[u8]>,
        expect: u16,
        schedule: Rc<Schedule>,
        tally: Rc<RefCell<Tally>>,
    ) -> Result<()> {
        while let Some(due) = schedule.next().await {
            let sent = Instant::now();
            let answer = self.exchange(&request).await?;
            let done = Instant::now();
            let reconnect = {
                let mut tally = tally.borrow_mut();
                tally.last_answer = Some(done);
                tally
                    .lateness
                    .push(nanoseconds(sent.saturating_duration_since(due)));
                match &answer {
                    None => tally.broken += 1,
                    Some(head) => {
                        tally
                            .latency
                            .push(nanoseconds(done.saturating_duration_since(due)));
                        tally.bytes_in += head.length as u64;
                        if head.status == expect {
                            tally.answered += 1;
                        } else {
                            *tally.unexpected.entry(head.status).or_default() += 1;
                        }
                    }
                }
                answer.is_none_or(|head| head.last)
            };
            if reconnect {
                self.buffer.clear();
                self.stream = connect(self.address).await?;
            }
        }
        Ok(())
    }

    /// Sends the request and reads its answer; `None` where the connection broke.
    async fn exchange(&mut self, request: &[u8]) -> Result<Option<Head>> {
        if self.stream.write_all(request).await.is_err() {
            return Ok(None);
        }
        let head = loop {
            if let Some(head) = parse(&self.buffer)? {
                break head;
            }
            if !self.receive().await {
                return Ok(None);
            }
        };
        while self.buffer.len() < head.length {
            if !self.receive().await {
                return Ok(None);
            }
        }
        self.buffer.drain(..head.length);
        Ok(Some(head))
    }

    /// Whether more bytes came.
    async fn receive(&mut self) -> bool {
        self.buffer.reserve(READ_SIZE);
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(read) if read > 0)
    }
}

/// The head of an answer, once it is whole.
fn parse(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(bytes)? else {
        return Ok(None);
    };
    let status = answer.code.context("an answer without a status")?;
    let header = |name: &str| {
        let header = answer
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let body = match header("content-length") {
        Some(length) => length.trim().parse()?,
        None if status == 204 => 0,
        None => {
            bail!("an answer with status {status} and without Content-Length cannot be measured")
        }
    };
    Ok(Some(Head {
        status,
        length: head + body,
        last: header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
    }))
}

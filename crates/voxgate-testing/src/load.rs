//! A load generator for one HTTP/1.1 request repeated over kept-alive connections: at a constant rate or as fast as it goes.
//! Owns the schedule, the connections and the distributions; does not own what they are compared with.
//!
//! At a constant rate the load is *open*: request *i* is due at *i* ÷ rate whether or not earlier ones were answered, and
//! its latency counts from when it was due, not from when a connection was free. A server that stalls for a second is
//! therefore charged with every request of that second. A generator that waits for an answer before the next request
//! would note the stall once and hide it from the percentiles ("coordinated omission", Gil Tene; `wrk` without `-R`).
//!
//! One thread does everything, so that the generator takes as little as possible from the server beside it. Latencies are
//! all kept and sorted: percentiles are exact, not those of buckets.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use serde::{Deserialize, Serialize};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

/// Most headers of one answer.
const MAX_HEADERS: usize = 64;

/// Bytes asked of the socket at once; a usual answer comes in one read.
const READ_SIZE: usize = 16 * 1024;

/// How long after the schedule's end late answers are waited for.
const DRAIN: Duration = Duration::from_secs(5);

/// How many of the runtime's tasks run before it looks at the sockets and the timer again. The default of 61 would make
/// the timer late by some hundred microseconds under load.
const EVENT_INTERVAL: u32 = 8;

/// What to send, and how.
#[derive(Debug, Clone, Deserialize)]
pub struct Plan {
    /// Where the server listens.
    pub address: SocketAddr,
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers besides `Host` and `Content-Length`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body; empty for none.
    #[serde(default)]
    pub body: String,
    /// The status that counts as an answer; any other counts as unexpected.
    pub expect: u16,
    /// Connections, each with at most one request under way.
    pub connections: usize,
    /// Requests per second that fall due; `None` sends the next request of a connection when the last was answered.
    #[serde(default)]
    pub rate: Option<f64>,
    /// How long requests fall due, in seconds.
    pub seconds: f64,
}

/// A distribution of times, in milliseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Distribution {
    /// Arithmetic mean.
    pub mean_ms: f64,
    /// Half were faster.
    pub p50_ms: f64,
    /// 90 % were faster.
    pub p90_ms: f64,
    /// 99 % were faster.
    pub p99_ms: f64,
    /// 99.9 % were faster.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Distribution {
    /// Of any number of times; zero everywhere of none.
    fn of(mut times: Vec<u64>) -> Self {
        if times.is_empty() {
            return Self::default();
        }
        times.sort_unstable();
        let ms = |nanoseconds: f64| nanoseconds / 1e6;
        // Nearest rank: the smallest value that at least this share does not exceed.
        let at = |share: f64| {
            let rank = (share * times.len() as f64).ceil() as usize;
            ms(times[rank.clamp(1, times.len()) - 1] as f64)
        };
        let sum: u128 = times.iter().copied().map(u128::from).sum();
        Self {
            mean_ms: ms(sum as f64 / times.len() as f64),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
        }
    }
}

/// What came of a [`Plan`].
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Requests that fell due; without a rate, those sent.
    pub due: u64,
    /// Answers with the expected status.
    pub answered: u64,
    /// Answers with another status, by status.
    pub unexpected: BTreeMap<u16, u64>,
    /// Requests whose connection broke before the whole answer was there.
    pub broken: u64,
    /// Requests without an answer some seconds after the last was due.
    pub unanswered: u64,
    /// From the first request due to the last answer.
    pub seconds: f64,
    /// Expected answers per second.
    pub per_second: f64,
    /// Bytes received, headers included.
    pub bytes_in: u64,
    /// From when the request was due (without a rate: sent) to its whole answer. Requests without an answer are in it
    /// with the time until they were given up.
    pub latency: Distribution,
    /// From when the request was due to when it was sent: the wait for a free connection, and the generator's own delay.
    pub lateness: Distribution,
}

#[derive(Default)]
struct Tally {
    answered: u64,
    unexpected: BTreeMap<u16, u64>,
    broken: u64,
    bytes_in: u64,
    latency: Vec<u64>,
    lateness: Vec<u64>,
    last_answer: Option<Instant>,
}

impl Tally {
    /// Requests that have ended, whatever way.
    fn ended(&self) -> u64 {
        self.answered + self.unexpected.values().sum::<u64>() + self.broken
    }
}

/// When requests are due.
struct Schedule {
    /// When the first request is due.
    begin: Cell<Instant>,
    /// How long requests fall due.
    span: Duration,
    /// Between two requests; `None`: whenever a connection is free.
    interval: Option<Duration>,
    /// Requests due in all; unbounded without an interval.
    total: u64,
    /// Requests taken by a connection so far.
    taken: Cell<u64>,
    /// One permit for each request that is due and not taken. Hands them out first come, first served.
    due: Semaphore,
}

impl Schedule {
    fn new(plan: &Plan) -> Result<Self> {
        ensure!(
            plan.seconds > 0.0 && plan.connections > 0,
            "a time and connections are needed"
        );
        let span = Duration::try_from_secs_f64(plan.seconds).context("seconds")?;
        let interval = match plan.rate {
            None => None,
            Some(rate) if rate > 0.0 && rate <= 1e6 => Some(Duration::from_secs_f64(1.0 / rate)),
            Some(rate) => bail!("{rate} requests per second cannot be scheduled"),
        };
        let total = interval.map_or(u64::MAX, |interval| {
            (span.as_nanos() / interval.as_nanos()) as u64
        });
        ensure!(total > 0, "no request falls due in {span:?}");
        Ok(Self {
            begin: Cell::new(Instant::now()),
            span,
            interval,
            total,
            taken: Cell::new(0),
            due: Semaphore::new(0),
        })
    }

    /// When request number `index` is due, from 0; with an interval only.
    fn due_at(&self, index: u64, interval: Duration) -> Instant {
        self.begin.get() + Duration::from_nanos((interval.as_nanos() as u64).saturating_mul(index))
    }

    /// Waits for the next request and answers when it was due; `None` when there are no more.
    async fn next(&self) -> Option<Instant> {
        let Some(interval) = self.interval else {
            let now = Instant::now();
            return (now.duration_since(self.begin.get()) < self.span).then_some(now);
        };
        self.due.acquire().await.ok()?.forget();
        let index = self.taken.get();
        self.taken.set(index + 1);
        Some(self.due_at(index, interval))
    }

    /// Makes requests due, by a timer of the kernel: the runtime's own counts in whole milliseconds.
    async fn pace(&self) -> Result<()> {
        let Some(interval) = self.interval else {
            tokio::time::sleep(self.span).await;
            return Ok(());
        };
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let every = Timespec::try_from(interval)?;
        let first = Itimerspec {
            it_interval: every,
            it_value: every,
        };
        // The schedule begins with the timer, or every request would be late by the time between the two.
        self.begin.set(Instant::now());
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &first)?;
        #[expect(
            deprecated,
            reason = "its unsafe successor asks that the descriptor stays open while it is registered; an OwnedFd does"
        )]
        let timer = AsyncFd::new(timer)?;
        self.due.add_permits(1);
        let mut released = 1;
        while released < self.total {
            expirations(&timer).await?;
            // By the clock, not by counting ticks: a tick that came late makes all that is due by now due.
            let elapsed = self.begin.get().elapsed().as_nanos() / interval.as_nanos();
            let now = u64::try_from(elapsed)?.saturating_add(1).min(self.total);
            self.due.add_permits(usize::try_from(now - released)?);
            released = now;
        }
        Ok(())
    }
}

/// Waits until the timer has gone off since the last call.
async fn expirations(timer: &AsyncFd<OwnedFd>) -> Result<()> {
    loop {
        let mut ready = timer.readable().await?;
        let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0_u8; 8])?));
        if let Ok(read) = read {
            read?;
            return Ok(());
        }
    }
}

/// Carries out a plan on the calling thread.
///
/// # Errors
/// Where the plan makes no sense, the server cannot be reached, or an answer is not HTTP/1.1 with a `Content-Length`.
pub fn run(plan: &Plan) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .event_interval(EVENT_INTERVAL)
        .build()?;
    LocalSet::new().block_on(&runtime, drive(plan))
}

async fn drive(plan: &Plan) -> Result<Outcome> {
    let request: Rc<[u8]> = encode(plan)?.into();
    let mut streams = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        streams.push(connect(plan.address).await?);
    }
    let schedule = Rc::new(Schedule::new(plan)?);
    let tally = Rc::new(RefCell::new(Tally::default()));
    let mut connections = JoinSet::new();
    for stream in streams {
        let connection = Connection {
            address: plan.address,
            stream,
            buffer: Vec::with_capacity(READ_SIZE),
        };
        connections.spawn_local(connection.work(
            Rc::clone(&request),
            plan.expect,
            Rc::clone(&schedule),
            Rc::clone(&tally),
        ));
    }
    let paced = async {
        schedule.pace().await?;
        let given_up = Instant::now() + DRAIN;
        while schedule.interval.is_some()
            && tally.borrow().ended() < schedule.total
            && Instant::now() < given_up
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Ends the connections that wait for a next request.
        schedule.due.close();
        anyhow::Ok(())
    };
    let ended = async {
        while let Some(connection) = connections.join_next().await {
            connection??;
        }
        anyhow::Ok(())
    };
    tokio::pin!(ended);
    tokio::select! {
        // Connections end by themselves only where one failed, or without a rate at the end.
        result = &mut ended => result?,
        result = paced => {
            result?;
            if schedule.interval.is_none() {
                // What is under way gets its answer, within the same patience.
                let _ = tokio::time::timeout(DRAIN, ended).await;
            }
        }
    }
    let given_up = Instant::now();
    let tally = tally.take();
    Ok(conclude(tally, &schedule, given_up))
}

fn conclude(mut tally: Tally, schedule: &Schedule, given_up: Instant) -> Outcome {
    let ended = tally.ended();
    let due = if schedule.interval.is_some() {
        schedule.total
    } else {
        ended
    };
    let unanswered = due - ended;
    if let Some(interval) = schedule.interval {
        // Requests are taken in order, so those without an answer are the last ones, but for a few.
        for index in ended..due {
            let waited = given_up.saturating_duration_since(schedule.due_at(index, interval));
            tally.latency.push(nanoseconds(waited));
        }
    }
    let last = tally.last_answer.unwrap_or(given_up);
    let seconds = last.duration_since(schedule.begin.get()).as_secs_f64();
    Outcome {
        due,
        answered: tally.answered,
        unexpected: tally.unexpected,
        broken: tally.broken,
        unanswered,
        seconds,
        per_second: tally.answered as f64 / seconds,
        bytes_in: tally.bytes_in,
        latency: Distribution::of(tally.latency),
        lateness: Distribution::of(tally.lateness),
    }
}

fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("no connection to {address}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The bytes of the request.
fn encode(plan: &Plan) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write!(
        bytes,
        "{} {} HTTP/1.1\r\nHost: {}\r\n",
        plan.method, plan.path, plan.address
    )?;
    for (name, value) in &plan.headers {
        write!(bytes, "{name}: {value}\r\n")?;
    }
    if !plan.body.is_empty() {
        write!(bytes, "Content-Length: {}\r\n", plan.body.len())?;
    }
    write!(bytes, "\r\n{}", plan.body)?;
    Ok(bytes)
}

struct Connection {
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
    async fn work(
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

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that answers each request on each connection, after a pause before the request with that number.
    fn server(pause_at: usize, pause: Duration, close: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    for number in 0.. {
                        let mut line = String::new();
                        while line != "\r\n" {
                            line.clear();
                            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                                return;
                            }
                        }
                        if number == pause_at {
                            thread::sleep(pause);
                        }
                        let connection = if close { "close" } else { "keep-alive" };
                        let answer = format!(
                            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: {connection}\r\n\r\nok"
                        );
                        if stream.write_all(answer.as_bytes()).is_err() || close {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    fn plan(address: SocketAddr) -> Plan {
        Plan {
            address,
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: BTreeMap::new(),
            body: String::new(),
            expect: 200,
            connections: 1,
            rate: Some(500.0),
            seconds: 1.0,
        }
    }

    #[test]
    fn a_stall_is_charged_to_every_request_that_fell_due_in_it() {
        let pause = Duration::from_millis(400);
        let outcome = run(&plan(server(100, pause, false))).unwrap();
        assert_eq!((outcome.due, outcome.answered), (500, 500));
        // 200 of 500 requests fell due while the server stood still: the median of those waited 200 ms. A generator that
        // waits for answers would have one slow request in 500, and a p90 of under a millisecond.
        assert!(outcome.latency.p90_ms > 250.0, "{:?}", outcome.latency);
        assert!(outcome.latency.max_ms >= 400.0, "{:?}", outcome.latency);
    }

    #[test]
    fn requests_without_an_answer_count_with_the_time_they_waited() {
        let outcome = run(&Plan {
            seconds: 0.2,
            ..plan(server(10, Duration::from_secs(3600), false))
        })
        .unwrap();
        assert_eq!((outcome.answered, outcome.unanswered), (10, 90));
        assert!(outcome.latency.p50_ms >= 5000.0, "{:?}", outcome.latency);
    }

    #[test]
    fn without_a_rate_every_connection_sends_when_it_was_answered() {
        let outcome = run(&Plan {
            rate: None,
            connections: 4,
            seconds: 0.3,
            ..plan(server(usize::MAX, Duration::ZERO, false))
        })
        .unwrap();
        assert_eq!(outcome.due, outcome.answered);
        assert!(outcome.answered > 100, "{outcome:?}");
        assert_eq!(outcome.bytes_in % outcome.answered, 0);
    }

    #[test]
    fn a_server_that_ends_connections_is_connected_to_again() {
        let outcome = run(&Plan {
            rate: Some(100.0),
            connections: 2,
            seconds: 0.3,
            ..plan(server(usize::MAX, Duration::ZERO, true))
        })
        .unwrap();
        assert_eq!((outcome.answered, outcome.broken), (30, 0));
    }

    #[test]
    fn another_status_is_told_apart() {
        let outcome = run(&Plan {
            expect: 422,
            seconds: 0.1,
            ..plan(server(usize::MAX, Duration::ZERO, false))
        })
        .unwrap();
        assert_eq!(outcome.unexpected, BTreeMap::from([(200, 50)]));
        assert_eq!(outcome.answered, 0);
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let d = Distribution::of((1..=1000).map(|ms| ms * 1_000_000).rev().collect());
        assert_eq!((d.p50_ms, d.p99_ms, d.p999_ms), (500.0, 990.0, 999.0));
        assert_eq!((d.max_ms, d.mean_ms), (1000.0, 500.5));
    }
}

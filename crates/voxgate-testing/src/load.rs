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

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tokio::task::{JoinSet, LocalSet};

mod connection;
mod distribution;
mod schedule;

use connection::Connection;
pub use distribution::Distribution;
use schedule::Schedule;

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
    // Opened before the schedule begins: connecting is not what is measured.
    let mut opened = Vec::with_capacity(plan.connections);
    for _ in 0..plan.connections {
        opened.push(Connection::open(plan.address).await?);
    }
    let schedule = Rc::new(Schedule::new(plan)?);
    let tally = Rc::new(RefCell::new(Tally::default()));
    let mut connections = JoinSet::new();
    for connection in opened {
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
}

//! Limits over short windows and streams at once: in memory, or shared by several servers through Redis.
//!
//! Owns: requests and tokens per minute, the windows per endpoint class, concurrent streams; who still has room, and when the
//! others may come back. Does not own: quotas per day and month (the database counts those), where limits come from, what a
//! refusal looks like on the wire.
//!
//! ```
//! # use std::sync::Arc;
//! # use voxgate_domain::{KeyId, LimitKind, LimitScope, OrgId, SystemClock};
//! use voxgate_limits::{CellAsk, Demand, Limiter};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let limiter = Limiter::in_memory(Arc::new(SystemClock::new()));
//! let mut demand = Demand::new(OrgId::generate(), Some(KeyId::generate()));
//! demand.ask(CellAsk { scope: LimitScope::Organization, kind: LimitKind::RequestsPerMinute, limit: 60, weight: 1 });
//! demand.ask(CellAsk { scope: LimitScope::Key, kind: LimitKind::TokensPerMinute, limit: 1000, weight: 300 });
//! demand.ask(CellAsk { scope: LimitScope::Key, kind: LimitKind::ConcurrentStreams, limit: 2, weight: 1 });
//! let decision = limiter.decide(&demand).await;
//! let mut grant = decision.verdict.expect("nothing was counted before");
//! limiter.settle(&mut grant, LimitKind::TokensPerMinute, 120).await; // it took fewer tokens than held
//! limiter.release(grant).await; // the stream has ended
//! # });
//! ```
//!
//! # The rule
//!
//! It is the same in Rust and in the script that Redis runs, and a test compares them step by step. A window of length W is
//! cut into 60 slots. What is counted in a slot leaves the window when the slot's begin is W + W/60 ago, so each unit counts
//! for at least W and at most W + W/60: in no stretch of W are more units admitted than the limit. An ask is refused if the
//! sum of the window and its weight exceed the limit. An ask larger than the whole limit counts as the limit, so that it is
//! admitted by an empty window and fills it: a large request is never impossible. An ask of weight zero is never refused.
//! All asks of a [`Demand`] are admitted, or none is counted.
//!
//! # Exactness
//!
//! | mode | what holds |
//! |---|---|
//! | [`Mode::Memory`] | never one more than the limit, under any parallelism; a restart forgets |
//! | [`Mode::Shared`] | never one more than the limit over all servers; streams of a server that died end after the lease |
//! | [`Mode::Degraded`] | each server admits limit ÷ servers (at least 1, if the limit is), beginning with what it admitted before: over all servers at most the larger of the limit and their number |
//!
//! Each change of mode inside a window adds at most one limit: fewer than 2 × limit in a window in which Redis went away, or
//! came back, and fewer than 3 × limit where it did both and came back without its memory. A streams limit can be passed by
//! as much, until the streams of before have ended; coming back, each server first reports its streams.
//!
//! Time in memory is the monotonic clock, in Redis the clock of Redis, never that of a server. Where Redis's clock is set
//! ahead, windows end early once; where it is set back, windows last at most twice their length.

mod demand;
mod error;
mod grant;
mod limiter;
mod memory;
mod ring;
mod roster;
mod shared;

pub use demand::{CellAsk, CellState, Demand, States, decides};
pub use error::LimiterError;
pub use grant::Grant;
pub use limiter::{Decision, Limiter, Mode};
pub use shared::RedisConfig;

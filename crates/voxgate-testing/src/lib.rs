//! Harness and end-to-end tests. Owns the start and the end of everything that a test needs beside itself: the real server,
//! Postgres, Redis, a mail receiver, ffmpeg. Ships nothing, and imports no crate of the product: what it tests, it tests
//! from outside.

// A harness is configured by the environment and talks to loopback only.
#![allow(clippy::disallowed_methods)]

mod daemon;
mod postgres;

pub use daemon::{Daemon, Signal, find_program, free_port};
pub use postgres::{PostgresServer, TestDatabase};

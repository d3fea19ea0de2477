//! Harness and end-to-end tests. Owns the start and the end of everything that a test needs beside itself: the real server,
//! Postgres, Redis, a mail receiver, ffmpeg. Ships nothing, and imports no crate of the product: what it tests, it tests
//! from outside.

// A harness is configured by the environment, talks to loopback only, and tells the reader of a failure what it saw.
#![allow(clippy::disallowed_methods, clippy::print_stderr)]

pub mod audio;
mod client;
mod daemon;
pub mod load;
mod outbox;
mod postgres;
mod redis;
mod server;
mod smtp;

pub use client::{Answer, Client};
pub use daemon::{Daemon, Signal, find_program, free_port};
pub use outbox::{Letter, Outbox};
pub use postgres::{PostgresServer, TestDatabase};
pub use redis::RedisServer;
pub use reqwest::Method;
pub use server::{Bootstrap, Options, TestServer};
pub use smtp::{Received, SmtpSink};

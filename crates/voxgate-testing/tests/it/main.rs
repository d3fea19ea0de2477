//! End-to-end tests: the real program, over its real interfaces, with whatever it needs started for it.
//!
//! They need the program (`cargo build --release -p voxgate-cli`, or `VOXGATE_BIN`), Postgres' `initdb`, and for
//! [`speech`] a folder with the default models (`VOXGATE_TEST_MODELS`).

// Figures and the reader of a failure belong on the terminal.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod accounts;
mod crash;
mod limits;
mod mail;
mod nodes;
mod operations;
mod speech;
mod world;

//! Composition root: reads the configuration, opens the installation, wires engines, use cases and surfaces together,
//! and runs the listener until it is told to stop.
//!
//! Owns wiring and process-wide matters (sockets, TLS, logging, metrics recorder, shutdown). Knows no route and no SQL.

pub mod config;
pub mod engines;
pub mod first_run;
pub mod hello;
pub mod installation;
pub mod listener;
pub mod logging;
pub mod models;
pub mod secrets;
pub mod serve;
pub mod tls;

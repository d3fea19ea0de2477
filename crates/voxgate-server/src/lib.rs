//! Composition root.
pub mod config;
pub mod listener;
pub mod secrets;
pub mod tls;

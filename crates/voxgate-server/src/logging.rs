//! Where log lines go and what they look like. Set up once, by the binary.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// A log filter that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("configuration key `log.filter`: {0}; write a level such as info, or module=level pairs")]
pub struct FilterError(String);

/// Sends log lines to standard error, as `log` says. Standard output stays free for what commands answer.
///
/// # Errors
/// A filter that cannot be read.
pub fn install(log: &Log) -> Result<(), FilterError> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|e| FilterError(e.to_string()))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second installation (tests in one process) keeps the first.
    let _ = match log.format() {
        Some(LogFormat::Json) => builder.json().flatten_event(true).try_init(),
        Some(LogFormat::Text) | None => builder.with_target(false).try_init(),
    };
    Ok(())
}

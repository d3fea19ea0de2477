//! Outgoing messages.

use crate::Fault;

/// The outgoing messages: queued in the transaction of the change that caused them, sent in the background.
#[derive(Clone)]
pub struct Mail {}

impl Mail {
    /// How many messages wait to be sent, and how many were given up; for `doctor` and metrics.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn backlog(&self) -> Result<MailBacklog, Fault> {
        unimplemented!()
    }

    /// Waits until every message that was queued before the call has been tried once; for tests and the command line.
    pub async fn flush(&self) {
        unimplemented!()
    }
}

/// Messages not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailBacklog {
    /// Waiting for their next attempt.
    pub waiting: u64,
    /// Given up.
    pub failed: u64,
}

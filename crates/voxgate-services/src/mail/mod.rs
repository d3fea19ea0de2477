//! Outgoing messages: queued in the transaction of the change that caused them, sent in the background.
//!
//! A message is taken with a lease, sent, and finished. A crash in between delays it by the lease; over SMTP it may then
//! arrive twice, with the same `Message-ID`. It never gets lost and never holds up a request.

pub(crate) mod letters;
pub(crate) mod transport;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use voxgate_domain::Timestamp;
use voxgate_store::mail::{self, ClaimedMail};
use voxgate_store::{Db, StoreError};

use crate::Fault;
use crate::core::Core;
use transport::SendError;

/// How long a taken message is left alone by others.
const LEASE: Duration = Duration::from_secs(300);
/// How many messages are taken at once.
const BATCH: u64 = 8;
/// The pause after the first failed attempt; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// The sender looks at least this often: another process may have queued something.
const LONGEST_SLEEP: Duration = Duration::from_secs(15);

/// The outgoing messages.
#[derive(Clone)]
pub struct Mail {
    core: Arc<Core>,
}

/// Messages not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailBacklog {
    /// Waiting for their next attempt.
    pub waiting: u64,
    /// Given up.
    pub failed: u64,
}

impl Mail {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// How many messages wait to be sent, and how many were given up; for `doctor` and metrics.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn backlog<'a>(&'a self) -> BoxFuture<'a, Result<MailBacklog, Fault>> {
        Box::pin(async move {
            let (waiting, failed) = mail::backlog(&self.core.db).await?;
            Ok(MailBacklog { waiting, failed })
        })
    }

    /// Waits until every message that was queued before the call has been tried once; for tests and the command line.
    ///
    /// # Errors
    /// [`Fault`] where the database does not answer. That a message could not be sent is no error: it is tried again.
    pub fn flush<'a>(&'a self) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { Ok(send_due(&self.core).await?) })
    }
}

/// Sends what is due until told to stop.
pub(crate) async fn run(core: Arc<Core>) {
    let stopping = core.tasks.stopping().clone();
    while !stopping.is_cancelled() {
        let pause = match send_due(&core).await {
            Ok(()) => next_look(&core.db, core.now()).await,
            Err(error) => {
                tracing::warn!(%error, "outgoing mail waits for the database");
                LONGEST_SLEEP
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            () = core.mail_waiting.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn next_look(db: &Db, now: Timestamp) -> Duration {
    match mail::next_due(db).await {
        Ok(Some(due)) => due
            .since(now)
            .clamp(Duration::from_millis(50), LONGEST_SLEEP),
        Ok(None) | Err(_) => LONGEST_SLEEP,
    }
}

async fn send_due(core: &Arc<Core>) -> Result<(), StoreError> {
    let Ok(_turn) = core.mail_turn.acquire().await else {
        return Ok(());
    };
    let start = core.now();
    loop {
        let now = core.now().max(start);
        let lease_until = now.saturating_add(LEASE);
        let batch = core
            .db
            .write(move |tx| async move { mail::claim(tx, now, lease_until, BATCH).await }.boxed())
            .await?;
        if batch.is_empty() {
            return Ok(());
        }
        for mail in batch {
            let sent = core.transport.send(&mail).await;
            record(core, &mail, sent).await?;
        }
    }
}

async fn record(
    core: &Arc<Core>,
    claimed: &ClaimedMail,
    sent: Result<(), SendError>,
) -> Result<(), StoreError> {
    let now = core.now();
    let (id, attempt) = (claimed.id, claimed.attempt);
    let last = attempt >= core.config.mail.max_attempts;
    match &sent {
        Ok(()) => tracing::info!(mail.id = %id, mail.kind = %claimed.kind, "message sent"),
        Err(SendError::Temporary(error)) if !last => {
            tracing::warn!(mail.id = %id, mail.attempt = attempt, %error, "message not sent, will be tried again");
        }
        Err(error) => {
            tracing::error!(mail.id = %id, mail.attempt = attempt, %error, "message given up");
        }
    }
    let again = match &sent {
        Err(SendError::Temporary(_)) if !last => Some(now.saturating_add(pause_after(attempt))),
        _ => None,
    };
    let delivered = sent.is_ok();
    core.db
        .write(move |tx| {
            async move {
                match again {
                    Some(at) => mail::retry(tx, id, at).await,
                    None => mail::finish(tx, id, delivered, now).await,
                }
            }
            .boxed()
        })
        .await
}

/// 10 s after the first attempt, then twice as long each time, at most an hour.
fn pause_after(attempt: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)))
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_an_hour() {
        assert_eq!(pause_after(1), Duration::from_secs(10));
        assert_eq!(pause_after(2), Duration::from_secs(20));
        assert_eq!(pause_after(9), Duration::from_secs(2560));
        assert_eq!(pause_after(40), LONGEST_PAUSE);
    }
}

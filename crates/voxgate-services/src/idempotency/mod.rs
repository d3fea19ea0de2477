//! Idempotency keys: a request that costs money and is sent twice is done once and answered twice.
//!
//! The first request with a key is noted before any work, its answer is committed together with its usage record, and is
//! kept for a day. A repetition gets the kept answer and costs nothing. A twin that arrives while the first is at work
//! waits a while, then is told to come back. The same key with another body is refused. A request that fails leaves no
//! trace: a repetition does the work anew. What a process that died was doing is forgotten, because it was not charged.

mod error;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use voxgate_domain::OrgId;
use voxgate_store::StoreError;
use voxgate_store::idempotency::{self, Begun, Entry};

use crate::core::Core;
use crate::{Fault, Principal};
pub use error::IdempotencyError;

/// How long an answer is kept.
const KEEP: Duration = Duration::from_secs(24 * 3600);
/// How long a twin waits for the first request's answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pauses between two looks of a waiting twin: from the first to the second.
const LOOKS: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(400));
/// The longest key, in bytes.
const LONGEST_KEY: usize = 255;

/// A request that has the right to do the work under its key. Dropped without having been handed to the settlement, it
/// frees the key.
pub(crate) struct Ticket {
    core: Arc<Core>,
    entry: Option<Entry>,
}

/// What a key means for the request that brings it.
pub(crate) enum Turn {
    /// It is the first: do the work.
    First(Ticket),
    /// It was done before.
    Replay {
        /// What was said about the answer.
        meta: String,
        /// The answer; empty where it was not kept.
        body: Bytes,
    },
}

/// Finds out whose turn it is.
pub(crate) async fn begin(
    core: &Arc<Core>,
    principal: &Principal,
    org: OrgId,
    key: &str,
    operation: &'static str,
    fingerprint: [u8; 32],
) -> Result<Turn, IdempotencyError> {
    if key.is_empty()
        || key.len() > LONGEST_KEY
        || !key.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    {
        return Err(IdempotencyError::Invalid);
    }
    let owner = principal
        .key_id()
        .map(|id| id.to_string())
        .or_else(|| principal.user_id().map(|id| id.to_string()))
        .unwrap_or_default();
    let entry = Entry {
        organization_id: org,
        owner,
        key_hash: blake3::hash(key.as_bytes()).as_bytes().to_vec(),
    };
    let started = core.clock.monotonic();
    let mut pause = LOOKS.0;
    loop {
        // Written down at once: of two that arrive together, one is first.
        let begun = write_begin(core, &entry, operation, fingerprint).await?;
        let (known_operation, known_fingerprint, done) = match begun {
            Ok(ticket) => return Ok(Turn::First(ticket)),
            Err(Begun::Started) => {
                return Err(Fault::Internal("a key that is nobody's".into()).into());
            }
            Err(Begun::Running {
                operation,
                fingerprint,
                ..
            }) => (operation, fingerprint, None),
            Err(Begun::Done {
                operation,
                fingerprint,
                meta,
                body,
            }) => (operation, fingerprint, Some((meta, body))),
        };
        if known_operation != operation || known_fingerprint != fingerprint {
            return Err(IdempotencyError::Reused);
        }
        if let Some((meta, body)) = done {
            metrics::counter!("voxgate_idempotent_replays_total").increment(1);
            return Ok(Turn::Replay {
                meta,
                body: body.into(),
            });
        }
        if core.clock.monotonic().saturating_sub(started) >= PATIENCE {
            return Err(IdempotencyError::InProgress {
                retry_after: Duration::from_secs(1),
            });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOKS.1);
    }
}

/// Takes the key, or finds out who has it. In a task of its own: a caller that goes away meanwhile drops the ticket, which
/// frees the key.
async fn write_begin(
    core: &Arc<Core>,
    entry: &Entry,
    operation: &'static str,
    fingerprint: [u8; 32],
) -> Result<Result<Ticket, Begun>, IdempotencyError> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    let (worker, entry) = (Arc::clone(core), entry.clone());
    core.tasks.spawn(async move {
        let (node, now) = (worker.node_id.clone(), worker.now());
        let written = entry.clone();
        let begun: Result<Begun, StoreError> = worker
            .db
            .write(move |tx| {
                let (entry, node) = (written.clone(), node.clone());
                async move {
                    let until = now.saturating_add(KEEP);
                    idempotency::begin(tx, &entry, operation, &fingerprint, &node, now, until).await
                }
                .boxed()
            })
            .await;
        drop(answer.send(begun.map(|begun| match begun {
            Begun::Started => Ok(Ticket {
                core: worker,
                entry: Some(entry),
            }),
            taken => Err(taken),
        })));
    });
    let begun = answered
        .await
        .map_err(|_| Fault::Internal("an idempotency key was not written".into()))?;
    Ok(begun?)
}

async fn forget(core: &Arc<Core>, entry: Entry) {
    let node = core.node_id.clone();
    let forgotten: Result<bool, StoreError> = core
        .db
        .write(move |tx| {
            let (entry, node) = (entry.clone(), node.clone());
            async move { idempotency::abandon(tx, &entry, &node).await }.boxed()
        })
        .await;
    if let Err(error) = forgotten {
        tracing::warn!(%error, "an idempotency key stays taken until its process ends");
    }
}

impl Ticket {
    /// Hands the key over to the settlement, which completes it together with the record.
    pub(crate) fn into_entry(mut self) -> Option<Entry> {
        self.entry.take()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            let core = Arc::clone(&self.core);
            // Nobody waits for it but the shutdown.
            drop(
                self.core
                    .tasks
                    .spawn(async move { forget(&core, entry).await }),
            );
        }
    }
}

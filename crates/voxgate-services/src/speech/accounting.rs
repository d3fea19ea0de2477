//! The account of one request: opened before the engine works, settled exactly once however the request ends.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use voxgate_domain::{OrgId, RequestId};
use voxgate_engine::SpeechOutcome;
use voxgate_store::StoreError;
use voxgate_store::usage::{NewRequest, Settlement};

use super::SpeechError;
use crate::Fault;
use crate::core::Core;
use crate::limits::words;

/// How often a settlement is tried while the database does not answer; with the pauses between about 15 seconds.
const ATTEMPTS: u32 = 6;

/// What a request has been charged for in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Delivered {
    pub(super) words: u64,
    pub(super) characters: u64,
    pub(super) audio_ms: u64,
    pub(super) bytes: u64,
}

/// An admitted request. Dropping it unsettled records that the caller went away, in the background, charging what
/// [`Account::delivered`] says by then.
pub(super) struct Account {
    core: Arc<Core>,
    org: OrgId,
    pub(super) id: RequestId,
    pub(super) words: u64,
    pub(super) characters: u64,
    /// What has reached the caller so far.
    pub(super) delivered: Delivered,
    opened: Duration,
    open: bool,
}

impl Account {
    /// Reserves the words and writes the pending row. The transaction runs in a task of its own: a caller that goes away
    /// meanwhile cannot leave a row behind that nobody settles.
    pub(super) async fn open(core: &Arc<Core>, request: NewRequest) -> Result<Self, SpeechError> {
        let (answer, answered) = oneshot::channel();
        let worker = Arc::clone(core);
        core.tasks.spawn(async move {
            let opened = Self::reserve(worker, request).await;
            // Where nobody listens any more, the account comes back and is dropped here, which settles it.
            drop(answer.send(opened));
        });
        answered.await.map_err(|_| {
            SpeechError::Fault(Fault::Internal("the reservation ended early".into()))
        })?
    }

    async fn reserve(core: Arc<Core>, request: NewRequest) -> Result<Self, SpeechError> {
        let (org, id) = (request.organization_id, request.id);
        let (words, characters) = (request.words, request.characters);
        let (now, opened) = (core.now(), core.clock.monotonic());
        core.db
            .write(move |tx| {
                let request = request.clone();
                async move { words::reserve(tx, &request, now).await }.boxed()
            })
            .await?;
        Ok(Self {
            core,
            org,
            id,
            words,
            characters,
            delivered: Delivered::default(),
            opened,
            open: true,
        })
    }

    /// Charges the whole request and records what it took. The answer comes once that is committed.
    pub(super) async fn succeed(self, outcome: &SpeechOutcome) -> Result<(), Fault> {
        let end = Settlement {
            error: None,
            charged_words: self.words,
            charged_characters: self.characters,
            audio_ms: Some(outcome.audio_ms),
            duration_ms: self.age_ms(),
            engine_ms: Some(millis(outcome.engine + outcome.encode)),
            queue_ms: Some(millis(outcome.queue)),
            bytes_out: Some(outcome.bytes),
        };
        self.settle(end).await
    }

    /// Records a failure that is not the caller's doing: everything is given back.
    pub(super) async fn fail(self, code: &'static str) -> Result<(), Fault> {
        let end = Settlement {
            error: Some(code),
            duration_ms: self.age_ms(),
            audio_ms: Some(self.delivered.audio_ms),
            bytes_out: Some(self.delivered.bytes),
            ..Settlement::default()
        };
        self.settle(end).await
    }

    async fn settle(mut self, end: Settlement) -> Result<(), Fault> {
        self.open = false;
        let work = settle(Arc::clone(&self.core), self.org, self.id, end);
        // In a task of its own: it runs to its end even when the caller of this method is dropped.
        self.core
            .tasks
            .spawn(work)
            .await
            .map_err(|error| Fault::Internal(format!("the settlement ended early: {error}")))?
            .map_err(Fault::from)
    }

    fn age_ms(&self) -> Option<u64> {
        Some(millis(
            self.core.clock.monotonic().saturating_sub(self.opened),
        ))
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let end = Settlement {
            error: Some("cancelled"),
            charged_words: self.delivered.words,
            charged_characters: self.delivered.characters,
            audio_ms: Some(self.delivered.audio_ms),
            duration_ms: self.age_ms(),
            engine_ms: None,
            queue_ms: None,
            bytes_out: Some(self.delivered.bytes),
        };
        let work = settle(Arc::clone(&self.core), self.org, self.id, end);
        // Nobody waits for it but the shutdown; a failure is logged where it happens.
        drop(self.core.tasks.spawn(work));
    }
}

async fn settle(
    core: Arc<Core>,
    org: OrgId,
    id: RequestId,
    end: Settlement,
) -> Result<(), StoreError> {
    let now = core.now();
    let mut pause = Duration::from_millis(250);
    for attempt in 1.. {
        let settled = core
            .db
            .write(move |tx| async move { words::settle(tx, org, id, &end, now).await }.boxed())
            .await;
        match settled {
            Ok(settled) => {
                if settled {
                    count(&end);
                }
                return Ok(());
            }
            Err(error @ (StoreError::Busy | StoreError::Unavailable(_))) if attempt < ATTEMPTS => {
                tracing::warn!(request.id = %id, %error, "a request is not settled yet, trying again");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(error) => {
                tracing::error!(request.id = %id, org.id = %org, %error, "a request could not be settled; the next start does it");
                return Err(error);
            }
        }
    }
    Ok(())
}

fn count(end: &Settlement) {
    let status = if end.error.is_none() {
        "success"
    } else {
        "failed"
    };
    metrics::counter!("voxgate_speech_requests_total", "status" => status).increment(1);
    metrics::counter!("voxgate_speech_words_total").increment(end.charged_words);
    metrics::counter!("voxgate_speech_audio_milliseconds_total")
        .increment(end.audio_ms.unwrap_or(0));
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

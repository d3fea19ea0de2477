//! Metering: one record per request, from its admission to the books.
//!
//! A request that ends is appended to the journal and queued; one task writes what is queued in batches, each one
//! transaction with everything that belongs together: the record, the counters, the credits, the kept answer. So whoever
//! waits for an answer waits for the journal (microseconds) and not for a commit, and nothing that was answered is lost
//! when the process dies: the next start reads the journal first. A record takes effect once, by its id, however often it
//! is written.

pub(crate) mod books;
pub(crate) mod journal;
pub(crate) mod record;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior};
use voxgate_domain::RequestId;
use voxgate_store::StoreError;
use voxgate_store::usage::RequestFacts;

use crate::Fault;
use crate::core::Core;
use books::{Batch, Entry};
use journal::{Journal, Place};
use record::{Admitted, Line};

/// Records in one transaction.
const BATCH: usize = 256;
/// How long the first record of a batch waits for company while nobody waits for it.
const LINGER: Duration = Duration::from_millis(20);
/// A request that lasts longer than this is written as pending, so that long ones can be seen; most end before, and are
/// written once. One that is younger when the process dies leaves no record, and costs nothing.
const PENDING_AFTER: Duration = Duration::from_millis(250);
/// Ended requests that may wait for the database; beyond that, new ones are refused until it has caught up.
const MAX_WAITING: usize = 20_000;
/// The longest pause between two attempts to write while the database does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long somebody who reads the books waits for what has ended to be in them.
const READ_PATIENCE: Duration = Duration::from_secs(5);
/// How long the shutdown tries; the journal keeps what is left.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(20);

/// What the answer of an idempotent request leaves behind.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) entry: voxgate_store::idempotency::Entry,
    pub(crate) meta: String,
    pub(crate) body: bytes::Bytes,
}

/// The records of this process on their way to the books.
pub(crate) struct Meter {
    journal: Option<Journal>,
    queue: Mutex<Queue>,
    wake: Notify,
    /// Somebody waits, so lingering would only cost time.
    hurry: Notify,
    written: watch::Sender<u64>,
}

#[derive(Default)]
struct Queue {
    /// Admitted, not ended and not written yet.
    begun: HashMap<RequestId, (Instant, Admitted)>,
    ended: VecDeque<Entry>,
    /// How many have ended so far.
    count: u64,
}

impl Meter {
    /// With a journal in `folder`, or without one where whoever ends a request waits for the database.
    pub(crate) fn open(folder: Option<&PathBuf>, node: &str) -> io::Result<Self> {
        Ok(Self {
            journal: folder
                .map(|folder| Journal::open(folder, node))
                .transpose()?,
            queue: Mutex::default(),
            wake: Notify::new(),
            hurry: Notify::new(),
            written: watch::Sender::new(0),
        })
    }

    /// Whether so much waits to be written that nothing new should begin.
    pub(crate) fn is_behind(&self) -> bool {
        self.lock().ended.len() >= MAX_WAITING
    }

    /// A request was admitted in this process alone.
    pub(crate) fn begin(&self, admitted: &Admitted) {
        let begun = (Instant::now(), admitted.clone());
        self.lock().begun.insert(admitted.id, begun);
    }

    /// A request has ended. After this the record survives the end of the process, where there is a journal; without one,
    /// wait for [`Meter::written`] with the number answered.
    ///
    /// # Errors
    /// Where the journal could not be written; the record is queued nevertheless.
    pub(crate) fn end(&self, line: Line, kept: Option<Kept>) -> (u64, io::Result<()>) {
        // An answer that is kept is given out only once it is committed together with its record. So its record must not
        // come back from the journal alone: the caller would ask again, and pay twice.
        let commits_first = kept.as_ref().is_some_and(|kept| !kept.body.is_empty());
        let journal = self.journal.as_ref().filter(|_| !commits_first);
        let (place, outcome) = match journal.map(|journal| journal.append(&line)) {
            Some(Ok(place)) => (Some(place), Ok(())),
            Some(Err(error)) => (None, Err(error)),
            None => (None, Ok(())),
        };
        let mut queue = self.lock();
        queue.begun.remove(&line.request());
        queue.count += 1;
        let number = queue.count;
        queue.ended.push_back(Entry { line, kept, place });
        drop(queue);
        self.wake.notify_one();
        (number, outcome)
    }

    /// Whether records survive the end of the process before they are in the database.
    pub(crate) fn is_journaled(&self) -> bool {
        self.journal.is_some()
    }

    /// Waits until the first `number` ended requests are in the database.
    pub(crate) async fn written(&self, number: u64) -> Result<(), Fault> {
        let mut written = self.written.subscribe();
        if *written.borrow_and_update() >= number {
            return Ok(());
        }
        self.hurry.notify_one();
        written
            .wait_for(|&done| done >= number)
            .await
            .map(|_| ())
            .map_err(|_| Fault::Internal("metering has ended".into()))
    }

    /// Waits until everything that has ended by now is in the database: what somebody who reads the books asks for first.
    ///
    /// # Errors
    /// [`Fault::Busy`] where the database does not keep up.
    pub(crate) async fn caught_up(&self) -> Result<(), Fault> {
        let number = self.lock().count;
        tokio::time::timeout(READ_PATIENCE, self.written(number))
            .await
            .map_err(|_| Fault::Busy)?
    }

    fn take(&self, node: &str) -> (Vec<RequestFacts>, Vec<Entry>) {
        let mut queue = self.lock();
        let begun = queue.begun.extract_if(|_, (since, _)| is_long(*since));
        let begun = begun
            .map(|(_, (_, admitted))| admitted.facts(node))
            .collect();
        let many = queue.ended.len().min(BATCH);
        (begun, queue.ended.drain(..many).collect())
    }

    fn is_idle(&self) -> bool {
        let queue = self.lock();
        queue.ended.is_empty() && !queue.begun.values().any(|(since, _)| is_long(*since))
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_long(since: Instant) -> bool {
    since.elapsed() >= PENDING_AFTER
}

/// Writes what is queued until told to stop, and then what is left.
pub(crate) async fn run(core: Arc<Core>) {
    let stop = core.meter_stop.clone();
    let mut look = tokio::time::interval(PENDING_AFTER);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = core.meter.wake.notified() => {}
            _ = look.tick() => if core.meter.is_idle() { continue },
            () = stop.cancelled() => break,
        }
        tokio::select! {
            () = tokio::time::sleep(LINGER) => {}
            () = core.meter.hurry.notified() => {}
            () = stop.cancelled() => {}
        }
        while !core.meter.is_idle() {
            write_some(&core, None).await;
        }
    }
    let deadline = Instant::now() + SHUTDOWN_PATIENCE;
    while !core.meter.is_idle() && Instant::now() < deadline {
        write_some(&core, Some(deadline)).await;
    }
}

/// Writes one batch, as often as it takes. Beyond `deadline` it gives up, and the journal keeps the batch.
async fn write_some(core: &Arc<Core>, deadline: Option<Instant>) {
    let (begun, ended) = core.meter.take(&core.node_id);
    let many = ended.len() as u64;
    let places: Vec<Place> = ended.iter().filter_map(|entry| entry.place).collect();
    let batch = Arc::new(Batch { begun, ended });
    let mut pause = Duration::from_millis(100);
    loop {
        match books::write(core, &batch).await {
            Ok(()) => break,
            Err(error @ (StoreError::Busy | StoreError::Unavailable(_))) => {
                metrics::counter!("voxgate_metering_retries_total").increment(1);
                tracing::warn!(records = many, %error, "usage records wait for the database");
                let next = Instant::now() + pause;
                if deadline.is_some_and(|deadline| next > deadline) {
                    tracing::error!(
                        records = many,
                        "usage records stay in the journal until the next start"
                    );
                    return;
                }
                tokio::time::sleep_until(next).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            // One record the database will never take must not hold up the others.
            Err(error) => {
                tracing::error!(records = many, %error, "a batch of usage records was refused; writing them one by one");
                books::write_singly(core, &batch).await;
                break;
            }
        }
    }
    if many > 0 {
        metrics::counter!("voxgate_metering_records_total").increment(many);
        core.meter.written.send_modify(|written| *written += many);
        if let Some(journal) = &core.meter.journal {
            journal.settled(&places);
        }
    }
}

/// Puts what an earlier process left in the journal into the database; answers how many records that were.
///
/// # Errors
/// Where a file cannot be read or the database does not answer: starting anyway would lose money.
pub(crate) async fn replay(core: &Arc<Core>) -> Result<u64, Fault> {
    let Some(folder) = core.config.metering.journal_dir.clone() else {
        return Ok(0);
    };
    let unreadable = |error: io::Error| Fault::Internal(format!("the usage journal: {error}"));
    let files = tokio::task::spawn_blocking(move || journal::left_behind(&folder))
        .await
        .map_err(|error| Fault::Internal(error.to_string()))?
        .map_err(unreadable)?;
    let mut total = 0;
    for path in files {
        let file = path.clone();
        let (lines, damaged) = tokio::task::spawn_blocking(move || journal::read(&file))
            .await
            .map_err(|error| Fault::Internal(error.to_string()))?
            .map_err(unreadable)?;
        if damaged > 0 {
            tracing::warn!(lines = damaged, file = %path.display(), "unfinished lines of the usage journal are left out");
        }
        total += lines.len() as u64;
        let entries: Vec<Entry> = lines
            .into_iter()
            .map(|line| Entry {
                line,
                kept: None,
                place: None,
            })
            .collect();
        for piece in entries.chunks(BATCH) {
            let batch = Arc::new(Batch {
                begun: Vec::new(),
                ended: piece.to_vec(),
            });
            match books::write(core, &batch).await {
                Ok(()) => {}
                Err(error @ (StoreError::Busy | StoreError::Unavailable(_))) => {
                    return Err(error.into());
                }
                Err(_) => books::write_singly(core, &batch).await,
            }
        }
        tokio::fs::remove_file(&path).await.map_err(unreadable)?;
    }
    if total > 0 {
        tracing::warn!(
            records = total,
            "usage records of a process that died were written from its journal"
        );
    }
    Ok(total)
}

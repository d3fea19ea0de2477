//! The one thread that writes: it takes what is queued, runs each job inside a savepoint of one transaction, commits once,
//! and only then answers. Many small writes share one flush to the disk, and none is told "stored" before it is.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::errors::translate;
use crate::error::StoreError;
use crate::transaction::Transaction;
use crate::tx::Tx;

/// How often the planner's statistics are refreshed.
const OPTIMIZE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    /// How long a caller waits for a place in the queue.
    patience: Duration,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Job(Job),
    /// Finish what came before and end.
    Close(oneshot::Sender<()>),
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        depth: usize,
        max_batch: usize,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(depth);
        let thread = std::thread::Builder::new()
            .name("voxgate-db-writer".to_owned())
            .spawn(move || run(connection, jobs, max_batch))
            .map_err(|error| {
                StoreError::Unavailable(format!("no thread for the database writer: {error}"))
            })?;
        Ok(Self {
            queue,
            patience,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Waits until the transaction is committed or refused. The error is of one that never ran.
    pub(super) async fn submit(
        &self,
        transaction: Box<dyn Transaction>,
    ) -> Result<Box<dyn Transaction>, StoreError> {
        let (answer, outcome) = oneshot::channel();
        let job = Job {
            transaction,
            answer,
            panic: None,
        };
        match self
            .queue
            .send_timeout(Message::Job(job), self.patience)
            .await
        {
            Ok(()) => {}
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => return Err(StoreError::Busy),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => return Err(closed()),
        }
        match outcome.await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(closed()),
        }
    }

    pub(super) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error means that the thread was ending already.
            let _ = closed.await;
        }
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // It has nothing left to do, so joining takes no time worth a blocking thread.
            let _ = thread.join();
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the database is closed".to_owned())
}

/// A queued transaction.
struct Job {
    transaction: Box<dyn Transaction>,
    answer: oneshot::Sender<Outcome>,
    panic: Option<Box<dyn Any + Send>>,
}

/// What the writer sends back: the transaction with its result, or the panic that it ended with.
type Outcome = Result<Box<dyn Transaction>, Box<dyn Any + Send>>;

impl Job {
    /// Whether the caller is gone, so that the work need not be done.
    fn abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    /// Does the work, which keeps its result; true where its changes shall stay.
    fn run(&mut self, connection: &mut Connection) -> bool {
        let transaction = &mut self.transaction;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut tx = Tx::sqlite(connection);
            // On SQLite every method of `Tx` is ready at once, so the whole work is done in one poll.
            let good = transaction.run(&mut tx).now_or_never();
            let failure = match (good, tx.into_failure()) {
                (Some(good), None) => return good,
                (Some(false), Some(_)) => return false,
                (Some(true), Some((error, _))) => error,
                (None, _) => StoreError::Corrupt(
                    "a transaction waited for something other than its own statements".to_owned(),
                ),
            };
            transaction.fail(failure);
            false
        }));
        outcome.unwrap_or_else(|panic| {
            self.panic = Some(panic);
            false
        })
    }

    /// Answers the caller: with the result of the work where the commit went well or the work itself had failed.
    fn finish(mut self, commit: Result<(), StoreError>) {
        let outcome = match (self.panic, commit) {
            (Some(panic), _) => Err(panic),
            (None, commit) => {
                if let Err(error) = commit
                    && !self.transaction.has_failed()
                {
                    self.transaction.fail(error);
                }
                Ok(self.transaction)
            }
        };
        // The caller may be gone; then nobody needs the answer.
        let _ = self.answer.send(outcome);
    }
}

fn run(mut connection: Connection, mut queue: mpsc::Receiver<Message>, max_batch: usize) {
    let mut optimized = Instant::now();
    let mut closing = None;
    while closing.is_none() {
        let Some(first) = queue.blocking_recv() else {
            break;
        };
        let mut batch = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Job(job) => batch.push(job),
                Message::Close(done) => {
                    closing = Some(done);
                    break;
                }
            }
            next = if batch.len() < max_batch {
                queue.try_recv().ok()
            } else {
                None
            };
        }
        commit_together(&mut connection, batch);
        if optimized.elapsed() >= OPTIMIZE_EVERY {
            optimize(&connection);
            optimized = Instant::now();
        }
    }
    queue.close();
    // Those that had a place in the queue behind the closing are told, not forgotten.
    while let Ok(message) = queue.try_recv() {
        if let Message::Job(job) = message {
            job.finish(Err(closed()));
        }
    }
    optimize(&connection);
    if let Err((_, error)) = connection.close() {
        tracing::warn!(db.error = %error, "closing the database failed");
    }
    if let Some(done) = closing {
        let _ = done.send(());
    }
}

fn optimize(connection: &Connection) {
    if let Err(error) = connection.execute_batch("PRAGMA optimize") {
        tracing::debug!(db.error = %error, "statistics were not refreshed");
    }
}

/// Runs the jobs in order and answers them all after the commit.
fn commit_together(connection: &mut Connection, batch: Vec<Job>) {
    let started = Instant::now();
    let mut waiting: std::collections::VecDeque<_> =
        batch.into_iter().filter(|job| !job.abandoned()).collect();
    let jobs = waiting.len();
    while !waiting.is_empty() {
        if let Err(error) = begin(connection) {
            for job in waiting.drain(..) {
                job.finish(Err(error.clone()));
            }
            break;
        }
        let mut done = Vec::with_capacity(waiting.len());
        let mut lost = None;
        while let Some(mut job) = waiting.pop_front() {
            let kept = match control(connection, "SAVEPOINT job") {
                Ok(()) => {
                    let keep = job.run(connection);
                    close_savepoint(connection, keep)
                }
                Err(error) => Err(error),
            };
            done.push(job);
            if let Err(error) = kept {
                // Disk full, read error, out of memory: SQLite gave the whole transaction up, or we can no longer tell
                // this job's changes from its neighbours'.
                lost = Some(error);
                break;
            }
        }
        let commit = match lost {
            None => control(connection, "COMMIT"),
            Some(error) => Err(error),
        };
        if commit.is_err()
            && !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            tracing::error!(db.error = %error, "rolling back failed");
        }
        if let Err(error) = &commit {
            tracing::error!(db.error = %error, db.jobs = done.len(), "a group of transactions was not stored");
        }
        for job in done {
            job.finish(commit.clone());
        }
    }
    tracing::debug!(
        db.jobs = jobs,
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "group committed"
    );
}

fn begin(connection: &Connection) -> Result<(), StoreError> {
    control(connection, "BEGIN IMMEDIATE")
}

/// Ends a job's savepoint, keeping or undoing its changes.
fn close_savepoint(connection: &Connection, keep: bool) -> Result<(), StoreError> {
    if connection.is_autocommit() {
        return Err(StoreError::Unavailable(
            "the database gave the transaction up".to_owned(),
        ));
    }
    if !keep {
        control(connection, "ROLLBACK TO job")?;
    }
    control(connection, "RELEASE job")
}

/// Runs a statement of transaction control.
fn control(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map(drop)
        .map_err(|error| translate(connection, &error))
}

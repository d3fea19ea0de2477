//! The one thread that writes: it takes what is queued, runs each job inside a savepoint of one transaction, commits once,
//! and only then answers. Many small writes share one flush to the disk, and none is told "stored" before it is.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::errors::translate;
use crate::error::StoreError;
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
    Job(Box<dyn Job>),
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

    pub(super) async fn submit<R, E, F>(&self, work: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> Fn(&'t mut Tx<'_>) -> BoxFuture<'t, Result<R, E>> + Send + Sync + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let job = Box::new(WriteJob {
            work,
            result: None,
            answer,
        });
        match self
            .queue
            .send_timeout(Message::Job(job), self.patience)
            .await
        {
            Ok(()) => {}
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => return Err(StoreError::Busy.into()),
            Err(mpsc::error::SendTimeoutError::Closed(_)) => return Err(closed().into()),
        }
        match outcome.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(closed().into()),
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

/// A queued transaction, without its types.
trait Job: Send {
    /// Whether the caller is gone, so that the work need not be done.
    fn abandoned(&self) -> bool;
    /// Does the work and keeps its result; true where its changes shall stay.
    fn run(&mut self, connection: &mut Connection) -> bool;
    /// Answers the caller: with the result of the work where the commit went well or the work itself had failed.
    fn finish(self: Box<Self>, commit: Result<(), StoreError>);
}

/// What the writer sends back: the answer, or the panic that the work ended with.
type Outcome<R, E> = Result<Result<R, E>, Box<dyn Any + Send>>;

struct WriteJob<R, E, F> {
    work: F,
    result: Option<Outcome<R, E>>,
    answer: oneshot::Sender<Outcome<R, E>>,
}

impl<R, E, F> Job for WriteJob<R, E, F>
where
    R: Send,
    E: From<StoreError> + Send,
    F: for<'t> Fn(&'t mut Tx<'_>) -> BoxFuture<'t, Result<R, E>> + Send,
{
    fn abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, connection: &mut Connection) -> bool {
        let work = &self.work;
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut tx = Tx::sqlite(connection);
            // On SQLite every method of `Tx` is ready at once, so the whole work is done in one poll.
            let result = work(&mut tx).now_or_never();
            match (result, tx.into_failure()) {
                (Some(Err(error)), _) => Err(error),
                (Some(Ok(_)), Some((error, _))) => Err(error.into()),
                (Some(Ok(value)), None) => Ok(value),
                (None, _) => Err(StoreError::Corrupt(
                    "a transaction waited for something other than its own statements".to_owned(),
                )
                .into()),
            }
        }));
        let keep = matches!(result, Ok(Ok(_)));
        self.result = Some(result);
        keep
    }

    fn finish(self: Box<Self>, commit: Result<(), StoreError>) {
        let outcome = match (self.result, commit) {
            (Some(Ok(Ok(value))), Ok(())) => Ok(Ok(value)),
            (Some(Ok(Ok(_))) | None, Err(error)) => Ok(Err(error.into())),
            (Some(failed), _) => failed,
            (None, Ok(())) => Ok(Err(closed().into())),
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
fn commit_together(connection: &mut Connection, batch: Vec<Box<dyn Job>>) {
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

//! Engine threads behind a bounded queue.
//!
//! The pool owns its threads, the queue and admission: a job is taken at once or refused with
//! [`Busy`], never parked in unbounded memory. A job whose [`SpeechStream`] was dropped is thrown
//! away before any work is done for it, or told to stop while it runs. The pool knows nothing of
//! voices beyond what a job carries, and nothing of who asked.

mod queue;
mod stream;
mod worker;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use voxgate_audio::OutputSpec;

use crate::registry::ResolvedVoice;
use crate::speech::SpeechRequest;
use queue::{Queue, Queued, Refused};
pub use stream::{SpeechOutcome, SpeechStream};

/// Encoded pieces that may wait for the listener, at most [`worker::PIECE_BYTES`] each: together the
/// bound on finished audio held for one slow client. Beyond it the engine waits.
const PIECES_AHEAD: usize = 32;

/// How many threads run engines and how many requests may wait for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// Engine threads; at least 1. One per core is the useful maximum.
    pub threads: usize,
    /// Requests that may wait while every thread is busy; 0 refuses as soon as all threads work.
    pub queue_depth: usize,
}

impl Default for PoolConfig {
    /// One thread per core and eight waiting requests for each.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            threads,
            queue_depth: threads * 8,
        }
    }
}

/// One piece of work for the pool.
#[derive(Debug)]
pub struct SpeechJob {
    /// The voice, with its engine.
    pub voice: ResolvedVoice,
    /// What to say. Its `voice` field is overwritten with the resolved voice's id.
    pub request: SpeechRequest,
    /// How to encode it.
    pub output: OutputSpec,
}

/// The queue is full. Nothing was queued; try again after `retry_after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the speech queue is full; retry after {} s", retry_after.as_secs())]
pub struct Busy {
    /// Whole seconds, 1 to 60, estimated from recent jobs.
    pub retry_after: Duration,
}

/// What the pool is doing right now, for metrics and readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLoad {
    /// Jobs on a thread.
    pub running: usize,
    /// Jobs waiting for one.
    pub waiting: usize,
    /// Threads of the pool.
    pub threads: usize,
    /// Jobs that may wait.
    pub queue_depth: usize,
}

/// The running threads. Cheap to clone; all clones are one pool.
#[derive(Clone)]
pub struct SpeechPool {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    /// Taken by the first call of `shutdown`.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl SpeechPool {
    /// Starts the threads, named `voxgate-speech-N`.
    ///
    /// # Panics
    /// When the operating system refuses to start a thread.
    #[must_use]
    pub fn start(config: PoolConfig) -> Self {
        let config = PoolConfig {
            threads: config.threads.max(1),
            ..config
        };
        let queue = Arc::new(Queue::new(config));
        let threads = (0..config.threads)
            .map(|index| {
                let queue = Arc::clone(&queue);
                std::thread::Builder::new()
                    .name(format!("voxgate-speech-{index}"))
                    .spawn(move || worker::run(&queue))
                    .expect("the system can start an engine thread")
            })
            .collect();
        Self {
            inner: Arc::new(Inner {
                queue,
                threads: Mutex::new(threads),
            }),
        }
    }

    /// Queues a job, or refuses it at once. Never blocks for long and never waits for a place.
    ///
    /// # Errors
    /// [`Busy`] when every thread works and the queue is full, or when the pool is shutting down.
    pub fn submit(&self, job: SpeechJob) -> Result<SpeechStream, Busy> {
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        let mut request = job.request;
        request.voice.clone_from(&job.voice.info.id);
        let queued = Queued {
            voice: job.voice,
            request,
            output: job.output,
            sender,
            admitted_at: Instant::now(),
        };
        match self.inner.queue.admit(queued) {
            Ok(()) => Ok(SpeechStream::new(receiver)),
            Err(Refused { retry_after }) => Err(Busy { retry_after }),
        }
    }

    /// How busy the pool is.
    #[must_use]
    pub fn load(&self) -> PoolLoad {
        self.inner.queue.load()
    }

    /// Stops: refuses new jobs, fails waiting and running ones with [`crate::EngineError::Cancelled`],
    /// and returns once every thread has ended. Blocks for as long as an engine needs to notice, one clause
    /// of speech at most; call it from a blocking context, after the listeners have drained. Later calls return at once.
    pub fn shutdown(&self) {
        self.inner.queue.close();
        let threads = std::mem::take(
            &mut *self
                .inner
                .threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a speech thread ended by a panic outside an engine");
            }
        }
    }
}

impl Drop for Inner {
    /// Tells the threads to stop without waiting for them: the last clone may go on an async thread.
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl std::fmt::Debug for SpeechPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpeechPool")
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

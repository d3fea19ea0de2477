//! The bounded queue between callers and engine threads, and the rule that admits or refuses.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use voxgate_audio::OutputSpec;

use super::stream::Message;
use super::{PoolConfig, PoolLoad};
use crate::registry::ResolvedVoice;
use crate::speech::SpeechRequest;

/// Weight of the newest job in the running mean of job times.
const NEWEST_WEIGHT: f64 = 0.2;
/// Bounds of what a refused caller is told to wait, in seconds.
const RETRY_SECONDS: (f64, f64) = (1.0, 60.0);

/// How long a thread goes without work before it counts as idle.
const IDLE_AFTER: Duration = Duration::from_millis(1_500);

/// A job that was admitted.
pub(super) struct Queued {
    pub(super) voice: ResolvedVoice,
    pub(super) request: SpeechRequest,
    pub(super) output: OutputSpec,
    /// Closed once the listener has dropped its stream: the one sign that a job is abandoned.
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) admitted_at: Instant,
}

pub(super) struct Refused {
    pub(super) retry_after: Duration,
}

pub(super) struct Queue {
    config: PoolConfig,
    state: Mutex<State>,
    /// Signalled when a job arrives and when the queue closes.
    changed: Condvar,
    /// Cancelled when the pool stops: running jobs watch it.
    stopping: CancellationToken,
}

struct State {
    waiting: VecDeque<Queued>,
    running: usize,
    /// Running mean of the seconds a job keeps a thread.
    mean_job_seconds: f64,
}

impl Queue {
    pub(super) fn new(config: PoolConfig) -> Self {
        Self {
            config,
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                running: 0,
                mean_job_seconds: 1.0,
            }),
            changed: Condvar::new(),
            stopping: CancellationToken::new(),
        }
    }

    /// Takes the job if a thread is free or a waiting place is left. Places held by abandoned jobs are freed first.
    pub(super) fn admit(&self, job: Queued) -> Result<(), Refused> {
        let mut state = self.lock();
        let places = self.config.threads + self.config.queue_depth;
        if state.waiting.len() + state.running >= places {
            state.waiting.retain(|waiting| !waiting.sender.is_closed());
        }
        let ahead = state.waiting.len() + state.running;
        if ahead >= places || self.stopping.is_cancelled() {
            return Err(Refused {
                retry_after: retry_after(state.mean_job_seconds, ahead, self.config.threads),
            });
        }
        state.waiting.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for the next job whose listener is still there; `None` once the pool stops.
    /// Calls `when_idle` once if none comes for [`IDLE_AFTER`].
    pub(super) fn take(&self, when_idle: impl FnOnce()) -> Option<Queued> {
        let mut when_idle = Some(when_idle);
        let mut state = self.lock();
        loop {
            if self.stopping.is_cancelled() {
                return None;
            }
            while let Some(job) = state.waiting.pop_front() {
                if !job.sender.is_closed() {
                    state.running += 1;
                    return Some(job);
                }
            }
            if when_idle.is_none() {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let (woken, waited) = self
                .changed
                .wait_timeout(state, IDLE_AFTER)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out()
                && state.waiting.is_empty()
                && let Some(when_idle) = when_idle.take()
            {
                drop(state);
                when_idle();
                state = self.lock();
            }
        }
    }

    /// Gives the place of a job back after it kept a thread for `spent`.
    pub(super) fn done(&self, spent: Duration) {
        let mut state = self.lock();
        state.running -= 1;
        state.mean_job_seconds += NEWEST_WEIGHT * (spent.as_secs_f64() - state.mean_job_seconds);
    }

    pub(super) fn load(&self) -> PoolLoad {
        let state = self.lock();
        PoolLoad {
            running: state.running,
            waiting: state.waiting.len(),
            threads: self.config.threads,
            queue_depth: self.config.queue_depth,
        }
    }

    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Refuses from now on, fails what waits, stops what runs.
    pub(super) fn close(&self) {
        self.stopping.cancel();
        let abandoned = std::mem::take(&mut self.lock().waiting);
        self.changed.notify_all();
        for job in abandoned {
            // The channel is empty, so there is room; a listener that has gone does not matter.
            let _ = job
                .sender
                .try_send(Message::Failed(crate::EngineError::Cancelled));
        }
    }

    /// A panic can only happen in an engine, which never runs under this lock: the state stays sound.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time until one place becomes free, if jobs go on taking what they took lately.
fn retry_after(mean_job_seconds: f64, ahead: usize, threads: usize) -> Duration {
    let rounds = (ahead as f64 / threads as f64).max(1.0);
    let seconds = (mean_job_seconds * rounds / 2.0).ceil();
    Duration::from_secs(seconds.clamp(RETRY_SECONDS.0, RETRY_SECONDS.1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advised_wait_is_whole_seconds_within_bounds() {
        assert_eq!(retry_after(0.01, 1, 2), Duration::from_secs(1));
        assert_eq!(retry_after(4.0, 4, 2), Duration::from_secs(4));
        assert_eq!(retry_after(1e9, 100, 1), Duration::from_secs(60));
    }
}

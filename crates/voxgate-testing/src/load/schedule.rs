//! When each request is due, and the timer that says so.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::fd::OwnedFd;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;

use super::Plan;

/// When requests are due.
pub(super) struct Schedule {
    /// When the first request is due.
    pub(super) begin: Cell<Instant>,
    /// How long requests fall due.
    span: Duration,
    /// Between two requests; `None`: whenever a connection is free.
    pub(super) interval: Option<Duration>,
    /// Requests due in all; unbounded without an interval.
    pub(super) total: u64,
    /// Requests taken by a connection so far.
    taken: Cell<u64>,
    /// One permit for each request that is due and not taken. Hands them out first come, first served.
    pub(super) due: Semaphore,
}

impl Schedule {
    pub(super) fn new(plan: &Plan) -> Result<Self> {
        ensure!(
            plan.seconds > 0.0 && plan.connections > 0,
            "a time and connections are needed"
        );
        let span = Duration::try_from_secs_f64(plan.seconds).context("seconds")?;
        let interval = match plan.rate {
            None => None,
            Some(rate) if rate > 0.0 && rate <= 1e6 => Some(Duration::from_secs_f64(1.0 / rate)),
            Some(rate) => bail!("{rate} requests per second cannot be scheduled"),
        };
        let total = interval.map_or(u64::MAX, |interval| {
            (span.as_nanos() / interval.as_nanos()) as u64
        });
        ensure!(total > 0, "no request falls due in {span:?}");
        Ok(Self {
            begin: Cell::new(Instant::now()),
            span,
            interval,
            total,
            taken: Cell::new(0),
            due: Semaphore::new(0),
        })
    }

    /// When request number `index` is due, from 0; with an interval only.
    pub(super) fn due_at(&self, index: u64, interval: Duration) -> Instant {
        self.begin.get() + Duration::from_nanos((interval.as_nanos() as u64).saturating_mul(index))
    }

    /// Waits for the next request and answers when it was due; `None` when there are no more.
    pub(super) async fn next(&self) -> Option<Instant> {
        let Some(interval) = self.interval else {
            let now = Instant::now();
            return (now.duration_since(self.begin.get()) < self.span).then_some(now);
        };
        self.due.acquire().await.ok()?.forget();
        let index = self.taken.get();
        self.taken.set(index + 1);
        Some(self.due_at(index, interval))
    }

    /// Makes requests due, by a timer of the kernel: the runtime's own counts in whole milliseconds.
    pub(super) async fn pace(&self) -> Result<()> {
        let Some(interval) = self.interval else {
            tokio::time::sleep(self.span).await;
            return Ok(());
        };
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let every = Timespec::try_from(interval)?;
        let first = Itimerspec {
            it_interval: every,
            it_value: every,
        };
        // The schedule begins with the timer, or every request would be late by the time between the two.
        self.begin.set(Instant::now());
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &first)?;
        #[expect(
            deprecated,
            reason = "its unsafe successor asks that the descriptor stays open while it is registered; an OwnedFd does"
        )]
        let timer = AsyncFd::new(timer)?;
        self.due.add_permits(1);
        let mut released = 1;
        while released < self.total {
            expirations(&timer).await?;
            // By the clock, not by counting ticks: a tick that came late makes all that is due by now due.
            let elapsed = self.begin.get().elapsed().as_nanos() / interval.as_nanos();
            let now = u64::try_from(elapsed)?.saturating_add(1).min(self.total);
            self.due.add_permits(usize::try_from(now - released)?);
            released = now;
        }
        Ok(())
    }
}

/// Waits until the timer has gone off since the last call.
async fn expirations(timer: &AsyncFd<OwnedFd>) -> Result<()> {
    loop {
        let mut ready = timer.readable().await?;
        let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0_u8; 8])?));
        if let Ok(read) = read {
            read?;
            return Ok(());
        }
    }
}

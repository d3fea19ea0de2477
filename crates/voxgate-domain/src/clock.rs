//! Where "now" comes from. Services hold a [`Clock`]; nobody else asks the operating system for the time.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Timestamp;

/// A source of time.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time. It may jump in either direction when an operator or a time server corrects it.
    fn now(&self) -> Timestamp;

    /// Time since an arbitrary fixed moment; never goes back and ignores corrections of the wall clock.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// A clock whose monotonic reading starts at zero now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// A clock that stands still until it is told to move; for tests.
#[derive(Debug)]
pub struct ManualClock {
    reading: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            reading: Mutex::new((now, Duration::ZERO)),
        }
    }

    /// Lets time pass: both readings advance.
    pub fn advance(&self, by: Duration) {
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        reading.0 = reading.0.saturating_add(by);
        reading.1 += by;
    }

    /// Corrects the wall clock, forwards or backwards, as a time server would: the monotonic reading stays.
    pub fn jump_to(&self, now: Timestamp) {
        self.reading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0 = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.reading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    fn monotonic(&self) -> Duration {
        self.reading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
    }
}

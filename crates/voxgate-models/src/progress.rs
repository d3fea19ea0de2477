//! What a caller can show while models are fetched.

use std::time::Duration;

/// A step of a pull.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Another process is fetching into the same folder; this one waits for it.
    Waiting,
    /// A model's missing files are about to be fetched.
    Started {
        /// The model.
        model: &'a str,
        /// Files missing.
        files: usize,
        /// Their bytes.
        bytes: u64,
    },
    /// A source is being asked.
    Source {
        /// The model.
        model: &'a str,
        /// The URL, folder or package.
        source: &'a str,
    },
    /// A source did not provide a file; the next one is asked.
    SourceFailed {
        /// The model.
        model: &'a str,
        /// The URL, folder or package.
        source: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// More of the model is there. Packages do not tell while they are fetched; their bytes come in steps.
    Bytes {
        /// The model.
        model: &'a str,
        /// Bytes of the missing files there so far.
        done: u64,
        /// Bytes of the missing files in all.
        total: u64,
    },
    /// A file is complete and its hash is computed.
    Verifying {
        /// The model.
        model: &'a str,
        /// The file.
        file: &'a str,
    },
    /// The model is installed.
    Done {
        /// The model.
        model: &'a str,
        /// Bytes fetched; 0 where everything was there already.
        bytes: u64,
        /// Time it took.
        elapsed: Duration,
    },
}

/// Receives the steps of a pull, in order.
pub trait Progress: Send {
    /// Called for each step. Must not block for long: the download waits.
    fn on_event(&mut self, event: Event<'_>);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn on_event(&mut self, _event: Event<'_>) {}
}

impl<F: FnMut(Event<'_>) + Send> Progress for F {
    fn on_event(&mut self, event: Event<'_>) {
        self(event);
    }
}

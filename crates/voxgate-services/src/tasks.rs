//! The background work this crate owns: everything spawned here can be told to stop and is waited for.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tracks spawned work and the signal that ends it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs `work` to its end, even during shutdown; for work that settles something.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(work);
    }

    /// The signal long-running work must watch.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Signals the end and waits until all work has finished.
    pub(crate) async fn shutdown(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

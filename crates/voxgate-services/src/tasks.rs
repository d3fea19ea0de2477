//! The background work this crate owns: everything spawned here can be told to stop and is waited for.

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tracks spawned work and the signal that ends it.
#[derive(Debug, Clone)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    /// Kept so that work can be spawned from a destructor on any thread.
    runtime: Handle,
}

impl Tasks {
    /// For the runtime of the caller.
    pub(crate) fn new() -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
            runtime: Handle::current(),
        }
    }

    /// Runs `work` to its end, also when nobody waits for it and during shutdown; for work that settles something.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tracker.spawn_on(work, &self.runtime)
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

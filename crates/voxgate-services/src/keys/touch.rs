//! Noting that a key was used, beside the request and at most once at a time per key.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt as _;
use voxgate_domain::{KeyId, Timestamp};
use voxgate_store::{StoreError, keys};

use crate::core::Core;

/// Keys whose use is being written at this moment.
#[derive(Default)]
pub(crate) struct Touches {
    under_way: Mutex<HashSet<KeyId>>,
}

impl Touches {
    /// Writes the use in the background; a failure costs nothing but the note.
    pub(crate) fn note(&self, core: &Arc<Core>, id: KeyId, now: Timestamp) {
        if !self.set().insert(id) {
            return;
        }
        let core = Arc::clone(core);
        core.tasks.clone().spawn(async move {
            let written = core
                .db
                .write(move |tx| async move { keys::touch(tx, id, now).await }.boxed())
                .await;
            if let Err(error) = written {
                let error: StoreError = error;
                tracing::debug!(key.id = %id, %error, "the use of a key was not noted");
            }
            core.touches.set().remove(&id);
        });
    }

    fn set(&self) -> std::sync::MutexGuard<'_, HashSet<KeyId>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

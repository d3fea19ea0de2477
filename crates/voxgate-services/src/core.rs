//! What all use cases share: the database, the clock, the keys, the background.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use voxgate_domain::{Clock, Timestamp};
use voxgate_limits::Limiter;
use voxgate_store::Db;

use crate::ServicesConfig;
use crate::credits::prices::Prices;
use crate::gate::quotas::QuotaBook;
use crate::gate::turns::Turns;
use crate::identity::password::Passwords;
use crate::identity::tokens::Tokens;
use crate::keys::credentials::Credentials;
use crate::keys::touch::Touches;
use crate::mail::transport::Transport;
use crate::metering::Meter;
use crate::secrets::Hashes;
use crate::speech::EngineSlot;
use crate::tasks::Tasks;

/// Shared by every use case; each holds it behind an `Arc`.
pub(crate) struct Core {
    pub(crate) config: ServicesConfig,
    pub(crate) db: Db,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tokens: Tokens,
    pub(crate) hashes: Hashes,
    /// What other processes know this one's secrets by.
    pub(crate) secrets_fingerprint: String,
    pub(crate) passwords: Passwords,
    /// Short windows and streams at once.
    pub(crate) limiter: Arc<Limiter>,
    /// Quotas per day and month, where this is the only server.
    pub(crate) quotas: QuotaBook,
    /// Queues for the counters in a shared database.
    pub(crate) turns: Turns,
    pub(crate) prices: Prices,
    /// Usage records on their way to the database.
    pub(crate) meter: Meter,
    /// Ends the writing of records; after everything that could still end a request.
    pub(crate) meter_stop: CancellationToken,
    pub(crate) engines: EngineSlot,
    pub(crate) touches: Touches,
    /// Which API keys are good, for a moment.
    pub(crate) credentials: Credentials,
    pub(crate) transport: Transport,
    /// Rung when a message was queued.
    pub(crate) mail_waiting: Notify,
    /// One round of sending at a time in this process.
    pub(crate) mail_turn: Semaphore,
    pub(crate) tasks: Tasks,
    /// This run of this process, as usage rows and the table of nodes know it.
    pub(crate) node_id: String,
}

impl Core {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

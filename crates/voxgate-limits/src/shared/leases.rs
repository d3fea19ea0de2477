//! Leases: streams that run on this server, as Redis knows them.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use redis::RedisError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use voxgate_domain::{KeyId, OrgId};

use super::link::{Connection, Link};
use super::scripts::LeaseCommands;

/// Leases in one round trip.
const AT_ONCE: usize = 512;
/// Ends of streams kept for when Redis is back. What is beyond ends with its lease.
const ENDED_AT_MOST: usize = 100_000;
/// How often to look whether Redis is back.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The leases of this server.
#[derive(Debug, Default)]
pub(crate) struct Held {
    last: u64,
    running: HashMap<u64, Place>,
    ended: Vec<(u64, Place)>,
}

/// Where a lease is written down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(super) org: OrgId,
    pub(super) key: Option<KeyId>,
    /// In which of the two stream cells it counts.
    pub(super) cells: u16,
    /// Whether it was admitted: only then it is renewed.
    admitted: bool,
}

/// One stream's lease. Dropping it ends it, in the background.
pub(crate) struct Lease {
    link: Arc<Link>,
    id: u64,
}

impl Lease {
    pub(super) fn new(link: &Arc<Link>, org: OrgId, key: Option<KeyId>, cells: u16) -> Self {
        let mut held = link.held();
        held.last += 1;
        let id = held.last;
        let place = Place {
            org,
            key,
            cells,
            admitted: false,
        };
        held.running.insert(id, place);
        drop(held);
        Self {
            link: Arc::clone(link),
            id,
        }
    }

    pub(super) const fn id(&self) -> u64 {
        self.id
    }

    /// It was admitted: it is renewed from now on.
    pub(super) fn confirm(&self) {
        if let Some(place) = self.link.held().running.get_mut(&self.id) {
            place.admitted = true;
        }
    }

    /// It was refused: Redis does not know it.
    pub(super) fn forget(self) {
        self.link.held().running.remove(&self.id);
    }

    /// Ends it, and waits until Redis knows. Where Redis is away it ends with its time.
    pub(crate) async fn end(self) {
        let Some(place) = self.link.held().running.remove(&self.id) else {
            return;
        };
        let Some(mut connection) = self.link.connection() else {
            return;
        };
        if let Err(error) = self.link.end_on(&mut connection, &[(self.id, place)]).await {
            self.link.lost(&connection, &error);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut held = self.link.held();
        if let Some(place) = held.running.remove(&self.id)
            && held.ended.len() < ENDED_AT_MOST
        {
            held.ended.push((self.id, place));
            drop(held);
            self.link.ended.notify_one();
        }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("id", &self.id).finish()
    }
}

impl Link {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews every lease, also such as Redis has forgotten.
    pub(super) async fn renew_on(&self, connection: &mut Connection) -> Result<(), RedisError> {
        let running: Vec<(u64, Place)> = self
            .held()
            .running
            .iter()
            .filter(|(_, place)| place.admitted)
            .map(|(id, place)| (*id, *place))
            .collect();
        for some in running.chunks(AT_ONCE) {
            let mut commands = LeaseCommands::new(&self.scripts);
            for (id, place) in some {
                commands.renew(*id, place);
            }
            connection.send(&commands.pipeline).await?;
        }
        // A stream that ended meanwhile may have been written down again after its end.
        let ended: Vec<(u64, Place)> = {
            let held = self.held();
            running
                .into_iter()
                .filter(|(id, _)| !held.running.contains_key(id))
                .collect()
        };
        self.end_on(connection, &ended).await
    }

    async fn end_on(
        &self,
        connection: &mut Connection,
        ended: &[(u64, Place)],
    ) -> Result<(), RedisError> {
        for some in ended.chunks(AT_ONCE) {
            let mut commands = LeaseCommands::new(&self.scripts);
            for (id, place) in some {
                commands.end(*id, place);
            }
            connection.send(&commands.pipeline).await?;
        }
        Ok(())
    }

    /// Sends the ends of streams nobody waited for. They are sent again, where that failed: ending twice is harmless.
    async fn end_dropped_on(&self, connection: &mut Connection) -> Result<(), RedisError> {
        let ended = std::mem::take(&mut self.held().ended);
        let sent = self.end_on(connection, &ended).await;
        if sent.is_err() {
            let mut held = self.held();
            let room = ENDED_AT_MOST.saturating_sub(held.ended.len());
            held.ended.extend(ended.into_iter().take(room));
        }
        sent
    }
}

/// The background task: renews, ends, looks for Redis; at last gives every lease back.
pub(super) async fn keep(link: Arc<Link>, stop: CancellationToken) {
    let renew_every = link.config.lease_ttl / 3;
    let mut renewed = Instant::now();
    loop {
        let pause = if link.is_away() {
            LOOK_EVERY
        } else {
            LOOK_EVERY.min(renew_every.saturating_sub(renewed.elapsed()))
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
            () = link.ended.notified(), if !link.is_away() => {}
        }
        let Some(mut connection) = link.connection() else {
            // Why Redis does not answer was said when it was lost.
            if link.connect().await.is_ok() {
                renewed = Instant::now();
            }
            continue;
        };
        let mut done = link.end_dropped_on(&mut connection).await;
        if done.is_ok() && renewed.elapsed() >= renew_every {
            done = link.renew_on(&mut connection).await;
            renewed = Instant::now();
        }
        if let Err(error) = done {
            link.lost(&connection, &error);
        }
    }
    if let Some(mut connection) = link.connection() {
        link.close();
        let ended: Vec<(u64, Place)> = {
            let mut held = link.held();
            let mut ended = std::mem::take(&mut held.ended);
            ended.extend(held.running.drain());
            ended
        };
        // Whoever cannot be told finds them ended after the lease.
        let _ = link.end_on(&mut connection, &ended).await;
    }
}

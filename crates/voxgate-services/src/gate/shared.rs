//! Quotas, hold and pending record in one transaction: for one of several servers on a database.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::oneshot;
use voxgate_domain::{LimitScope, Micros, Quantities, Timestamp};
use voxgate_store::counters::{self, Cell, Owner};
use voxgate_store::ledger::{self, NewHold};
use voxgate_store::usage::{self, FinishedRequest, RequestEnd, RequestFacts};
use voxgate_store::{StoreError, Tx};

use super::quotas::{Allowances, QUOTAS, refusal};
use super::{GateError, held};
use crate::Fault;
use crate::core::Core;
use crate::metering::books::{count, signed};
use crate::metering::record::Admitted;

/// How often an undoing is tried while the database does not answer: with the pauses between, about a minute and a half.
const ATTEMPTS: u32 = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A reservation that nobody has taken over yet: dropped, it is undone.
pub(super) struct Reservation {
    core: Arc<Core>,
    admitted: Option<Admitted>,
}

impl Reservation {
    /// Leaves it to whoever settles the request.
    pub(super) fn hand_over(mut self) {
        self.admitted = None;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(admitted) = self.admitted.take() {
            let core = Arc::clone(&self.core);
            // Nobody waits for it but the shutdown.
            drop(
                self.core
                    .tasks
                    .spawn(async move { undo(&core, &admitted).await }),
            );
        }
    }
}

/// Admits a request: all quotas and the hold, or none of them. In a task of its own, so that a caller who goes away
/// meanwhile leaves nothing behind.
pub(super) async fn reserve(
    core: &Arc<Core>,
    admitted: &Admitted,
    allowances: &Allowances,
) -> Result<Reservation, GateError> {
    let (answer, answered) = oneshot::channel();
    let (worker, admitted, allowances) = (Arc::clone(core), admitted.clone(), *allowances);
    core.tasks.spawn(async move {
        let outcome = write(&worker, admitted.clone(), allowances).await;
        // Where nobody takes it any more, also after it was sent, it is dropped and undone.
        drop(answer.send(outcome.map(|()| Reservation {
            core: worker,
            admitted: Some(admitted),
        })));
    });
    answered
        .await
        .map_err(|_| Fault::Internal("the reservation ended early".into()))?
}

async fn write(
    core: &Arc<Core>,
    admitted: Admitted,
    allowances: Allowances,
) -> Result<(), GateError> {
    let facts = admitted.facts(&core.node_id);
    let _turn = core.turns.of(std::iter::once(admitted.org)).await;
    core.db
        .write(move |tx| {
            let (facts, admitted) = (facts.clone(), admitted.clone());
            async move {
                for (scope, kind, limit) in allowances.cells() {
                    let weight = admitted.asked.weight(kind);
                    let owner = match (scope, allowances.key) {
                        (LimitScope::Key, Some((key, _))) => Owner::Key(key),
                        _ => Owner::Organization(allowances.org),
                    };
                    let Some(cell) = Cell::new(owner, kind, admitted.at) else {
                        continue;
                    };
                    let Some(limit) = limit else {
                        counters::add_always(tx, &cell, signed(weight)).await?;
                        continue;
                    };
                    if weight == 0 {
                        continue;
                    }
                    let most = limit.saturating_mul(kind.scale());
                    if counters::add_if_fits(tx, &cell, weight, most)
                        .await?
                        .is_none()
                    {
                        let used = counters::get_in(tx, &cell).await?;
                        let refused = refusal(scope, kind, limit, used, admitted.at);
                        return Err(GateError::Limited(refused));
                    }
                }
                if admitted.held > Micros::ZERO {
                    let new = NewHold {
                        organization_id: admitted.org,
                        key_id: admitted.key,
                        request_id: admitted.id,
                        node_id: &facts.node_id,
                        amount: admitted.held,
                        now: admitted.at,
                    };
                    held(ledger::hold(tx, &new).await?, admitted.held)?;
                }
                usage::insert_pending(tx, &facts).await?;
                Ok(())
            }
            .boxed()
        })
        .await
}

/// Undoes a reservation, as often as it takes: what stays would be missing to the organisation until this process ends.
async fn undo(core: &Arc<Core>, admitted: &Admitted) {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let (facts, now) = (admitted.facts(&core.node_id), core.now());
        let turn = core.turns.of(std::iter::once(admitted.org)).await;
        let undone = core
            .db
            .write(move |tx| {
                let facts = facts.clone();
                async move { settle_as_lost(tx, facts, true, "cancelled", now).await }.boxed()
            })
            .await;
        drop(turn);
        match undone {
            Ok(()) => return,
            Err(error @ (StoreError::Busy | StoreError::Unavailable(_))) if attempt < ATTEMPTS => {
                tracing::warn!(request.id = %admitted.id, %error, "a reservation is not undone yet, trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(error) => {
                tracing::error!(request.id = %admitted.id, %error, "a reservation that nobody waits for stays until this process ends");
                return;
            }
        }
    }
}

/// Ends a pending request that nobody will end any more: failed, nothing charged, everything given back. Answers nothing
/// where it had ended already.
pub(crate) async fn settle_as_lost(
    tx: &mut Tx<'_>,
    facts: RequestFacts,
    reserved_in_db: bool,
    error: &'static str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (org, id, key, asked, at) = (
        facts.organization_id,
        facts.id,
        facts.key_id,
        facts.asked,
        facts.created_at,
    );
    let finished = FinishedRequest {
        facts,
        end: RequestEnd {
            charged: Quantities::default(),
            error: Some(error.into()),
            status_code: None,
            disconnected: error == "cancelled",
            duration_ms: None,
            engine_ms: None,
            queue_ms: None,
            billed: Micros::ZERO,
            finished_at: now,
        },
    };
    if usage::record(tx, &finished).await?.is_none() {
        return Ok(());
    }
    ledger::void(tx, org, id, now).await?;
    if reserved_in_db {
        let mut changes = std::collections::BTreeMap::new();
        let owners = [Some(Owner::Organization(org)), key.map(Owner::Key)];
        for owner in owners.into_iter().flatten() {
            for kind in QUOTAS {
                if let Some(cell) = Cell::new(owner, kind, at) {
                    changes.insert(cell, -signed(asked.weight(kind)));
                }
            }
        }
        count(tx, &changes).await?;
    }
    Ok(())
}

//! Writing ended requests into the books: the record, the counters, the credits and the kept answer in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use voxgate_domain::{KeyId, Quantities, Timestamp};
use voxgate_store::counters::{self, Cell, Owner};
use voxgate_store::usage::RequestFacts;
use voxgate_store::{StoreError, Tx, idempotency, ledger, usage};

use super::Kept;
use super::journal::Place;
use super::record::Line;
use crate::core::Core;
use crate::gate::quotas::QUOTAS;

/// An ended request on its way.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) line: Line,
    pub(crate) kept: Option<Kept>,
    pub(crate) place: Option<Place>,
}

/// What is written at once.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) begun: Vec<RequestFacts>,
    pub(crate) ended: Vec<Entry>,
}

/// Writes a batch, all or nothing.
pub(crate) async fn write(core: &Arc<Core>, batch: &Arc<Batch>) -> Result<(), StoreError> {
    let (node, now) = (core.node_id.clone(), core.now());
    let in_db = batch.ended.iter().filter(|entry| entry.line.reserved_in_db);
    let _turn = core
        .turns
        .of(in_db.map(|entry| entry.line.organization()))
        .await;
    let batch = Arc::clone(batch);
    core.db
        .write(move |tx| {
            let (batch, node) = (Arc::clone(&batch), node.clone());
            async move {
                for facts in &batch.begun {
                    usage::insert_pending(tx, facts).await?;
                }
                let mut changes = BTreeMap::new();
                for entry in &batch.ended {
                    record(tx, &node, entry, now, &mut changes).await?;
                }
                count(tx, &changes).await
            }
            .boxed()
        })
        .await
}

/// Writes each record of a batch by itself. One that is refused for good is logged with everything it says, so that nothing
/// is lost without a trace, and left out.
pub(crate) async fn write_singly(core: &Arc<Core>, batch: &Arc<Batch>) {
    for entry in &batch.ended {
        let single = Arc::new(Batch {
            begun: Vec::new(),
            ended: vec![entry.clone()],
        });
        if let Err(error) = write(core, &single).await {
            metrics::counter!("voxgate_metering_rejected_total").increment(1);
            let record = serde_json::to_string(&entry.line).unwrap_or_default();
            tracing::error!(request.id = %entry.line.request(), %error, record, "a usage record was refused by the database");
        }
    }
}

/// Writes one record and what hangs on it. One that was written before changes nothing.
async fn record(
    tx: &mut Tx<'_>,
    node: &str,
    entry: &Entry,
    now: Timestamp,
    changes: &mut BTreeMap<Cell, i64>,
) -> Result<(), StoreError> {
    let line = &entry.line;
    let mut finished = line.finished(node);
    if line.held > 0 {
        let (org, id) = (line.organization(), line.request());
        let resolution = if line.billed > 0 {
            ledger::post(tx, org, id, finished.end.billed, now).await?
        } else {
            ledger::void(tx, org, id, now).await?
        };
        // The record says what was really posted: nothing, where others took this process for dead and gave it back.
        finished.end.billed = match resolution {
            ledger::Resolution::Resolved { posted, .. }
            | ledger::Resolution::Already { posted } => posted,
            ledger::Resolution::Unknown => voxgate_domain::Micros::ZERO,
        };
    }
    if let Some(kept) = &entry.kept {
        idempotency::complete(tx, &kept.entry, node, &kept.meta, &kept.body).await?;
    }
    if usage::record(tx, &finished).await?.is_none() {
        return Ok(());
    }
    let asked: Quantities = line.asked.into();
    let counted = line.counted();
    let at = Timestamp::from_micros(line.created_at);
    let owners = [
        Some(Owner::Organization(line.organization())),
        line.key.map(|key| Owner::Key(KeyId::from(key))),
    ];
    for owner in owners.into_iter().flatten() {
        for kind in QUOTAS {
            let was = if line.reserved_in_db {
                asked.weight(kind)
            } else {
                0
            };
            let change = signed(counted.weight(kind)) - signed(was);
            if change != 0
                && let Some(cell) = Cell::new(owner, kind, at)
            {
                *changes.entry(cell).or_default() += change;
            }
        }
    }
    Ok(())
}

/// Adds up the changes of a batch, in one order everywhere, so that two transactions never wait for each other.
pub(crate) async fn count(
    tx: &mut Tx<'_>,
    changes: &BTreeMap<Cell, i64>,
) -> Result<(), StoreError> {
    for (cell, &change) in changes {
        if change != 0 {
            counters::add_always(tx, cell, change).await?;
        }
    }
    Ok(())
}

pub(crate) fn signed(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX / 4)
}

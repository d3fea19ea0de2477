//! Housekeeping in the background: signs of life, requests that dead processes left pending, rows that have served.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use voxgate_domain::Timestamp;
use voxgate_store::counters::Owner;
use voxgate_store::{
    StoreError, counters, idempotency, keys, ledger, mail, nodes, throttle, usage, users,
};

use crate::Process;
use crate::core::Core;
use crate::gate::settle_as_lost;

const BEAT: Duration = Duration::from_secs(15);
/// A process that gave no sign of life for this long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(60);
/// Every so many beats, what has served is removed.
const PURGE_EVERY: u32 = 40;
/// Requests settled in one transaction.
const BATCH: u64 = 200;
/// Finished messages are remembered for this long, without their bodies.
const KEEP_MAIL: Duration = Duration::from_secs(7 * 86_400);
/// Counters of past days and months are kept for this long after the window began.
const KEEP_COUNTERS: Duration = Duration::from_secs(100 * 86_400);
/// Secrets that were rotated out are forgotten this long after their end, so that their use can be explained until then.
const KEEP_SECRETS: Duration = Duration::from_secs(90 * 86_400);
/// Which sole servers' requests are told by: their quotas are counted in memory, so a crash gives them back by itself.
pub(crate) const SOLE: &str = "sole-";
/// Processes long gone are forgotten after this.
const KEEP_NODES: Duration = Duration::from_secs(86_400);

/// Beats until told to stop.
pub(crate) async fn run(core: Arc<Core>) {
    let stopping = core.tasks.stopping().clone();
    let mut beats = 0_u32;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(BEAT) => {}
        }
        beats = beats.wrapping_add(1);
        if let Err(error) = beat(&core, beats.is_multiple_of(PURGE_EVERY)).await {
            tracing::warn!(%error, "housekeeping waits for the database");
        }
    }
}

async fn beat(core: &Arc<Core>, purge_too: bool) -> Result<(), StoreError> {
    show_life(core).await?;
    if core.config.process == Process::OneOfSeveral {
        settle_abandoned(core).await?;
        let alive = nodes::count_alive(&core.db, core.now().saturating_sub(DEAD_AFTER)).await?;
        core.limiter
            .set_nodes(u32::try_from(alive).unwrap_or(u32::MAX));
        // Of two that start in the same moment neither sees the other.
        if meets_foreign_secrets(core).await? {
            tracing::error!(
                "another server on this database works with other secrets: keys, links and sessions of one are unknown to \
                 the other; give every server the same files (`secrets.dir`)"
            );
        }
    }
    core.quotas
        .forget(core.now().saturating_sub(KEEP_COUNTERS).month_start());
    if purge_too {
        purge(core).await?;
    }
    Ok(())
}

/// Tells the other processes that this one is alive.
pub(crate) async fn show_life(core: &Arc<Core>) -> Result<(), StoreError> {
    let (node, now) = (core.node_id.clone(), core.now());
    let secrets = core.secrets_fingerprint.clone();
    core.db
        .write(move |tx| {
            let (node, secrets) = (node.clone(), secrets.clone());
            async move { nodes::seen(tx, &node, now, &secrets).await }.boxed()
        })
        .await
}

/// Whether another process that is alive works with other secrets.
pub(crate) async fn meets_foreign_secrets(core: &Core) -> Result<bool, StoreError> {
    let alive = core.now().saturating_sub(DEAD_AFTER);
    let secrets = &core.secrets_fingerprint;
    nodes::count_foreign(&core.db, &core.node_id, alive, secrets)
        .await
        .map(|foreign| foreign > 0)
}

/// Tells the other processes that this one has left with everything settled.
pub(crate) async fn leave(core: &Arc<Core>) -> Result<(), StoreError> {
    let node = core.node_id.clone();
    core.db
        .write(move |tx| {
            let node = node.clone();
            async move { nodes::gone(tx, &node).await }.boxed()
        })
        .await
}

/// Settles what dead processes left pending, as failed and with everything given back: their requests, their holds, their
/// idempotency keys. Answers how many requests. For the sole server on a database every other process is dead.
pub(crate) async fn settle_abandoned(core: &Arc<Core>) -> Result<u64, StoreError> {
    let now = core.now();
    let seen_before = match core.config.process {
        Process::SoleServer => Timestamp::from_micros(i64::MAX),
        Process::OneOfSeveral => now.saturating_sub(DEAD_AFTER),
        Process::Command => return Ok(0),
    };
    let mut total = 0;
    loop {
        let node = core.node_id.clone();
        let (requests, holds) = core
            .db
            .write(move |tx| {
                let node = node.clone();
                async move {
                    let left = usage::abandoned_any_org_in(tx, &node, seen_before, BATCH).await?;
                    let requests = left.len() as u64;
                    for facts in left {
                        let in_db = !facts.node_id.starts_with(SOLE);
                        settle_as_lost(tx, facts, in_db, "interrupted", now).await?;
                    }
                    // Holds whose requests never came to be written down.
                    let holds =
                        ledger::open_holds_any_org_in(tx, &node, seen_before, BATCH).await?;
                    for hold in &holds {
                        ledger::void(tx, hold.organization_id, hold.request_id, now).await?;
                    }
                    Ok::<_, StoreError>((requests, holds.len() as u64))
                }
                .boxed()
            })
            .await?;
        total += requests;
        if requests < BATCH && holds < BATCH {
            break;
        }
    }
    let node = core.node_id.clone();
    core.db
        .write(move |tx| {
            let node = node.clone();
            async move {
                idempotency::abandon_of_dead_nodes_any_org(tx, &node, seen_before)
                    .await
                    .map(|_| ())
            }
            .boxed()
        })
        .await?;
    if total > 0 {
        tracing::warn!(
            requests = total,
            "requests left by a process that died were settled as failed, everything given back"
        );
    }
    Ok(total)
}

/// Reads the counters of the windows that run now: what the sole server goes on counting from.
pub(crate) async fn load_quotas(core: &Arc<Core>) -> Result<(), StoreError> {
    for (cell, amount) in counters::load_since_any_org(&core.db, core.now()).await? {
        let (org, key) = match cell.owner {
            Owner::Organization(org) => (org, None),
            Owner::Key(key) => match keys::get_any_org(&core.db, key).await? {
                Some(row) => (row.organization_id, Some(key)),
                None => continue,
            },
        };
        core.quotas
            .load(org, key, cell.kind, cell.window_start, amount);
    }
    Ok(())
}

async fn purge(core: &Arc<Core>) -> Result<(), StoreError> {
    let now = core.now();
    let forget_logins = now.saturating_sub(core.config.identity.throttle.forget_after);
    core.db
        .write(move |tx| {
            async move {
                users::purge_revoked_sessions(tx, now).await?;
                throttle::purge(tx, forget_logins, now).await?;
                mail::purge(tx, now.saturating_sub(KEEP_MAIL)).await?;
                counters::purge_any_org(tx, now.saturating_sub(KEEP_COUNTERS)).await?;
                idempotency::purge_any_org(tx, now).await?;
                keys::purge_secrets_any_org(tx, now.saturating_sub(KEEP_SECRETS)).await?;
                nodes::purge(tx, now.saturating_sub(KEEP_NODES)).await?;
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await
}

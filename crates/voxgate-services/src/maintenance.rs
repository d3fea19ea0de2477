//! Housekeeping in the background: signs of life, requests that dead processes left pending, rows that have served.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use voxgate_domain::Timestamp;
use voxgate_store::counters::{self, Window};
use voxgate_store::usage::{self, Settlement};
use voxgate_store::{StoreError, mail, throttle, users};

use crate::Process;
use crate::core::Core;
use crate::limits::words;

const BEAT: Duration = Duration::from_secs(15);
/// A process that gave no sign of life for this long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(60);
/// Every so many beats, what has served is removed.
const PURGE_EVERY: u32 = 40;
/// Requests settled in one transaction.
const BATCH: u64 = 200;
/// Finished messages are remembered for this long, without their bodies.
const KEEP_MAIL: Duration = Duration::from_secs(7 * 86_400);
/// Word counters of past days are kept for this long; those of months for good.
const KEEP_DAYS: Duration = Duration::from_secs(60 * 86_400);
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
    }
    if purge_too {
        purge(core).await?;
    }
    Ok(())
}

/// Tells the other processes that this one is alive.
pub(crate) async fn show_life(core: &Arc<Core>) -> Result<(), StoreError> {
    let (node, now) = (core.node_id.clone(), core.now());
    core.db
        .write(move |tx| {
            let node = node.clone();
            async move { counters::node_seen(tx, &node, now).await }.boxed()
        })
        .await
}

/// Tells the other processes that this one has left with everything settled.
pub(crate) async fn leave(core: &Arc<Core>) -> Result<(), StoreError> {
    let node = core.node_id.clone();
    core.db
        .write(move |tx| {
            let node = node.clone();
            async move { counters::node_gone(tx, &node).await }.boxed()
        })
        .await
}

/// Settles what dead processes left pending, as failed and with all words given back; answers how many. For the sole
/// server on a database every other process is dead.
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
        let settled = core
            .db
            .write(move |tx| {
                let node = node.clone();
                async move {
                    let left = usage::abandoned_any_org_in(tx, &node, seen_before, BATCH).await?;
                    let end = Settlement {
                        error: Some("interrupted"),
                        ..Settlement::default()
                    };
                    for &(org, id) in &left {
                        words::settle(tx, org, id, &end, now).await?;
                    }
                    Ok::<_, StoreError>(left.len() as u64)
                }
                .boxed()
            })
            .await?;
        total += settled;
        if settled < BATCH {
            break;
        }
    }
    if total > 0 {
        tracing::warn!(
            requests = total,
            "requests left by a process that died were settled as failed, their words given back"
        );
    }
    Ok(total)
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
                let oldest_day = now.saturating_sub(KEEP_DAYS).day_start();
                counters::purge_any_org(tx, Window::Day(oldest_day)).await?;
                counters::purge_nodes(tx, now.saturating_sub(KEEP_NODES)).await?;
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await
}

//! Words per day and per month: reserved with the usage row, charged or given back with its settlement, each in one
//! transaction. What was reserved in one window is given back to that window, also after midnight.

use voxgate_domain::{LimitKind, LimitRefusal, OrgId, OrgStatus, RequestId, Timestamp};
use voxgate_store::counters::{self, Window};
use voxgate_store::usage::{self, NewRequest, Settlement};
use voxgate_store::{StoreError, Tx, orgs};

use crate::speech::SpeechError;

/// Admits a request: all limits or none, and its row in the history.
pub(crate) async fn reserve(
    tx: &mut Tx<'_>,
    request: &NewRequest,
    now: Timestamp,
) -> Result<(), SpeechError> {
    // Read here and not from the caller's credential: the limits that hold are those of this moment.
    let org = orgs::get_in(tx, request.organization_id)
        .await?
        .ok_or(SpeechError::NoOrganization)?;
    if org.status != OrgStatus::Active {
        return Err(SpeechError::OrganizationNotActive);
    }
    // The month first: where both are used up, the later end is the one that matters to the caller.
    let windows = [
        (
            Window::Month(now.month_start()),
            LimitKind::WordsPerMonth,
            org.limits.monthly_words,
            now.next_month_start(),
        ),
        (
            Window::Day(now.day_start()),
            LimitKind::WordsPerDay,
            org.limits.daily_words,
            now.next_day_start(),
        ),
    ];
    for (window, kind, limit, reset) in windows {
        let counted = counters::add(tx, org.id, window, request.words, limit).await?;
        if counted.is_none() {
            let used = counters::get_in(tx, org.id, window).await?;
            return Err(SpeechError::Limited(LimitRefusal {
                kind,
                limit,
                remaining: limit.saturating_sub(used),
                reset,
                retry_after: reset.since(now),
            }));
        }
    }
    usage::insert(tx, request, now).await?;
    Ok(())
}

/// Ends a request, once: of several calls one settles and answers `true`.
pub(crate) async fn settle(
    tx: &mut Tx<'_>,
    org: OrgId,
    id: RequestId,
    end: &Settlement,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(settled) = usage::settle(tx, org, id, end, now).await? else {
        return Ok(false);
    };
    if settled.words_back > 0 {
        let at = settled.created_at;
        // The same order as in `reserve`, so that two transactions never wait for each other.
        for window in [Window::Month(at.month_start()), Window::Day(at.day_start())] {
            counters::subtract(tx, org, window, settled.words_back).await?;
        }
    }
    Ok(true)
}

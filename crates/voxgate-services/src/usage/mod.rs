//! What was used: summaries, single requests, whole organisations.

mod error;
mod types;

use futures_util::future::BoxFuture;
use std::sync::Arc;

use voxgate_domain::{DateRange, OrgId, Paged, Timestamp, UsageTotals, UserId};
use voxgate_store::counters::{self, Window};
use voxgate_store::usage::{self, RequestRow};
use voxgate_store::{orgs, users};

use crate::Principal;
use crate::core::Core;
pub use error::UsageError;
pub use types::{
    DayUsage, ListRequests, OrgTotals, OrgUsage, UsageRecord, UsageSummary, UserUsage,
    WordAllowance,
};

/// The usage use cases.
#[derive(Clone)]
pub struct Usage {
    core: Arc<Core>,
}

/// Whose usage is asked for.
struct Subject {
    user: Option<UserId>,
    organization: Option<OrgId>,
}

impl Usage {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The current day and month of the caller, or of `user`, which takes an administrator of their organisation.
    ///
    /// # Errors
    /// `Forbidden` for a plain user who names anybody (but themselves); `NotFound` for an unknown or foreign user.
    pub fn summary<'a>(
        &'a self,
        principal: &'a Principal,
        user: Option<UserId>,
    ) -> BoxFuture<'a, Result<UsageSummary, UsageError>> {
        Box::pin(async move {
            let subject = self.subject(principal, user).await?;
            let now = self.core.now();
            let (daily, monthly) = self.allowances(subject.organization, now).await?;
            let (totals, by_day) = match (subject.organization, subject.user) {
                (Some(org), Some(user)) => {
                    let month = DateRange::month_to_date(now);
                    let db = &self.core.db;
                    let totals = usage::totals(db, org, Some(user), &month).await?;
                    let days = usage::by_day(db, org, Some(user), &month).await?;
                    (totals, days.into_iter().map(day).collect())
                }
                _ => (UsageTotals::default(), Vec::new()),
            };
            Ok(UsageSummary {
                user_id: subject.user,
                organization_id: subject.organization,
                daily,
                monthly,
                totals,
                by_day,
            })
        })
    }

    /// Single requests, newest first.
    ///
    /// # Errors
    /// As for [`Usage::summary`].
    pub fn requests<'a>(
        &'a self,
        principal: &'a Principal,
        query: ListRequests,
    ) -> BoxFuture<'a, Result<Paged<UsageRecord>, UsageError>> {
        Box::pin(async move {
            let subject = self.subject(principal, query.user_id).await?;
            let (Some(org), Some(user)) = (subject.organization, subject.user) else {
                return Ok(Paged {
                    items: Vec::new(),
                    total: 0,
                });
            };
            let (rows, total) =
                usage::list(&self.core.db, org, Some(user), query.status, query.page).await?;
            Ok(Paged {
                items: rows.into_iter().map(record).collect(),
                total,
            })
        })
    }

    /// A whole organisation over `range` (`None`: this month so far); its administrators and system administrators.
    ///
    /// # Errors
    /// `NotFound` for a foreign organisation, `Forbidden` for its plain users.
    pub fn organization<'a>(
        &'a self,
        principal: &'a Principal,
        id: OrgId,
        range: Option<DateRange>,
    ) -> BoxFuture<'a, Result<OrgUsage, UsageError>> {
        Box::pin(async move {
            let db = &self.core.db;
            if !principal.may_see(id) || orgs::get(db, id).await?.is_none() {
                return Err(UsageError::NotFound);
            }
            if !principal.may_administer(id) {
                return Err(UsageError::Forbidden);
            }
            let now = self.core.now();
            let range = range.unwrap_or_else(|| DateRange::month_to_date(now));
            let (daily, monthly) = self.allowances(Some(id), now).await?;
            let totals = usage::totals(db, id, None, &range).await?;
            let by_day = usage::by_day(db, id, None, &range).await?;
            let by_user = usage::by_user(db, id, &range).await?;
            Ok(OrgUsage {
                organization_id: id,
                range,
                daily,
                monthly,
                totals,
                by_day: by_day.into_iter().map(day).collect(),
                by_user: by_user
                    .into_iter()
                    .map(|(user_id, email, totals)| UserUsage {
                        user_id,
                        email,
                        totals,
                    })
                    .collect(),
            })
        })
    }

    /// Every organisation's sums over `range` (`None`: this month so far), most words first, at most a thousand; system
    /// administrators only.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn totals<'a>(
        &'a self,
        principal: &'a Principal,
        range: Option<DateRange>,
    ) -> BoxFuture<'a, Result<Vec<OrgTotals>, UsageError>> {
        Box::pin(async move {
            if !principal.is_system_admin() {
                return Err(UsageError::Forbidden);
            }
            let range = range.unwrap_or_else(|| DateRange::month_to_date(self.core.now()));
            let sums = usage::by_org_any_org(&self.core.db, &range).await?;
            Ok(sums
                .into_iter()
                .map(|(organization_id, name, totals)| OrgTotals {
                    organization_id,
                    name,
                    totals,
                })
                .collect())
        })
    }

    async fn subject(
        &self,
        principal: &Principal,
        user: Option<UserId>,
    ) -> Result<Subject, UsageError> {
        let own = Subject {
            user: principal.user_id(),
            organization: principal.organization_id(),
        };
        let Some(user) = user.filter(|&user| Some(user) != own.user) else {
            return Ok(own);
        };
        let administers_own = own
            .organization
            .is_some_and(|org| principal.may_administer(org));
        if !(principal.is_system_admin() || administers_own) {
            return Err(UsageError::Forbidden);
        }
        let organization = users::get_any_org(&self.core.db, user)
            .await?
            .map(|account| account.user.organization_id)
            .filter(|org| {
                principal.is_system_admin() || org.is_some_and(|org| principal.may_administer(org))
            })
            .ok_or(UsageError::NotFound)?;
        Ok(Subject {
            user: Some(user),
            organization,
        })
    }

    async fn allowances(
        &self,
        org: Option<OrgId>,
        now: Timestamp,
    ) -> Result<(WordAllowance, WordAllowance), UsageError> {
        let db = &self.core.db;
        let (mut limits, mut day_words, mut month_words) = (None, 0, 0);
        if let Some(id) = org {
            limits = orgs::get(db, id).await?.map(|org| org.limits);
            day_words = counters::get(db, id, Window::Day(now.day_start())).await?;
            month_words = counters::get(db, id, Window::Month(now.month_start())).await?;
        }
        let allowance = |words_used: u64, limit: Option<u64>, resets_at| WordAllowance {
            words_used,
            limit,
            remaining: limit.map(|limit| limit.saturating_sub(words_used)),
            resets_at,
        };
        Ok((
            allowance(
                day_words,
                limits.map(|limits| limits.daily_words),
                now.next_day_start(),
            ),
            allowance(
                month_words,
                limits.map(|limits| limits.monthly_words),
                now.next_month_start(),
            ),
        ))
    }
}

fn day((start, totals): (Timestamp, UsageTotals)) -> DayUsage {
    DayUsage {
        date: start.date_text(),
        totals,
    }
}

fn record(row: RequestRow) -> UsageRecord {
    UsageRecord {
        id: row.id,
        user_id: row.user_id,
        organization_id: row.organization_id,
        key_id: row.key_id,
        endpoint: row.endpoint,
        voice: row.voice,
        format: row.format,
        sample_rate_hz: row.sample_rate_hz,
        characters: row.characters,
        words: row.words,
        status: row.status,
        error: row.error,
        audio_ms: row.audio_ms,
        duration_ms: row.duration_ms,
        engine_ms: row.engine_ms,
        queue_ms: row.queue_ms,
        bytes_out: row.bytes_out,
        created_at: row.created_at,
        finished_at: row.finished_at,
    }
}

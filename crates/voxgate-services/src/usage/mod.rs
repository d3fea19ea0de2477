//! What was used: summaries, single requests, whole organisations.

mod error;
mod types;

use futures_util::future::BoxFuture;
use std::sync::Arc;

use voxgate_domain::{DateRange, KeyId, LimitKind, OrgId, Paged, Timestamp, UsageTotals, UserId};
use voxgate_store::counters::{self, Cell, Owner};
use voxgate_store::usage::{self, UsageFilter};
use voxgate_store::{orgs, users};

use crate::core::Core;
use crate::{Principal, Process};
pub use error::UsageError;
pub use types::{
    DayUsage, ExportQuery, ListRequests, OrgTotals, OrgUsage, UsageQuery, UsageRecord,
    UsageSummary, UserUsage, WordAllowance,
};
pub use voxgate_store::usage::{
    GroupRow, RequestEnd, RequestFacts, RequestRow, UsageGroup, UsageSums,
};

/// The most rows of one page of an export.
pub const EXPORT_PAGE: u32 = 1_000;

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
            self.core.meter.caught_up().await?;
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
            self.core.meter.caught_up().await?;
            let (Some(org), Some(user)) = (subject.organization, subject.user) else {
                return Ok(Paged {
                    items: Vec::new(),
                    total: 0,
                });
            };
            let filter = UsageFilter {
                user: Some(user),
                ..UsageFilter::default()
            };
            let (rows, total) =
                usage::list(&self.core.db, org, &filter, query.status, query.page).await?;
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
            self.core.meter.caught_up().await?;
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
            self.core.meter.caught_up().await?;
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

    /// Sums of an organisation by day, hour, key, account, voice, model, service or dialect. Its administrators see all of
    /// it, others their own requests.
    ///
    /// # Errors
    /// `NotFound` for a foreign organisation; `Forbidden` for a plain user who asks for another's.
    pub fn report<'a>(
        &'a self,
        principal: &'a Principal,
        organization: OrgId,
        query: UsageQuery,
    ) -> BoxFuture<'a, Result<Vec<GroupRow>, UsageError>> {
        Box::pin(async move {
            let filter = self
                .filter(principal, organization, query.user, query.key)
                .await?;
            self.core.meter.caught_up().await?;
            let (db, from, until) = (&self.core.db, query.from, query.until);
            Ok(usage::grouped(db, organization, &filter, from, until, query.group).await?)
        })
    }

    /// One page of an organisation's records, oldest first; ask for the next one with the time and id of the last row.
    ///
    /// # Errors
    /// As for [`Usage::report`].
    pub fn export_page<'a>(
        &'a self,
        principal: &'a Principal,
        organization: OrgId,
        query: ExportQuery,
    ) -> BoxFuture<'a, Result<Vec<RequestRow>, UsageError>> {
        Box::pin(async move {
            let filter = self
                .filter(principal, organization, query.user, query.key)
                .await?;
            if query.after.is_none() {
                self.core.meter.caught_up().await?;
            }
            let rows = usage::export_page(
                &self.core.db,
                organization,
                &filter,
                query.from,
                query.until,
                query.after,
                query.limit.clamp(1, EXPORT_PAGE),
            );
            Ok(rows.await?)
        })
    }

    /// What the caller may see of what is asked for.
    async fn filter(
        &self,
        principal: &Principal,
        organization: OrgId,
        user: Option<UserId>,
        key: Option<KeyId>,
    ) -> Result<UsageFilter, UsageError> {
        let known = orgs::get(&self.core.db, organization).await?.is_some();
        if !known || !principal.may_see(organization) {
            return Err(UsageError::NotFound);
        }
        let user = if principal.may_administer(organization) {
            user
        } else if user.is_none_or(|user| Some(user) == principal.user_id()) {
            principal.user_id()
        } else {
            return Err(UsageError::Forbidden);
        };
        Ok(UsageFilter { user, key })
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
        let (mut limits, mut day_words, mut month_words) = (None, 0, 0);
        if let Some(id) = org {
            limits = crate::orgs::effective_limits(&self.core.db, id).await?;
            day_words = self.used(id, LimitKind::WordsPerDay, now).await?;
            month_words = self.used(id, LimitKind::WordsPerMonth, now).await?;
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

    /// What is counted of a quota now, requests under way included.
    async fn used(&self, org: OrgId, kind: LimitKind, now: Timestamp) -> Result<u64, UsageError> {
        if self.core.config.process == Process::SoleServer {
            return Ok(self.core.quotas.used(org, None, kind, now));
        }
        match Cell::new(Owner::Organization(org), kind, now) {
            Some(cell) => Ok(counters::get(&self.core.db, &cell).await?),
            None => Ok(0),
        }
    }
}

fn day((start, totals): (Timestamp, UsageTotals)) -> DayUsage {
    DayUsage {
        date: start.date_text(),
        totals,
    }
}

fn record(row: RequestRow) -> UsageRecord {
    let RequestRow { facts, status, end } = row;
    let charged = end.as_ref().map(|end| end.charged);
    UsageRecord {
        id: facts.id,
        user_id: facts.user_id,
        organization_id: facts.organization_id,
        key_id: facts.key_id,
        endpoint: facts.endpoint.into_owned(),
        voice: facts.voice,
        format: facts.format.into_owned(),
        sample_rate_hz: facts.sample_rate_hz,
        characters: facts.asked.characters,
        words: charged.map_or(facts.asked.words, |charged| charged.words),
        status,
        error: end
            .as_ref()
            .and_then(|end| end.error.clone())
            .map(Into::into),
        audio_ms: charged.map(|charged| charged.audio_ms_out),
        duration_ms: end.as_ref().and_then(|end| end.duration_ms),
        engine_ms: end.as_ref().and_then(|end| end.engine_ms),
        queue_ms: end.as_ref().and_then(|end| end.queue_ms),
        bytes_out: charged.map(|charged| charged.bytes_out),
        created_at: facts.created_at,
        finished_at: end.map(|end| end.finished_at),
    }
}

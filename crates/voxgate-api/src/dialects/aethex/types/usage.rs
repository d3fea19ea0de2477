//! Usage on the wire: words are what the limits count, the rest is told beside them.

use uuid::Uuid;
use voxgate_domain::{UsageTotals, UserId};
use voxgate_services::usage::{self, UsageRecord, WordAllowance};

use crate::output::{Instant, output};

output! {
    /// How much of an allowance is used.
    pub struct Allowance {
        /// Words used in the window by the whole organisation, because the limit is the organisation's.
        words_used: u64,
        /// The limit; null without an organisation.
        limit: Option<u64>,
        /// What is left; null without an organisation.
        remaining: Option<u64>,
        /// When the window ends.
        resets_at: Instant,
    }
}

output! {
    /// Requests by outcome.
    pub struct RequestCounts {
        /// All of them.
        total: u64,
        /// Delivered whole.
        success: u64,
        /// Ended early.
        failed: u64,
        /// Still running.
        pending: u64,
    }
}

output! {
    /// One UTC day; days without requests are left out.
    pub struct Day {
        /// The date as YYYY-MM-DD.
        date: String,
        /// Requests by outcome.
        requests: RequestCounts,
        /// Words charged.
        words: u64,
        /// Characters spoken.
        characters: u64,
        /// Seconds of audio delivered.
        audio_seconds: f64,
    }
}

output! {
    /// One person's sums.
    pub struct UserShare {
        /// The account.
        user_id: Uuid,
        /// Its address; null where the account has been removed.
        email: Option<String>,
        /// Requests by outcome.
        requests: RequestCounts,
        /// Words charged.
        words: u64,
        /// Characters spoken.
        characters: u64,
        /// Seconds of audio delivered.
        audio_seconds: f64,
    }
}

output! {
    /// The current day and month of one person.
    pub struct UsageSummary {
        /// Whose usage this is.
        user_id: Option<Uuid>,
        /// The organisation whose limits apply.
        organization_id: Option<Uuid>,
        /// Today (UTC).
        daily: Allowance,
        /// This calendar month (UTC).
        monthly: Allowance,
        /// The person's requests of this month by outcome.
        requests: RequestCounts,
        /// Words charged to the person this month.
        words: u64,
        /// Characters spoken for the person this month.
        characters: u64,
        /// Seconds of audio delivered to the person this month.
        audio_seconds: f64,
        /// The person's days of this month, oldest first.
        by_day: Vec<Day>,
    }
}

output! {
    /// The usage of a whole organisation.
    pub struct OrganizationUsage {
        /// The organisation.
        organization_id: Uuid,
        /// The first day reported on.
        start_date: String,
        /// The last day reported on.
        end_date: String,
        /// Today (UTC).
        daily: Allowance,
        /// This calendar month (UTC).
        monthly: Allowance,
        /// Requests by outcome.
        requests: RequestCounts,
        /// Words charged.
        words: u64,
        /// Characters spoken.
        characters: u64,
        /// Seconds of audio delivered.
        audio_seconds: f64,
        /// The days, oldest first.
        by_day: Vec<Day>,
        /// The people, most words first; at most a thousand.
        by_user: Vec<UserShare>,
    }
}

output! {
    /// One request.
    pub struct UsageRequest {
        /// The request's id.
        id: Uuid,
        /// Who made it.
        user_id: Uuid,
        /// The route.
        endpoint: String,
        /// The voice as it was asked for.
        voice_id: String,
        /// The audio format.
        audio_format: String,
        /// Sample rate of the audio.
        sample_rate_hz: u32,
        /// Characters of the text.
        characters: u64,
        /// Words charged.
        words: u64,
        /// pending, success or failed.
        status: &'static str,
        /// Why it failed.
        error: Option<String>,
        /// Milliseconds from admission to the end.
        duration_ms: Option<u64>,
        /// Seconds of audio delivered.
        audio_seconds: Option<f64>,
        /// When it was admitted.
        created_at: Instant,
        /// When it ended.
        finished_at: Option<Instant>,
        /// For which organisation.
        organization_id: Uuid,
        /// Milliseconds it waited for an engine.
        queue_ms: Option<u64>,
        /// Milliseconds the engine and the encoder worked.
        engine_ms: Option<u64>,
        /// Encoded bytes delivered.
        bytes: Option<u64>,
    }
}

impl From<WordAllowance> for Allowance {
    fn from(allowance: WordAllowance) -> Self {
        Self {
            words_used: allowance.words_used,
            limit: allowance.limit,
            remaining: allowance.remaining,
            resets_at: allowance.resets_at.into(),
        }
    }
}

impl From<&UsageTotals> for RequestCounts {
    fn from(totals: &UsageTotals) -> Self {
        Self {
            total: totals.requests,
            success: totals.success,
            failed: totals.failed,
            pending: totals.pending,
        }
    }
}

impl From<usage::DayUsage> for Day {
    fn from(day: usage::DayUsage) -> Self {
        Self {
            requests: (&day.totals).into(),
            words: day.totals.words,
            characters: day.totals.characters,
            audio_seconds: day.totals.audio_seconds(),
            date: day.date,
        }
    }
}

impl From<usage::UserUsage> for UserShare {
    fn from(share: usage::UserUsage) -> Self {
        Self {
            user_id: share.user_id.as_uuid(),
            email: share.email,
            requests: (&share.totals).into(),
            words: share.totals.words,
            characters: share.totals.characters,
            audio_seconds: share.totals.audio_seconds(),
        }
    }
}

impl From<usage::UsageSummary> for UsageSummary {
    fn from(summary: usage::UsageSummary) -> Self {
        Self {
            user_id: summary.user_id.map(UserId::as_uuid),
            organization_id: summary.organization_id.map(voxgate_domain::OrgId::as_uuid),
            daily: summary.daily.into(),
            monthly: summary.monthly.into(),
            requests: (&summary.totals).into(),
            words: summary.totals.words,
            characters: summary.totals.characters,
            audio_seconds: summary.totals.audio_seconds(),
            by_day: summary.by_day.into_iter().map(Day::from).collect(),
        }
    }
}

impl From<usage::OrgUsage> for OrganizationUsage {
    fn from(usage: usage::OrgUsage) -> Self {
        Self {
            organization_id: usage.organization_id.as_uuid(),
            start_date: usage.range.first_day(),
            end_date: usage.range.last_day(),
            daily: usage.daily.into(),
            monthly: usage.monthly.into(),
            requests: (&usage.totals).into(),
            words: usage.totals.words,
            characters: usage.totals.characters,
            audio_seconds: usage.totals.audio_seconds(),
            by_day: usage.by_day.into_iter().map(Day::from).collect(),
            by_user: usage.by_user.into_iter().map(UserShare::from).collect(),
        }
    }
}

impl From<UsageRecord> for UsageRequest {
    fn from(record: UsageRecord) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to 285,000 years of audio"
        )]
        let audio_seconds = record.audio_ms.map(|millis| millis as f64 / 1000.0);
        Self {
            id: record.id.as_uuid(),
            user_id: record.user_id.as_uuid(),
            endpoint: record.endpoint,
            voice_id: record.voice,
            audio_format: record.format,
            sample_rate_hz: record.sample_rate_hz,
            characters: record.characters,
            words: record.words,
            status: record.status.as_str(),
            error: record.error,
            duration_ms: record.duration_ms,
            audio_seconds,
            created_at: record.created_at.into(),
            finished_at: record.finished_at.map(Instant),
            organization_id: record.organization_id.as_uuid(),
            queue_ms: record.queue_ms,
            engine_ms: record.engine_ms,
            bytes: record.bytes_out,
        }
    }
}

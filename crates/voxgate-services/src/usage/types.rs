//! What goes into and comes out of the usage use cases.

use voxgate_domain::{
    DateRange, KeyId, OrgId, Page, RequestId, RequestStatus, Timestamp, UsageTotals, UserId,
};
use voxgate_store::usage::UsageGroup;

/// How much of an allowance is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordAllowance {
    /// Words the organisation has used in the window, its running requests included.
    pub words_used: u64,
    /// The organisation's limit; `None` where there is no organisation.
    pub limit: Option<u64>,
    /// What the organisation has left; `None` where there is no organisation.
    pub remaining: Option<u64>,
    /// When the window ends and the allowance is whole again.
    pub resets_at: Timestamp,
}

/// One UTC day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayUsage {
    /// `YYYY-MM-DD`.
    pub date: String,
    /// The day's sums.
    pub totals: UsageTotals,
}

/// One person's sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserUsage {
    /// The account; it may have been removed since.
    pub user_id: UserId,
    /// Its address, where it still exists.
    pub email: Option<String>,
    /// The sums.
    pub totals: UsageTotals,
}

/// The answer to "how much have I used": the current day and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageSummary {
    /// Whose usage this is; `None` only for the operator.
    pub user_id: Option<UserId>,
    /// The organisation whose limits apply.
    pub organization_id: Option<OrgId>,
    /// Today (UTC). `words_used` is the organisation's, because the limit is.
    pub daily: WordAllowance,
    /// This calendar month (UTC). `words_used` is the organisation's, because the limit is.
    pub monthly: WordAllowance,
    /// The person's own sums of this month.
    pub totals: UsageTotals,
    /// The person's own sums of each day of this month that had any requests, oldest first.
    pub by_day: Vec<DayUsage>,
}

/// Which requests to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListRequests {
    /// Whose; `None` means the caller's own. Another's takes an administrator of their organisation.
    pub user_id: Option<UserId>,
    /// Only those in this state.
    pub status: Option<RequestStatus>,
    /// Which piece, newest first.
    pub page: Page,
}

/// Which sums to make.
#[derive(Debug, Clone, Copy)]
pub struct UsageQuery {
    /// From this moment on.
    pub from: Timestamp,
    /// Before this moment.
    pub until: Timestamp,
    /// By what.
    pub group: UsageGroup,
    /// Only this account's.
    pub user: Option<UserId>,
    /// Only this key's.
    pub key: Option<KeyId>,
}

/// Which records to export.
#[derive(Debug, Clone, Copy)]
pub struct ExportQuery {
    /// Admitted from this moment on.
    pub from: Timestamp,
    /// Admitted before this moment.
    pub until: Timestamp,
    /// Only this account's.
    pub user: Option<UserId>,
    /// Only this key's.
    pub key: Option<KeyId>,
    /// Those after this one: the time and id of the last row of the page before.
    pub after: Option<(Timestamp, RequestId)>,
    /// How many at most; held at [`super::EXPORT_PAGE`].
    pub limit: u32,
}

/// One metered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRecord {
    /// The request's id.
    pub id: RequestId,
    /// Who made it.
    pub user_id: UserId,
    /// For which organisation.
    pub organization_id: OrgId,
    /// With which API key, if one.
    pub key_id: Option<KeyId>,
    /// The route, as in `/tts/tts`.
    pub endpoint: String,
    /// The voice as it was asked for.
    pub voice: String,
    /// The audio format's name.
    pub format: String,
    /// Sample rate of the audio.
    pub sample_rate_hz: u32,
    /// Characters of the text.
    pub characters: u64,
    /// Words charged.
    pub words: u64,
    /// How far it has come.
    pub status: RequestStatus,
    /// A machine code of why it failed.
    pub error: Option<String>,
    /// Milliseconds of audio delivered.
    pub audio_ms: Option<u64>,
    /// Milliseconds from admission to the end.
    pub duration_ms: Option<u64>,
    /// Milliseconds the engine and the encoder worked.
    pub engine_ms: Option<u64>,
    /// Milliseconds it waited for an engine.
    pub queue_ms: Option<u64>,
    /// Encoded bytes delivered.
    pub bytes_out: Option<u64>,
    /// When it was admitted.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// The usage of a whole organisation over some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgUsage {
    /// The organisation.
    pub organization_id: OrgId,
    /// The days asked for.
    pub range: DateRange,
    /// Today (UTC).
    pub daily: WordAllowance,
    /// This calendar month (UTC).
    pub monthly: WordAllowance,
    /// Sums over the range.
    pub totals: UsageTotals,
    /// Each day of the range that had any requests, oldest first.
    pub by_day: Vec<DayUsage>,
    /// Each person who made any requests in the range, most words first; at most a thousand.
    pub by_user: Vec<UserUsage>,
}

/// One organisation's sums, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgTotals {
    /// The organisation.
    pub organization_id: OrgId,
    /// Its name.
    pub name: String,
    /// The sums.
    pub totals: UsageTotals,
}

//! What an organisation may use, and how a refusal over it is described.

use std::time::Duration;

use crate::Timestamp;

/// The limits of one organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgLimits {
    /// Words that may be spoken per UTC day.
    pub daily_words: u64,
    /// Words that may be spoken per UTC calendar month.
    pub monthly_words: u64,
    /// Speech requests in any 60 seconds.
    pub requests_per_minute: u32,
}

impl OrgLimits {
    /// The largest word limit that can be set; a quadrillion is "no limit" for every practical purpose.
    pub const MAX_WORDS: u64 = 1_000_000_000_000_000;
    /// The largest request limit that can be set.
    pub const MAX_REQUESTS_PER_MINUTE: u32 = 100_000_000;
}

impl Default for OrgLimits {
    /// 100,000 words a day, 2,000,000 a month, 100 requests a minute.
    fn default() -> Self {
        Self {
            daily_words: 100_000,
            monthly_words: 2_000_000,
            requests_per_minute: 100,
        }
    }
}

/// Which limit refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// Requests in 60 seconds.
    RequestsPerMinute,
    /// Words in the UTC day.
    WordsPerDay,
    /// Words in the UTC month.
    WordsPerMonth,
    /// Failed logins.
    LoginAttempts,
}

impl LimitKind {
    /// A stable name for logs, metrics and machine-readable bodies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::WordsPerDay => "words_per_day",
            Self::WordsPerMonth => "words_per_month",
            Self::LoginAttempts => "login_attempts",
        }
    }
}

/// Everything a client needs in order to come back at the right time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitRefusal {
    /// The limit that refused.
    pub kind: LimitKind,
    /// Its value.
    pub limit: u64,
    /// What was left when it refused; smaller than what was asked for.
    pub remaining: u64,
    /// When the limit is whole again.
    pub reset: Timestamp,
    /// The earliest moment at which trying again can succeed, from now.
    pub retry_after: Duration,
}

impl LimitRefusal {
    /// `retry_after` in whole seconds as `Retry-After` wants it: rounded up, at least one.
    #[must_use]
    pub fn retry_after_secs(&self) -> u64 {
        whole_secs(self.retry_after)
    }
}

/// Rounds a wait up to whole seconds, at least one: waiting as long as told must be long enough.
pub(crate) fn whole_secs(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

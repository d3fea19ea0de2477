//! What an organisation or a key may use, and how a refusal over it is described.

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

/// Something that is counted and limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum LimitKind {
    /// Metered requests in any 60 seconds.
    RequestsPerMinute,
    /// Tokens in any 60 seconds.
    TokensPerMinute,
    /// Requests of class [`EndpointClass::Generation`] in any 10 seconds.
    GenerationPer10Seconds,
    /// Requests of class [`EndpointClass::Read`] in any 10 seconds.
    ReadPer10Seconds,
    /// Requests of class [`EndpointClass::Upload`] in any 60 seconds.
    UploadPerMinute,
    /// Requests of class [`EndpointClass::Delete`] in any 60 seconds.
    DeletePerMinute,
    /// Streams and requests under way at once.
    ConcurrentStreams,
    /// Tokens in the UTC day.
    TokensPerDay,
    /// Words in the UTC day.
    WordsPerDay,
    /// Words in the UTC month.
    WordsPerMonth,
    /// Characters in the UTC month.
    CharactersPerMonth,
    /// Seconds of audio, in and out, in the UTC month. Counted in milliseconds.
    AudioSecondsPerMonth,
    /// Failed logins; not a limit that can be set.
    LoginAttempts,
}

/// How long something counts against a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Horizon {
    /// In any window of this length; forgotten by a restart.
    Window(Duration),
    /// While it lasts.
    Concurrent,
    /// Until the UTC day ends.
    Day,
    /// Until the UTC month ends.
    Month,
}

impl LimitKind {
    /// Every limit that can be set, in the order of their numbers.
    pub const SETTABLE: [Self; 12] = [
        Self::RequestsPerMinute,
        Self::TokensPerMinute,
        Self::GenerationPer10Seconds,
        Self::ReadPer10Seconds,
        Self::UploadPerMinute,
        Self::DeletePerMinute,
        Self::ConcurrentStreams,
        Self::TokensPerDay,
        Self::WordsPerDay,
        Self::WordsPerMonth,
        Self::CharactersPerMonth,
        Self::AudioSecondsPerMonth,
    ];

    /// A stable name for storage, logs, metrics and machine-readable bodies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::GenerationPer10Seconds => "generation_per_10_seconds",
            Self::ReadPer10Seconds => "read_per_10_seconds",
            Self::UploadPerMinute => "upload_per_minute",
            Self::DeletePerMinute => "delete_per_minute",
            Self::ConcurrentStreams => "concurrent_streams",
            Self::TokensPerDay => "tokens_per_day",
            Self::WordsPerDay => "words_per_day",
            Self::WordsPerMonth => "words_per_month",
            Self::CharactersPerMonth => "characters_per_month",
            Self::AudioSecondsPerMonth => "audio_seconds_per_month",
            Self::LoginAttempts => "login_attempts",
        }
    }

    /// How long something counts; `None` for what cannot be set.
    #[must_use]
    pub const fn horizon(self) -> Option<Horizon> {
        Some(match self {
            Self::RequestsPerMinute
            | Self::TokensPerMinute
            | Self::UploadPerMinute
            | Self::DeletePerMinute => Horizon::Window(Duration::from_secs(60)),
            Self::GenerationPer10Seconds | Self::ReadPer10Seconds => {
                Horizon::Window(Duration::from_secs(10))
            }
            Self::ConcurrentStreams => Horizon::Concurrent,
            Self::TokensPerDay | Self::WordsPerDay => Horizon::Day,
            Self::WordsPerMonth | Self::CharactersPerMonth | Self::AudioSecondsPerMonth => {
                Horizon::Month
            }
            Self::LoginAttempts => return None,
        })
    }

    /// Whether it is counted in the database, where it survives a restart.
    #[must_use]
    pub const fn is_quota(self) -> bool {
        matches!(self.horizon(), Some(Horizon::Day | Horizon::Month))
    }

    /// What one unit of the limit's value is in what is counted: 1000 for seconds of audio, which are counted in
    /// milliseconds.
    #[must_use]
    pub const fn scale(self) -> u64 {
        match self {
            Self::AudioSecondsPerMonth => 1000,
            _ => 1,
        }
    }

    /// Its place in a [`LimitSet`]; `None` for what cannot be set.
    #[must_use]
    pub const fn index(self) -> Option<usize> {
        match self {
            Self::LoginAttempts => None,
            settable => Some(settable as usize),
        }
    }
}

/// A text that names no limit that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown limit")]
pub struct UnknownLimit;

impl std::str::FromStr for LimitKind {
    type Err = UnknownLimit;

    fn from_str(text: &str) -> Result<Self, UnknownLimit> {
        Self::SETTABLE
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownLimit)
    }
}

/// What kind of request it is, as far as windows per endpoint class go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndpointClass {
    /// It makes something: speech, text, an image.
    Generation,
    /// It only reads.
    Read,
    /// It brings a file.
    Upload,
    /// It removes something.
    Delete,
    /// Anything else.
    Other,
}

impl EndpointClass {
    /// The limit over this class.
    #[must_use]
    pub const fn limit(self) -> Option<LimitKind> {
        match self {
            Self::Generation => Some(LimitKind::GenerationPer10Seconds),
            Self::Read => Some(LimitKind::ReadPer10Seconds),
            Self::Upload => Some(LimitKind::UploadPerMinute),
            Self::Delete => Some(LimitKind::DeletePerMinute),
            Self::Other => None,
        }
    }
}

/// A value per limit; a limit without one does not limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitSet([Option<u64>; LimitKind::SETTABLE.len()]);

impl LimitSet {
    /// The largest value that can be set; a quadrillion is "no limit" for every practical purpose.
    pub const MAX: u64 = 1_000_000_000_000_000;

    /// The value of a limit, in the limit's own unit.
    #[must_use]
    pub fn get(&self, kind: LimitKind) -> Option<u64> {
        kind.index().and_then(|index| self.0[index])
    }

    /// Sets or removes a limit; values beyond [`LimitSet::MAX`] are held there. What cannot be set is left alone.
    pub fn set(&mut self, kind: LimitKind, value: Option<u64>) {
        if let Some(index) = kind.index() {
            self.0[index] = value.map(|value| value.min(Self::MAX));
        }
    }

    /// This set, with the limits it lacks taken from `other`.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.or(theirs);
        }
        self
    }

    /// The limits that are set.
    pub fn iter(&self) -> impl Iterator<Item = (LimitKind, u64)> {
        LimitKind::SETTABLE
            .into_iter()
            .filter_map(|kind| self.get(kind).map(|value| (kind, value)))
    }
}

impl FromIterator<(LimitKind, u64)> for LimitSet {
    fn from_iter<I: IntoIterator<Item = (LimitKind, u64)>>(limits: I) -> Self {
        let mut set = Self::default();
        for (kind, value) in limits {
            set.set(kind, Some(value));
        }
        set
    }
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LimitScope {
    /// The organisation's, shared by all its keys and people.
    Organization,
    /// The key's own.
    Key,
}

impl LimitScope {
    /// A stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Key => "key",
        }
    }
}

/// Everything a client needs in order to come back at the right time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitRefusal {
    /// The limit that refused.
    pub kind: LimitKind,
    /// Whose it is.
    pub scope: LimitScope,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_limit_has_its_place_and_name() {
        for (place, kind) in LimitKind::SETTABLE.into_iter().enumerate() {
            assert_eq!(kind.index(), Some(place));
            assert_eq!(kind.as_str().parse::<LimitKind>().unwrap(), kind);
            assert!(kind.horizon().is_some());
        }
        assert!("login_attempts".parse::<LimitKind>().is_err());
    }

    #[test]
    fn own_limits_come_before_those_of_the_plan() {
        let own = LimitSet::from_iter([(LimitKind::WordsPerDay, 5)]);
        let plan = LimitSet::from_iter([(LimitKind::WordsPerDay, 9), (LimitKind::TokensPerDay, 7)]);
        let both = own.or(&plan);
        assert_eq!(both.get(LimitKind::WordsPerDay), Some(5));
        assert_eq!(both.get(LimitKind::TokensPerDay), Some(7));
        assert_eq!(both.get(LimitKind::RequestsPerMinute), None);
        assert_eq!(both.iter().count(), 2);
    }
}

//! Moments and the UTC calendar: when a quota's day and month begin and end.

use std::fmt;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A moment: microseconds since 1970-01-01T00:00:00Z.
///
/// Values outside the calendar that can be written down (years −9999 to 9999) are held at its ends by every method that
/// needs a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since the Unix epoch.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment plus a span, held at the largest representable moment.
    #[must_use]
    pub fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros(span)))
    }

    /// This moment minus a span, held at the smallest representable moment.
    #[must_use]
    pub fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(micros(span)))
    }

    /// How long after `earlier` this moment is; zero when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        u64::try_from(self.0.saturating_sub(earlier.0))
            .map_or(Duration::ZERO, Duration::from_micros)
    }

    /// Midnight UTC that began this moment's day.
    #[must_use]
    pub fn day_start(self) -> Self {
        start_of(self.date())
    }

    /// Midnight UTC that ends this moment's day.
    #[must_use]
    pub fn next_day_start(self) -> Self {
        self.date().tomorrow().map_or(Self(i64::MAX), start_of)
    }

    /// Midnight UTC that began this moment's calendar month.
    #[must_use]
    pub fn month_start(self) -> Self {
        start_of(self.date().first_of_month())
    }

    /// Midnight UTC that ends this moment's calendar month.
    #[must_use]
    pub fn next_month_start(self) -> Self {
        self.date()
            .last_of_month()
            .tomorrow()
            .map_or(Self(i64::MAX), start_of)
    }

    /// The UTC date as `YYYY-MM-DD`.
    #[must_use]
    pub fn date_text(self) -> String {
        self.date().to_string()
    }

    /// ISO 8601 in UTC with milliseconds and a `Z`, as in `2026-11-21T08:15:30.042Z`.
    #[must_use]
    pub fn to_iso_millis(self) -> String {
        format!("{:.3}", self.instant())
    }

    /// ISO 8601 in UTC with microseconds and a `Z`.
    #[must_use]
    pub fn to_iso_micros(self) -> String {
        format!("{:.6}", self.instant())
    }

    fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }

    fn date(self) -> Date {
        TimeZone::UTC.to_datetime(self.instant()).date()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_iso_millis())
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn start_of(date: Date) -> Timestamp {
    date.to_zoned(TimeZone::UTC)
        .map_or(Timestamp(i64::MAX), |midnight| {
            Timestamp(midnight.timestamp().as_microsecond())
        })
}

/// Whole UTC days from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateRange {
    first: Date,
    last: Date,
}

impl DateRange {
    /// The most days a range may span: ten years and three leap days.
    pub const MAX_DAYS: i32 = 3653;

    /// Parses two `YYYY-MM-DD` dates (an RFC 3339 time after the date is accepted and ignored). `None` where either is not
    /// a date, the first is after the last, or the span is longer than [`DateRange::MAX_DAYS`].
    #[must_use]
    pub fn parse(first: &str, last: &str) -> Option<Self> {
        let date = |text: &str| text.split(['T', 't', ' ']).next()?.parse().ok();
        Self::checked(date(first)?, date(last)?)
    }

    /// The days from `first` to `last`; `None` under the conditions of [`DateRange::parse`].
    #[must_use]
    pub fn between(first: Timestamp, last: Timestamp) -> Option<Self> {
        Self::checked(first.date(), last.date())
    }

    /// The month to which `now` belongs, up to and including today.
    #[must_use]
    pub fn month_to_date(now: Timestamp) -> Self {
        Self {
            first: now.date().first_of_month(),
            last: now.date(),
        }
    }

    fn checked(first: Date, last: Date) -> Option<Self> {
        let days = (last - first).get_days();
        (0..Self::MAX_DAYS)
            .contains(&days)
            .then_some(Self { first, last })
    }

    /// Midnight that begins the first day.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        start_of(self.first)
    }

    /// Midnight that ends the last day; not part of the range.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.last.tomorrow().map_or(Timestamp(i64::MAX), start_of)
    }

    /// The first day as `YYYY-MM-DD`.
    #[must_use]
    pub fn first_day(&self) -> String {
        self.first.to_string()
    }

    /// The last day as `YYYY-MM-DD`.
    #[must_use]
    pub fn last_day(&self) -> String {
        self.last.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn windows_of_a_leap_february() {
        let noon = at("2028-02-29T12:00:00Z");
        assert_eq!(noon.day_start(), at("2028-02-29T00:00:00Z"));
        assert_eq!(noon.next_day_start(), at("2028-03-01T00:00:00Z"));
        assert_eq!(noon.month_start(), at("2028-02-01T00:00:00Z"));
        assert_eq!(noon.next_month_start(), at("2028-03-01T00:00:00Z"));
    }

    #[test]
    fn the_last_microsecond_belongs_to_the_old_year() {
        let last = at("2026-12-31T23:59:59.999999Z");
        assert_eq!(last.date_text(), "2026-12-31");
        assert_eq!(last.next_month_start(), at("2027-01-01T00:00:00Z"));
        assert_eq!(last.to_iso_millis(), "2026-12-31T23:59:59.999Z");
    }

    #[test]
    fn ranges_are_checked() {
        let range = DateRange::parse("2026-11-01", "2026-11-30").unwrap();
        assert_eq!(
            range.end().since(range.start()),
            Duration::from_secs(30 * 86_400)
        );
        assert_eq!(DateRange::parse("2026-11-02", "2026-11-01"), None);
        assert_eq!(DateRange::parse("2026-11-02", "soon"), None);
        assert_eq!(DateRange::parse("1900-01-01", "2026-11-01"), None);
        assert!(DateRange::parse("2026-11-01T00:00:00Z", "2026-11-02").is_some());
    }

    proptest! {
        #[test]
        fn windows_contain_their_moment(micros in -62_000_000_000_000_000i64..250_000_000_000_000_000) {
            let moment = Timestamp::from_micros(micros);
            prop_assert!(moment.day_start() <= moment && moment < moment.next_day_start());
            prop_assert!(moment.month_start() <= moment.day_start());
            prop_assert!(moment.next_day_start() <= moment.next_month_start());
            prop_assert_eq!(moment.next_day_start().since(moment.day_start()), Duration::from_secs(86_400));
            prop_assert_eq!(moment.next_month_start().day_start(), moment.next_month_start());
        }

        #[test]
        fn any_value_has_a_date(micros in any::<i64>()) {
            prop_assert!(!Timestamp::from_micros(micros).date_text().is_empty());
        }
    }
}

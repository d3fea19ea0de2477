//! Moments.

use serde_json::{Value, json};
use voxgate_domain::Timestamp;

use super::wrong;
use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;
use crate::extract::kinds::Kind;

/// A moment.
#[derive(Debug, Clone, Copy)]
pub struct Moment;

/// A moment as RFC 3339 writes it, or a day, which means its beginning in UTC.
pub fn moment() -> Moment {
    Moment
}

/// Reads a moment as [`moment`] does, from the year 1970 on.
pub fn parse_moment(text: &str) -> Option<Timestamp> {
    let micros = match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.as_microsecond(),
        Err(_) => text
            .parse::<jiff::civil::Date>()
            .ok()
            .filter(|_| text.len() == "2026-11-01".len())?
            .to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_microsecond(),
    };
    (micros >= 0).then(|| Timestamp::from_micros(micros))
}

impl Kind for Moment {
    type Out = Timestamp;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<Timestamp, Problem> {
        value
            .as_str()
            .and_then(parse_moment)
            .ok_or_else(|| wrong("write a moment as 2026-11-01T12:00:00Z, or a day as 2026-11-01"))
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "anyOf": [
            { "type": "string", "format": "date-time" },
            { "type": "string", "format": "date" },
        ] })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments_are_moments_or_days() {
        for (text, micros) in [
            ("1970-01-02", Some(86_400_000_000)),
            ("1970-01-01T00:00:01.5Z", Some(1_500_000)),
            ("1970-01-01T01:00:01+01:00", Some(1_000_000)),
            ("1969-12-31", None),
            ("1970-01-01T00:00:00", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(
                parse_moment(text).map(Timestamp::as_micros),
                micros,
                "{text}"
            );
        }
    }
}

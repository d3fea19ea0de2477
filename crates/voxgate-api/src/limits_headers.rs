//! How the limits that hold for a caller are told in headers: one table of families, of which each surface uses one.
//!
//! Where the limits stand is the gate's to say; this only names and rounds. A header whose limit is not set is left out.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use voxgate_domain::{LimitKind, LimitRefusal, Timestamp};
use voxgate_services::gate::LimitState;

/// Which headers a surface sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` of the requests per minute.
    Plain,
    /// [`Family::Plain`], and the same for requests, tokens, tokens per day and streams by name.
    Extended,
}

/// How the moment at which a limit is whole again is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reset {
    /// As Unix time in seconds.
    At,
    /// As seconds from now.
    In,
    /// Not at all: nobody knows when a stream ends.
    Never,
}

/// The headers of one limit.
struct Entry {
    kind: LimitKind,
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
    written: Reset,
}

/// The value of the limit over requests per minute.
pub const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
/// Requests that would be admitted right now.
pub const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
/// Unix time at which the limit is whole again.
pub const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

fn entries(family: Family) -> impl Iterator<Item = Entry> {
    let plain = Entry {
        kind: LimitKind::RequestsPerMinute,
        limit: LIMIT,
        remaining: REMAINING,
        reset: RESET,
        written: Reset::At,
    };
    let named = |kind, limit, remaining, reset, written| Entry {
        kind,
        limit: HeaderName::from_static(limit),
        remaining: HeaderName::from_static(remaining),
        reset: HeaderName::from_static(reset),
        written,
    };
    let more = match family {
        Family::Plain => Vec::new(),
        Family::Extended => vec![
            named(
                LimitKind::RequestsPerMinute,
                "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
                Reset::In,
            ),
            named(
                LimitKind::TokensPerMinute,
                "x-ratelimit-limit-tokens",
                "x-ratelimit-remaining-tokens",
                "x-ratelimit-reset-tokens",
                Reset::In,
            ),
            named(
                LimitKind::TokensPerDay,
                "x-ratelimit-limit-tokens-day",
                "x-ratelimit-remaining-tokens-day",
                "x-ratelimit-reset-tokens-day",
                Reset::In,
            ),
            named(
                LimitKind::ConcurrentStreams,
                "x-ratelimit-limit-concurrent",
                "x-ratelimit-remaining-concurrent",
                "x-ratelimit-reset-concurrent",
                Reset::Never,
            ),
        ],
    };
    std::iter::once(plain).chain(more)
}

/// Whether an answer says already where the limits stand; an endpoint that was metered knows it best.
pub fn are_set(headers: &HeaderMap) -> bool {
    headers.contains_key(LIMIT)
}

/// Adds the headers of a family; `state` tells where a limit stands.
pub fn add(
    headers: &mut HeaderMap,
    family: Family,
    now: Timestamp,
    state: impl Fn(LimitKind) -> Option<LimitState>,
) {
    for entry in entries(family) {
        let Some(state) = state(entry.kind) else {
            continue;
        };
        headers.insert(entry.limit, HeaderValue::from(state.limit));
        headers.insert(entry.remaining, HeaderValue::from(state.remaining));
        match entry.written {
            Reset::At => {
                let at = now.saturating_add(state.reset_after);
                headers.insert(entry.reset, HeaderValue::from(whole_secs_up(at)));
            }
            Reset::In => {
                headers.insert(entry.reset, HeaderValue::from(secs_up(state.reset_after)));
            }
            Reset::Never => {}
        }
    }
}

/// The plain headers of the limit that refused, for the answer that says so.
pub fn of_refusal(limit: &LimitRefusal) -> [(HeaderName, i64); 3] {
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    [
        (LIMIT, number(limit.limit)),
        (REMAINING, number(limit.remaining)),
        (RESET, whole_secs_up(limit.reset)),
    ]
}

/// A moment in Unix seconds, rounded up: at that second the limit is whole.
fn whole_secs_up(at: Timestamp) -> i64 {
    let secs = at.as_secs();
    secs + i64::from(Timestamp::from_secs(secs) < at)
}

fn secs_up(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use voxgate_domain::LimitScope;

    use super::*;

    fn written(family: Family, known: &[(LimitKind, u64, u64, u64)]) -> Vec<(String, String)> {
        let mut headers = HeaderMap::new();
        add(
            &mut headers,
            family,
            Timestamp::from_micros(1_800_000_000_500_000),
            |kind| {
                known.iter().find(|found| found.0 == kind).map(
                    |(_, limit, remaining, reset_millis)| LimitState {
                        limit: *limit,
                        remaining: *remaining,
                        reset_after: Duration::from_millis(*reset_millis),
                    },
                )
            },
        );
        let mut found: Vec<(String, String)> = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        found.sort();
        found
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn plain_is_requests_per_minute_with_a_moment() {
        let known = [(LimitKind::RequestsPerMinute, 100, 99, 59_600)];
        assert_eq!(
            written(Family::Plain, &known),
            pairs(&[
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", "99"),
                // 0.5 s and 59.6 s into the second: rounded up.
                ("x-ratelimit-reset", "1800000061"),
            ])
        );
        assert!(written(Family::Plain, &[(LimitKind::TokensPerMinute, 1, 1, 0)]).is_empty());
    }

    #[test]
    fn extended_names_every_bucket() {
        let known = [
            (LimitKind::RequestsPerMinute, 100, 99, 1_200),
            (LimitKind::TokensPerMinute, 5000, 0, 60_000),
            (LimitKind::TokensPerDay, 9000, 7, 1),
            (LimitKind::ConcurrentStreams, 4, 3, 0),
        ];
        assert_eq!(
            written(Family::Extended, &known),
            pairs(&[
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-limit-concurrent", "4"),
                ("x-ratelimit-limit-requests", "100"),
                ("x-ratelimit-limit-tokens", "5000"),
                ("x-ratelimit-limit-tokens-day", "9000"),
                ("x-ratelimit-remaining", "99"),
                ("x-ratelimit-remaining-concurrent", "3"),
                ("x-ratelimit-remaining-requests", "99"),
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-remaining-tokens-day", "7"),
                ("x-ratelimit-reset", "1800000002"),
                ("x-ratelimit-reset-requests", "2"),
                ("x-ratelimit-reset-tokens", "60"),
                ("x-ratelimit-reset-tokens-day", "1"),
            ])
        );
    }

    #[test]
    fn a_refusal_names_the_limit_that_refused() {
        let limit = LimitRefusal {
            kind: LimitKind::WordsPerDay,
            scope: LimitScope::Organization,
            limit: 3,
            remaining: 1,
            reset: Timestamp::from_micros(1_800_000_000_000_001),
            retry_after: Duration::from_secs(1),
        };
        let values = of_refusal(&limit).map(|(_, value)| value);
        assert_eq!(values, [3, 1, 1_800_000_001]);
    }
}

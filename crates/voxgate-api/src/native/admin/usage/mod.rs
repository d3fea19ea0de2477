//! What organisations have used.

pub mod export;
pub mod lines;
pub mod report;

use voxgate_domain::Timestamp;
use voxgate_services::usage::UsageGroup;

use crate::native::error::invalid;
use crate::refused::Refused;

/// What usage can be grouped by, by its name.
pub const GROUPS: &[&str] = &[
    "day", "hour", "key", "user", "voice", "model", "service", "dialect",
];

/// The group of a name among [`GROUPS`].
pub fn group(name: &str) -> Option<UsageGroup> {
    Some(match name {
        "day" => UsageGroup::Day,
        "hour" => UsageGroup::Hour,
        "key" => UsageGroup::Key,
        "user" => UsageGroup::User,
        "voice" => UsageGroup::Voice,
        "model" => UsageGroup::Model,
        "service" => UsageGroup::Service,
        "dialect" => UsageGroup::Dialect,
        _ => return None,
    })
}

/// The span that is asked for: this UTC month so far, where nothing is said.
fn span(
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), Refused> {
    let until = until.unwrap_or_else(|| from.map_or(now, |from| now.max(from)));
    let from = from.unwrap_or_else(|| until.month_start());
    if from > until {
        return Err(invalid("from", "must not be after until"));
    }
    Ok((from, until))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_group_has_its_name() {
        assert!(GROUPS.iter().all(|name| group(name).is_some()));
        assert!(group("week").is_none());
    }

    #[test]
    fn a_span_ends_where_it_begins_or_later() {
        let now = Timestamp::from_secs(1_800_000_000);
        let (from, until) = span(None, None, now).unwrap();
        assert_eq!((from, until), (now.month_start(), now));
        assert!(span(Some(now), Some(Timestamp::from_secs(0)), now).is_err());
        let later = Timestamp::from_secs(1_900_000_000);
        assert_eq!(span(Some(later), None, now).unwrap(), (later, later));
    }
}

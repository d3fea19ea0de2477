//! Limits as they are stored: a JSON object in a column of the plan, the organisation or the key, so that a credential's
//! limits come with the row that holds them.
//!
//! Owns the form of that object. Which limit holds where several are given is decided by the services.

use serde_json::{Map, Value as Json};
use voxgate_domain::{LimitKind, LimitSet};

use crate::{Row, StoreError};

/// An organisation's own limits beyond its three columns (words per day, words per month, requests per minute).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnLimits {
    /// Values, in each limit's own unit.
    pub set: LimitSet,
    /// Those of the three columns whose value is the plan's instead of the column's; in the order of their numbers.
    pub from_plan: Vec<LimitKind>,
}

/// The object of a set: `{"tokens_per_day":5000}`.
pub(crate) fn encode(set: &LimitSet) -> String {
    object(set).to_string()
}

/// The object of an organisation's own limits: null marks what the plan decides.
pub(crate) fn encode_own(own: &OwnLimits) -> String {
    let Json::Object(mut object) = object(&own.set) else {
        return String::new();
    };
    for kind in &own.from_plan {
        object.insert(kind.as_str().to_owned(), Json::Null);
    }
    Json::Object(object).to_string()
}

fn object(set: &LimitSet) -> Json {
    Json::Object(
        set.iter()
            .map(|(kind, value)| (kind.as_str().to_owned(), Json::from(value)))
            .collect(),
    )
}

/// Reads the column of a plan's or a key's limits; a column that is null, where a join found nothing, is an empty set.
pub(crate) fn limit_set(row: &Row<'_>, i: usize) -> Result<LimitSet, StoreError> {
    own_limits(row, i).map(|own| own.set)
}

/// Reads the column of an organisation's own limits.
pub(crate) fn own_limits(row: &Row<'_>, i: usize) -> Result<OwnLimits, StoreError> {
    match row.get::<Option<String>>(i)? {
        Some(text) => {
            decode(&text).map_err(|why| StoreError::Corrupt(format!("column {i}: {why}")))
        }
        None => Ok(OwnLimits::default()),
    }
}

/// A name that this program does not know is an error: leaving it out would lift a limit.
fn decode(text: &str) -> Result<OwnLimits, String> {
    if text == "{}" {
        return Ok(OwnLimits::default());
    }
    let object: Map<String, Json> = serde_json::from_str(text)
        .map_err(|error| format!("limits are no JSON object: {error}"))?;
    let mut own = OwnLimits::default();
    for (name, value) in object {
        let kind: LimitKind = name.parse().map_err(|_| format!("unknown limit {name}"))?;
        match value {
            Json::Null => own.from_plan.push(kind),
            value => {
                let value = value
                    .as_u64()
                    .ok_or_else(|| format!("limit {name} is no whole number"))?;
                own.set.set(kind, Some(value));
            }
        }
    }
    own.from_plan.sort_unstable();
    Ok(own)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn limits_come_back_as_they_went_in() {
        let own = OwnLimits {
            set: LimitKind::SETTABLE
                .into_iter()
                .skip(3)
                .zip([0, 1, LimitSet::MAX])
                .collect(),
            from_plan: vec![LimitKind::RequestsPerMinute, LimitKind::WordsPerDay],
        };
        assert_eq!(decode(&encode_own(&own)).unwrap(), own);
        assert_eq!(decode(&encode(&own.set)).unwrap().set, own.set);
        assert_eq!(encode(&LimitSet::default()), "{}");
        assert_eq!(decode("{}").unwrap(), OwnLimits::default());
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for text in [
            r#"{"login_attempts":1}"#,
            r#"{"words_per_day":-1}"#,
            r#"{"words_per_day":1.5}"#,
            "[]",
            "",
        ] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}

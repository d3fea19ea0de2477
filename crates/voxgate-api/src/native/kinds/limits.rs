//! Limits and amounts by name.

use serde_json::{Map, Value, json};
use voxgate_domain::{LimitKind, LimitSet, Quantities};

use super::wrong;
use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;
use crate::extract::kinds::Kind;

/// The names of all limits that can be set.
fn limit_names() -> Vec<&'static str> {
    LimitKind::SETTABLE.map(LimitKind::as_str).to_vec()
}

/// Limits by name.
#[derive(Debug, Clone, Copy)]
pub struct Limits;

/// Limits by name: a whole number for each that is to hold.
pub fn limits() -> Limits {
    Limits
}

/// Changes of an organisation's own limits.
#[derive(Debug, Clone, Copy)]
pub struct OwnLimits;

/// An organisation's own limits by name: a whole number, or null for that of its plan.
pub fn own_limits() -> OwnLimits {
    OwnLimits
}

fn read_limits(value: &Value) -> Result<Vec<(LimitKind, Option<u64>)>, Problem> {
    let Value::Object(fields) = value else {
        return Err(Problem::plain(
            "dict_type",
            "Input should be a valid dictionary",
        ));
    };
    fields
        .iter()
        .map(|(name, value)| {
            let kind: LimitKind = name.parse().map_err(|_| {
                wrong(format!(
                    "{name:?} is no limit; use {}",
                    limit_names().join(", ")
                ))
            })?;
            match value {
                Value::Null => Ok((kind, None)),
                value => value
                    .as_u64()
                    .filter(|value| *value <= LimitSet::MAX)
                    .map(|value| (kind, Some(value)))
                    .ok_or_else(|| {
                        wrong(format!(
                            "{name} must be a whole number from 0 to {}",
                            LimitSet::MAX
                        ))
                    }),
            }
        })
        .collect()
}

fn limits_schema(value: &Value) -> Value {
    let properties: Map<String, Value> = limit_names()
        .into_iter()
        .map(|name| (name.to_owned(), value.clone()))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

impl Kind for Limits {
    type Out = LimitSet;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<LimitSet, Problem> {
        let mut set = LimitSet::default();
        for (kind, value) in read_limits(value)? {
            set.set(kind, value);
        }
        Ok(set)
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        limits_schema(&json!({ "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": LimitSet::MAX },
                { "type": "null" },
            ] }))
    }
}

impl Kind for OwnLimits {
    type Out = Vec<(LimitKind, Option<u64>)>;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<Self::Out, Problem> {
        read_limits(value)
    }

    fn schema(&self, options: &DecodeOptions) -> Value {
        Limits.schema(options)
    }
}

/// Amounts by name.
#[derive(Debug, Clone, Copy)]
pub struct Amounts;

/// Amounts by name: characters, words, tokens, milliseconds of audio.
pub fn quantities() -> Amounts {
    Amounts
}

/// The largest amount, in its own unit.
const MAX_AMOUNT: u64 = LimitSet::MAX;

/// Where an amount of this name belongs.
type Place = fn(&mut Quantities) -> &mut u64;

const AMOUNTS: [(&str, Place); 6] = [
    ("characters", |amounts| &mut amounts.characters),
    ("words", |amounts| &mut amounts.words),
    ("tokens_in", |amounts| &mut amounts.tokens_in),
    ("tokens_out", |amounts| &mut amounts.tokens_out),
    ("audio_ms_in", |amounts| &mut amounts.audio_ms_in),
    ("audio_ms_out", |amounts| &mut amounts.audio_ms_out),
];

impl Kind for Amounts {
    type Out = Quantities;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<Quantities, Problem> {
        let Value::Object(fields) = value else {
            return Err(Problem::plain(
                "dict_type",
                "Input should be a valid dictionary",
            ));
        };
        let mut amounts = Quantities::default();
        for (name, value) in fields {
            let (_, place) = AMOUNTS
                .iter()
                .find(|(known, _)| known == name)
                .ok_or_else(|| {
                    let names = AMOUNTS.map(|(name, _)| name).join(", ");
                    wrong(format!("{name:?} is no amount; use {names}"))
                })?;
            *place(&mut amounts) = value
                .as_u64()
                .filter(|value| *value <= MAX_AMOUNT)
                .ok_or_else(|| {
                    wrong(format!(
                        "{name} must be a whole number from 0 to {MAX_AMOUNT}"
                    ))
                })?;
        }
        Ok(amounts)
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        let value = json!({ "type": "integer", "minimum": 0, "maximum": MAX_AMOUNT });
        let properties: Map<String, Value> = AMOUNTS
            .iter()
            .map(|(name, _)| ((*name).to_owned(), value.clone()))
            .collect();
        json!({ "type": "object", "properties": properties, "additionalProperties": false })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::native::kinds::read_for_test as read;

    #[test]
    fn limits_are_named_and_whole() {
        let set = read(
            &limits(),
            &json!({ "words_per_day": 5, "tokens_per_day": null }),
        )
        .unwrap();
        assert_eq!(set.get(LimitKind::WordsPerDay), Some(5));
        assert_eq!(set.iter().count(), 1);
        let own = read(&own_limits(), &json!({ "words_per_day": null })).unwrap();
        assert_eq!(own, [(LimitKind::WordsPerDay, None)]);
        for bad in [
            json!({ "wordsPerDay": 5 }),
            json!({ "login_attempts": 5 }),
            json!({ "words_per_day": -1 }),
            json!({ "words_per_day": "5" }),
            json!({ "words_per_day": 1.5 }),
            json!({ "words_per_day": LimitSet::MAX + 1 }),
            json!([]),
        ] {
            assert!(read(&limits(), &bad).is_err(), "{bad}");
        }
    }
}

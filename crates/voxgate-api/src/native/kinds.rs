//! Kinds of value that only our own API reads: limits by name, services, sets of names, networks, moments, prices.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde_json::{Value, json};
use voxgate_domain::{
    LimitKind, LimitSet, Micros, NameSet, OrgId, Price, PriceUnit, Quantities, Service, ServiceSet,
    Timestamp,
};

use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;
use crate::extract::kinds::Kind;
use crate::extract::uuid as uuid_text;

/// The most names, networks or price lines in one request.
const MAX_ENTRIES: usize = 1000;
/// The longest name of a voice or a model in characters.
const MAX_NAME: usize = 200;

fn wrong(reason: impl Into<String>) -> Problem {
    Problem::value_error(reason)
}

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
    let properties: serde_json::Map<String, Value> = limit_names()
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

/// A list of services.
#[derive(Debug, Clone, Copy)]
pub struct Services;

/// A list of services; it may be empty.
pub fn services() -> Services {
    Services
}

impl Kind for Services {
    type Out = ServiceSet;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<ServiceSet, Problem> {
        let Value::Array(names) = value else {
            return Err(Problem::plain("list_type", "Input should be a valid list"));
        };
        names
            .iter()
            .map(|name| {
                name.as_str()
                    .and_then(|name| name.parse::<Service>().ok())
                    .ok_or_else(|| wrong("use tts, stt, llm, media, agents and admin"))
            })
            .collect()
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        let names = Service::ALL.map(Service::as_str);
        json!({ "type": "array", "items": { "enum": names } })
    }
}

/// All names, or some.
#[derive(Debug, Clone, Copy)]
pub struct Names;

/// `"all"`, or a list of names.
pub fn names() -> Names {
    Names
}

impl Kind for Names {
    type Out = NameSet;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<NameSet, Problem> {
        let problem = || wrong("write \"all\" or a list of names");
        match value {
            Value::String(word) if word == "all" => Ok(NameSet::All),
            Value::Array(names) if names.len() > MAX_ENTRIES => {
                Err(wrong(format!("at most {MAX_ENTRIES} names")))
            }
            Value::Array(names) => names
                .iter()
                .map(|name| {
                    let name = name.as_str().ok_or_else(problem)?;
                    let length = name.chars().count();
                    if length == 0 || length > MAX_NAME || name.chars().any(char::is_control) {
                        return Err(wrong(format!(
                            "a name has 1 to {MAX_NAME} characters and no control characters"
                        )));
                    }
                    Ok(name.to_owned())
                })
                .collect::<Result<BTreeSet<String>, Problem>>()
                .map(NameSet::Only),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_) => Err(problem()),
        }
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        let name = json!({
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_NAME,
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
        });
        json!({ "anyOf": [
            { "const": "all" },
            { "type": "array", "items": name, "maxItems": MAX_ENTRIES },
        ] })
    }
}

/// A list of networks.
#[derive(Debug, Clone, Copy)]
pub struct Networks;

/// A list of addresses and networks; an empty one means anywhere.
pub fn networks() -> Networks {
    Networks
}

/// Reads an address or a network such as `10.0.0.0/8`.
pub fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<std::net::IpAddr>().ok().map(IpNet::from))
}

impl Kind for Networks {
    type Out = Vec<IpNet>;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<Vec<IpNet>, Problem> {
        let Value::Array(entries) = value else {
            return Err(Problem::plain("list_type", "Input should be a valid list"));
        };
        if entries.len() > MAX_ENTRIES {
            return Err(wrong(format!("at most {MAX_ENTRIES} networks")));
        }
        entries
            .iter()
            .map(|entry| {
                entry
                    .as_str()
                    .and_then(network)
                    .ok_or_else(|| wrong("write addresses and networks such as 10.0.0.0/8"))
            })
            .collect()
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "array", "items": { "type": "string" }, "maxItems": MAX_ENTRIES })
    }
}

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

/// Which organisation.
#[derive(Debug, Clone, Copy)]
pub struct OrgName;

/// The id of an organisation, or `current` for the caller's own.
pub fn org_name() -> OrgName {
    OrgName
}

/// An organisation as a path names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgRef {
    /// The caller's own.
    Current,
    /// This one.
    Id(OrgId),
}

impl Kind for OrgName {
    type Out = OrgRef;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<OrgRef, Problem> {
        match value.as_str() {
            Some("current") => Ok(OrgRef::Current),
            Some(text) => uuid_text::parse(text)
                .map(|id| OrgRef::Id(OrgId::from(id)))
                .map_err(|_| wrong("write the id of an organization, or current for your own")),
            None => Err(Problem::plain(
                "string_type",
                "Input should be a valid string",
            )),
        }
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "anyOf": [{ "type": "string", "format": "uuid" }, { "const": "current" }] })
    }
}

/// Lines of a price list.
#[derive(Debug, Clone, Copy)]
pub struct Prices;

/// Lines of a price list: `service`, `model` (null for all without lines of their own), `unit`, `micros`.
pub fn prices() -> Prices {
    Prices
}

/// Reads one line of a price list.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub fn price(line: &Value) -> Result<Price, String> {
    const FIELDS: [&str; 4] = ["service", "model", "unit", "micros"];
    let fields = line
        .as_object()
        .ok_or("a line is an object with service, model, unit and micros")?;
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(format!("a line has no field {unknown:?}"));
    }
    let service = line["service"].as_str().unwrap_or_default();
    let unit = line["unit"].as_str().unwrap_or_default();
    let model = match fields.get("model") {
        None | Some(Value::Null) => None,
        Some(Value::String(name))
            if (1..=MAX_NAME).contains(&name.chars().count())
                && !name.chars().any(char::is_control) =>
        {
            Some(name.clone())
        }
        Some(_) => return Err(format!("model has 1 to {MAX_NAME} characters, or is null")),
    };
    let micros = line["micros"]
        .as_i64()
        .filter(|micros| (0..=Micros::MAX_TRANSFER.get()).contains(micros))
        .ok_or_else(|| {
            format!(
                "micros is a whole number of millionths of a credit from 0 to {}",
                Micros::MAX_TRANSFER.get()
            )
        })?;
    Ok(Price {
        service: service
            .parse::<Service>()
            .map_err(|error| format!("{service:?}: {error}"))?,
        model,
        unit: unit
            .parse::<PriceUnit>()
            .map_err(|error| format!("{unit:?}: {error}"))?,
        micros: Micros::new(micros),
    })
}

impl Kind for Prices {
    type Out = Vec<Price>;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<Vec<Price>, Problem> {
        let Value::Array(lines) = value else {
            return Err(Problem::plain("list_type", "Input should be a valid list"));
        };
        if lines.len() > MAX_ENTRIES {
            return Err(wrong(format!("at most {MAX_ENTRIES} lines")));
        }
        lines
            .iter()
            .enumerate()
            .map(|(at, line)| price(line).map_err(|reason| wrong(format!("line {at}: {reason}"))))
            .collect()
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        let line = json!({
            "type": "object",
            "properties": {
                "service": { "enum": Service::ALL.map(Service::as_str) },
                "model": { "anyOf": [
                    {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MAX_NAME,
                        "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$",
                    },
                    { "type": "null" },
                ] },
                "unit": { "enum": PriceUnit::ALL.map(PriceUnit::as_str) },
                "micros": { "type": "integer", "minimum": 0, "maximum": Micros::MAX_TRANSFER.get() },
            },
            "required": ["service", "unit", "micros"],
            "additionalProperties": false,
        });
        json!({ "type": "array", "items": line, "maxItems": MAX_ENTRIES })
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
        let properties: serde_json::Map<String, Value> = AMOUNTS
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

    fn read<K: Kind>(kind: &K, value: &Value) -> Result<K::Out, String> {
        kind.check(value, &DecodeOptions::default())
            .map_err(|problem| problem.message)
    }

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

    #[test]
    fn sets_of_names_are_all_or_a_list() {
        assert_eq!(read(&names(), &json!("all")).unwrap(), NameSet::All);
        let some = read(&names(), &json!(["b", "a", "b"])).unwrap();
        assert_eq!(some, NameSet::Only(["a".to_owned(), "b".to_owned()].into()));
        for bad in [
            json!("some"),
            json!([1]),
            json!([""]),
            json!(["a\n"]),
            json!({}),
        ] {
            assert!(read(&names(), &bad).is_err(), "{bad}");
        }
        let set = read(&services(), &json!(["admin", "tts", "tts"])).unwrap();
        assert!(set.contains(Service::Admin) && set.contains(Service::Tts));
        assert_eq!(set.iter().count(), 2);
        assert!(read(&services(), &json!(["root"])).is_err());
    }

    #[test]
    fn networks_may_be_single_addresses() {
        let found = read(&networks(), &json!(["10.0.0.0/8", "2001:db8::1"])).unwrap();
        assert_eq!(found[1].to_string(), "2001:db8::1/128");
        assert!(read(&networks(), &json!(["10.0.0.0/33"])).is_err());
        assert!(read(&networks(), &json!(["localhost"])).is_err());
    }

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

    #[test]
    fn price_lines_are_read_whole_or_not_at_all() {
        let line = json!({ "service": "tts", "unit": "character", "micros": 15 });
        let read = price(&line).unwrap();
        assert_eq!((read.model, read.micros), (None, Micros::new(15)));
        for (change, word) in [
            (json!({ "service": "x" }), "unknown service"),
            (json!({ "unit": "x" }), "unknown unit"),
            (json!({ "micros": -1 }), "micros"),
            (json!({ "micros": 0.5 }), "micros"),
            (json!({ "model": "" }), "model"),
            (json!({ "currency": "EUR" }), "no field"),
        ] {
            let mut line = line.clone();
            for (name, value) in change.as_object().unwrap() {
                line[name] = value.clone();
            }
            let reason = price(&line).unwrap_err();
            assert!(reason.contains(word), "{line}: {reason}");
        }
    }

    #[test]
    fn an_organisation_is_an_id_or_the_own_one() {
        let id = OrgId::generate();
        assert_eq!(
            read(&org_name(), &json!(id.to_string())).unwrap(),
            OrgRef::Id(id)
        );
        assert_eq!(
            read(&org_name(), &json!("current")).unwrap(),
            OrgRef::Current
        );
        assert!(read(&org_name(), &json!("mine")).is_err());
    }
}

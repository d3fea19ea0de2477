//! Price lists.

use serde_json::{Value, json};
use voxgate_domain::{Micros, Price, PriceUnit, Service};

use super::{MAX_ENTRIES, MAX_NAME, wrong};
use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;
use crate::extract::kinds::Kind;

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
}

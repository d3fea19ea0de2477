//! Kinds with a short list of values, and the one that takes any object.

use serde_json::{Map, Value, json};

use super::Kind;
use super::number::whole_number;
use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;

/// A truth value.
#[derive(Debug, Clone, Copy)]
pub struct Flag;

/// A truth value: `true`, `false`, or one of the words people write for them.
pub fn flag() -> Flag {
    Flag
}

const YES: [&str; 6] = ["1", "on", "t", "true", "y", "yes"];
const NO: [&str; 6] = ["0", "f", "false", "n", "no", "off"];

impl Kind for Flag {
    type Out = bool;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<bool, Problem> {
        let unclear = || {
            Problem::plain(
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input",
            )
        };
        match value {
            Value::Bool(found) => Ok(*found),
            Value::Number(found) => match found.as_f64() {
                Some(1.0) => Ok(true),
                Some(0.0) => Ok(false),
                Some(_) | None => Err(unclear()),
            },
            Value::String(found) => {
                let word = found.to_ascii_lowercase();
                if YES.contains(&word.as_str()) {
                    Ok(true)
                } else if NO.contains(&word.as_str()) {
                    Ok(false)
                } else {
                    Err(unclear())
                }
            }
            Value::Null | Value::Array(_) | Value::Object(_) => Err(Problem::plain(
                "bool_type",
                "Input should be a valid boolean",
            )),
        }
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        let words: Vec<&str> = YES.into_iter().chain(NO).collect();
        json!({ "anyOf": [{ "type": "boolean" }, { "enum": words }, { "enum": [0, 1] }] })
    }

    fn text_schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "boolean" })
    }
}

/// One of a few words.
#[derive(Debug, Clone, Copy)]
pub struct Choice(&'static [&'static str]);

/// One of these words.
pub fn one_of(words: &'static [&'static str]) -> Choice {
    Choice(words)
}

impl Kind for Choice {
    type Out = &'static str;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<&'static str, Problem> {
        self.0
            .iter()
            .find(|word| value == **word)
            .copied()
            .ok_or_else(|| {
                let quoted: Vec<String> = self.0.iter().map(|word| format!("'{word}'")).collect();
                not_a_member(&quoted)
            })
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "string", "enum": self.0 })
    }
}

/// One of a few whole numbers, which may arrive as text.
#[derive(Debug, Clone, Copy)]
pub struct NumberChoice(&'static [u32]);

/// One of these whole numbers.
pub fn one_of_numbers(numbers: &'static [u32]) -> NumberChoice {
    NumberChoice(numbers)
}

impl Kind for NumberChoice {
    type Out = u32;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<u32, Problem> {
        let found = whole_number(value)?;
        self.0
            .iter()
            .find(|number| i128::from(**number) == found)
            .copied()
            .ok_or_else(|| {
                let names: Vec<String> = self.0.iter().map(u32::to_string).collect();
                not_a_member(&names)
            })
    }

    fn schema(&self, options: &DecodeOptions) -> Value {
        let names: Vec<String> = self.0.iter().map(u32::to_string).collect();
        json!({ "anyOf": [
            self.text_schema(options),
            { "type": "string", "enum": names, "description": "the number as text" },
        ] })
    }

    fn text_schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "integer", "enum": self.0 })
    }
}

/// `a`, `a or b`, `a, b or c`.
fn not_a_member(names: &[String]) -> Problem {
    let expected = match names {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    };
    Problem::with(
        "enum",
        format!("Input should be {expected}"),
        json!({ "expected": expected }),
    )
}

/// A JSON object whose keys are the caller's own.
#[derive(Debug, Clone, Copy)]
pub struct FreeObject;

/// A JSON object whose keys are the caller's own.
pub fn object() -> FreeObject {
    FreeObject
}

impl Kind for FreeObject {
    type Out = Map<String, Value>;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<Map<String, Value>, Problem> {
        let Value::Object(found) = value else {
            return Err(Problem::plain(
                "dict_type",
                "Input should be a valid dictionary",
            ));
        };
        Ok(found.clone())
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "object", "additionalProperties": true })
    }
}

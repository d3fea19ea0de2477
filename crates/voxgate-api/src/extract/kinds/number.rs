//! Kinds that are numbers, read as leniently as pydantic reads them.

use serde_json::{Value, json};

use super::Kind;
use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;

/// A whole number between two bounds, both included.
#[derive(Debug, Clone, Copy)]
pub struct Int {
    ge: i64,
    le: i64,
}

/// A whole number from `ge` to `le`.
pub fn int(ge: i64, le: i64) -> Int {
    Int { ge, le }
}

impl Kind for Int {
    type Out = i64;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<i64, Problem> {
        let found = whole_number(value)?;
        if found < i128::from(self.ge) {
            return Err(Problem::with(
                "greater_than_equal",
                format!("Input should be greater than or equal to {}", self.ge),
                json!({ "ge": self.ge }),
            ));
        }
        match i64::try_from(found) {
            Ok(number) if number <= self.le => Ok(number),
            _ => Err(Problem::with(
                "less_than_equal",
                format!("Input should be less than or equal to {}", self.le),
                json!({ "le": self.le }),
            )),
        }
    }

    fn schema(&self, options: &DecodeOptions) -> Value {
        let digits = self.le.checked_ilog10().unwrap_or(0).max(1);
        let pattern = format!("^[0-9]{{1,{digits}}}$");
        let mut forms = vec![
            self.text_schema(options),
            json!({ "type": "string", "pattern": pattern, "description": "the number as text" }),
        ];
        if self.ge <= 0 && self.le >= 1 {
            forms.push(json!({ "type": "boolean", "description": "read as 0 or 1" }));
        }
        json!({ "anyOf": forms })
    }

    fn text_schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "integer", "minimum": self.ge, "maximum": self.le })
    }
}

/// Reads a whole number as pydantic does: numbers, digits as text, `true` and `false`.
pub(super) fn whole_number(value: &Value) -> Result<i128, Problem> {
    match value {
        Value::Bool(found) => Ok(i128::from(*found)),
        Value::Number(found) => {
            if let Some(whole) = found.as_i64() {
                return Ok(i128::from(whole));
            }
            if let Some(whole) = found.as_u64() {
                return Ok(i128::from(whole));
            }
            let real = found.as_f64().unwrap_or(f64::NAN);
            if !real.is_finite() {
                return Err(Problem::plain(
                    "finite_number",
                    "Input should be a finite number",
                ));
            }
            if real.fract() != 0.0 {
                return Err(Problem::plain(
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part",
                ));
            }
            // A cast from float saturates, which is all that the comparison with the bounds needs.
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            Ok(real as i128)
        }
        Value::String(found) => parse_digits(found).ok_or_else(|| {
            Problem::plain(
                "int_parsing",
                "Input should be a valid integer, unable to parse string as an integer",
            )
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => Err(Problem::plain(
            "int_type",
            "Input should be a valid integer",
        )),
    }
}

/// Digits with an optional sign, single underscores between digits, and a fraction of zeros.
fn parse_digits(text: &str) -> Option<i128> {
    let trimmed = text.trim();
    let (negative, unsigned) = match trimmed.as_bytes().first()? {
        b'-' => (true, &trimmed[1..]),
        b'+' => (false, &trimmed[1..]),
        _ => (false, trimmed),
    };
    let whole = match unsigned.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => unsigned,
    };
    let parts = whole.split('_');
    if parts
        .clone()
        .any(|part| part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    let number = parts.flat_map(str::bytes).fold(0_i128, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(i128::from(digit - b'0'))
    });
    Some(if negative { -number } else { number })
}

/// A number between two bounds, both included.
#[derive(Debug, Clone, Copy)]
pub struct Real {
    ge: f64,
    le: f64,
}

/// A number from `ge` to `le`.
pub fn real(ge: f64, le: f64) -> Real {
    Real { ge, le }
}

impl Kind for Real {
    type Out = f64;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<f64, Problem> {
        let found = match value {
            Value::Bool(found) => f64::from(u8::from(*found)),
            Value::Number(found) => found.as_f64().unwrap_or(f64::NAN),
            Value::String(found) => found.trim().parse().map_err(|_| {
                Problem::plain(
                    "float_parsing",
                    "Input should be a valid number, unable to parse string as a number",
                )
            })?,
            Value::Null | Value::Array(_) | Value::Object(_) => {
                return Err(Problem::plain(
                    "float_type",
                    "Input should be a valid number",
                ));
            }
        };
        if !found.is_finite() {
            return Err(Problem::plain(
                "finite_number",
                "Input should be a finite number",
            ));
        }
        if found < self.ge {
            return Err(Problem::with(
                "greater_than_equal",
                format!("Input should be greater than or equal to {}", self.ge),
                json!({ "ge": self.ge }),
            ));
        }
        if found > self.le {
            return Err(Problem::with(
                "less_than_equal",
                format!("Input should be less than or equal to {}", self.le),
                json!({ "le": self.le }),
            ));
        }
        Ok(found)
    }

    fn schema(&self, options: &DecodeOptions) -> Value {
        json!({ "anyOf": [
            self.text_schema(options),
            { "type": "string", "pattern": r"^1(\.0{1,3})?$", "description": "the number as text" },
            { "const": true, "description": "read as 1" },
        ] })
    }

    fn text_schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "number", "minimum": self.ge, "maximum": self.le })
    }
}

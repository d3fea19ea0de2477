//! One reason why a request was not understood, in the shape FastAPI gives it on the wire.
//!
//! Owns the item of the 422 list and its key order. Does not decide what is wrong: the kinds in
//! [`super::kinds`] and the readers in [`super::reader`] do.

use serde_json::{Map, Value, json};

/// Where in the request a fault lies: a field name, or a character offset for malformed JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A part of the request (`body`, `query`, `path`) or a field of it.
    Name(&'static str),
    /// A field that is not declared, by the name the client gave it.
    Unknown(String),
    /// Characters from the start of the body, counted from zero.
    Offset(usize),
}

/// What is wrong with one value, before it is known which field the value came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Machine name of the fault, such as `string_too_short`.
    pub kind: &'static str,
    /// The sentence a person reads.
    pub message: String,
    /// The figures behind the sentence, where the fault has any.
    pub context: Option<Value>,
}

impl Problem {
    /// A problem without context.
    pub fn plain(kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            context: None,
        }
    }

    /// A problem with context, which must be a JSON object.
    pub fn with(kind: &'static str, message: impl Into<String>, context: Value) -> Self {
        Self {
            kind,
            message: message.into(),
            context: Some(context),
        }
    }

    /// The value is absent though the field needs one.
    pub fn missing() -> Self {
        Self::plain("missing", "Field required")
    }

    /// A rule of ours that pydantic has no kind for, worded the way its custom validators are.
    pub fn value_error(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::with(
            "value_error",
            format!("Value error, {reason}"),
            json!({ "error": {} }),
        )
    }
}

/// One item of the 422 list.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Path to the value, outermost first.
    pub location: Vec<Place>,
    /// What is wrong with it.
    pub problem: Problem,
    /// The value as it was received.
    pub input: Value,
}

impl Fault {
    /// The wire form; keys in the order `type`, `loc`, `msg`, `input`, and `ctx` only where there is one.
    pub fn to_json(&self) -> Value {
        let mut item = Map::new();
        item.insert("type".to_owned(), self.problem.kind.into());
        let location: Vec<Value> = self
            .location
            .iter()
            .map(|place| match place {
                Place::Name(name) => Value::from(*name),
                Place::Unknown(name) => Value::from(name.as_str()),
                Place::Offset(offset) => Value::from(*offset),
            })
            .collect();
        item.insert("loc".to_owned(), location.into());
        item.insert("msg".to_owned(), self.problem.message.clone().into());
        item.insert("input".to_owned(), self.input.clone());
        if let Some(context) = &self.problem.context {
            item.insert("ctx".to_owned(), context.clone());
        }
        Value::Object(item)
    }
}

/// The whole body of a 422.
pub fn to_body(faults: &[Fault]) -> Value {
    json!({ "detail": faults.iter().map(Fault::to_json).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order_and_context_is_left_out_when_empty() {
        let fault = Fault {
            location: vec![Place::Name("body"), Place::Name("email")],
            problem: Problem::missing(),
            input: Value::Null,
        };
        assert_eq!(
            to_body(&[fault]).to_string(),
            r#"{"detail":[{"type":"missing","loc":["body","email"],"msg":"Field required","input":null}]}"#
        );
    }
}

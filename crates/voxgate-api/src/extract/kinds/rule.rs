//! Whether a field may be left out, and what that means.

use serde_json::{Value, json};
use voxgate_domain::Patch;

use super::Kind;
use crate::extract::DecodeOptions;
use crate::extract::fault::Problem;

/// How a field may be left out; built by [`required`], [`optional`], [`defaulted`] and [`patch`].
pub trait Rule {
    /// What the field is once read.
    type Out;

    /// Reads the field from what was found under its name.
    ///
    /// # Errors
    /// What is wrong with it.
    fn read(&self, found: Option<&Value>, options: &DecodeOptions) -> Result<Self::Out, Problem>;

    /// Whether leaving the field out is an error.
    fn is_required(&self) -> bool;

    /// Schema of the field; `as_text` where values arrive as text.
    fn schema(&self, options: &DecodeOptions, as_text: bool) -> Value;
}

fn kind_schema<K: Kind>(kind: &K, options: &DecodeOptions, as_text: bool) -> Value {
    if as_text {
        kind.text_schema(options)
    } else {
        kind.schema(options)
    }
}

fn nullable(schema: Value, as_text: bool) -> Value {
    if as_text {
        return schema;
    }
    match schema {
        Value::Object(mut inner) if inner.len() == 1 && inner.contains_key("anyOf") => {
            if let Some(Value::Array(choices)) = inner.get_mut("anyOf") {
                choices.push(json!({ "type": "null" }));
            }
            Value::Object(inner)
        }
        schema => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

/// See [`required`].
#[derive(Debug, Clone)]
pub struct Required<K>(K);

/// The field must be there.
pub fn required<K: Kind>(kind: K) -> Required<K> {
    Required(kind)
}

impl<K: Kind> Rule for Required<K> {
    type Out = K::Out;

    fn read(&self, found: Option<&Value>, options: &DecodeOptions) -> Result<K::Out, Problem> {
        self.0.check(found.ok_or_else(Problem::missing)?, options)
    }

    fn is_required(&self) -> bool {
        true
    }

    fn schema(&self, options: &DecodeOptions, as_text: bool) -> Value {
        kind_schema(&self.0, options, as_text)
    }
}

/// See [`optional`].
#[derive(Debug, Clone)]
pub struct Optional<K>(K);

/// The field may be absent or null; both mean that nothing was said.
pub fn optional<K: Kind>(kind: K) -> Optional<K> {
    Optional(kind)
}

impl<K: Kind> Rule for Optional<K> {
    type Out = Option<K::Out>;

    fn read(
        &self,
        found: Option<&Value>,
        options: &DecodeOptions,
    ) -> Result<Option<K::Out>, Problem> {
        found
            .filter(|value| !value.is_null())
            .map(|value| self.0.check(value, options))
            .transpose()
    }

    fn is_required(&self) -> bool {
        false
    }

    fn schema(&self, options: &DecodeOptions, as_text: bool) -> Value {
        nullable(kind_schema(&self.0, options, as_text), as_text)
    }
}

/// See [`defaulted`].
#[derive(Debug, Clone)]
pub struct Defaulted<K, D>(K, D);

/// The field may be absent or null; both mean `default`, which must be a value the kind accepts.
pub fn defaulted<K: Kind, D: Into<Value> + Clone>(kind: K, default: D) -> Defaulted<K, D> {
    Defaulted(kind, default)
}

impl<K: Kind, D: Into<Value> + Clone> Rule for Defaulted<K, D> {
    type Out = K::Out;

    fn read(&self, found: Option<&Value>, options: &DecodeOptions) -> Result<K::Out, Problem> {
        match found {
            Some(value) if !value.is_null() => self.0.check(value, options),
            Some(_) | None => self.0.check(&self.1.clone().into(), options),
        }
    }

    fn is_required(&self) -> bool {
        false
    }

    fn schema(&self, options: &DecodeOptions, as_text: bool) -> Value {
        let mut schema = nullable(kind_schema(&self.0, options, as_text), as_text);
        schema["default"] = self.1.clone().into();
        schema
    }
}

/// See [`patch`].
#[derive(Debug, Clone)]
pub struct Patched<K>(K);

/// Absent, null and a value mean three different things.
pub fn patch<K: Kind>(kind: K) -> Patched<K> {
    Patched(kind)
}

impl<K: Kind> Rule for Patched<K> {
    type Out = Patch<K::Out>;

    fn read(
        &self,
        found: Option<&Value>,
        options: &DecodeOptions,
    ) -> Result<Patch<K::Out>, Problem> {
        match found {
            None => Ok(Patch::Keep),
            Some(Value::Null) => Ok(Patch::Clear),
            Some(value) => self.0.check(value, options).map(Patch::Set),
        }
    }

    fn is_required(&self) -> bool {
        false
    }

    fn schema(&self, options: &DecodeOptions, as_text: bool) -> Value {
        nullable(kind_schema(&self.0, options, as_text), as_text)
    }
}

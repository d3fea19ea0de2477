//! What responses look like: serialisation and published schema from one declaration.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The `components.schemas` of the document while it is being built.
#[derive(Debug, Default)]
pub struct Components {
    schemas: BTreeMap<String, Value>,
}

impl Components {
    /// Defines a schema once and answers a reference to it.
    pub fn define(&mut self, name: &str, build: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.schemas.contains_key(name) {
            // Reserved first, so that a type that contains itself ends.
            self.schemas.insert(name.to_owned(), Value::Null);
            let schema = build(self);
            self.schemas.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// Everything defined, by name.
    pub fn into_schemas(self) -> Map<String, Value> {
        self.schemas.into_iter().collect()
    }
}

/// A type that appears in responses and can say what it looks like.
pub trait Shown {
    /// Its schema, or a reference to it.
    fn schema(components: &mut Components) -> Value;
}

macro_rules! plain {
    ($($type:ty => $schema:tt;)*) => {$(
        impl Shown for $type {
            fn schema(_: &mut Components) -> Value {
                json!($schema)
            }
        }
    )*};
}

plain! {
    String => { "type": "string" };
    &'static str => { "type": "string" };
    bool => { "type": "boolean" };
    u32 => { "type": "integer", "minimum": 0 };
    u64 => { "type": "integer", "minimum": 0 };
    i64 => { "type": "integer" };
    f64 => { "type": "number" };
    uuid::Uuid => { "type": "string", "format": "uuid" };
    Instant => { "type": "string", "format": "date-time" };
    Revealed => { "type": "string" };
    Map<String, Value> => { "type": "object", "additionalProperties": true };
}

impl<T: Shown> Shown for Option<T> {
    fn schema(components: &mut Components) -> Value {
        json!({ "anyOf": [T::schema(components), { "type": "null" }] })
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn schema(components: &mut Components) -> Value {
        json!({ "type": "array", "items": T::schema(components) })
    }
}

/// A moment on the wire: ISO 8601 in UTC with milliseconds and `Z`.
#[derive(Debug, Clone, Copy)]
pub struct Instant(pub voxgate_domain::Timestamp);

impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_iso_millis())
    }
}

impl From<voxgate_domain::Timestamp> for Instant {
    fn from(moment: voxgate_domain::Timestamp) -> Self {
        Self(moment)
    }
}

/// A secret that this one answer reveals. Nothing but the answer's body shows it.
#[derive(Debug)]
pub struct Revealed(pub secrecy::SecretString);

impl serde::Serialize for Revealed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secrecy::ExposeSecret::expose_secret(&self.0))
    }
}

/// Declares a response type: the struct, its JSON form (fields in order) and its schema.
macro_rules! output {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])* $field:ident : $type:ty, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, serde::Serialize)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $field: $type, )*
        }

        impl $crate::output::Shown for $name {
            fn schema(components: &mut $crate::output::Components) -> serde_json::Value {
                components.define(stringify!($name), |components| {
                    let mut properties = serde_json::Map::new();
                    let mut required: Vec<&str> = Vec::new();
                    $(
                        let schema = <$type as $crate::output::Shown>::schema(components);
                        properties.insert(
                            stringify!($field).to_owned(),
                            $crate::output::described(schema, concat!($($doc),*)),
                        );
                        required.push(stringify!($field));
                    )*
                    serde_json::json!({
                        "type": "object",
                        "title": stringify!($name),
                        "properties": properties,
                        "required": required,
                    })
                })
            }
        }
    };
}
pub(crate) use output;

/// Adds a description to a schema; references stay beside it, as OpenAPI 3.1 allows.
pub fn described(mut schema: Value, description: &str) -> Value {
    if let Some(object) = schema.as_object_mut()
        && !object.contains_key("description")
    {
        object.insert("description".to_owned(), description.trim().into());
    }
    schema
}

//! Turns the parts of a request into typed values, or into the list of everything that is wrong with them.
//!
//! Each part is declared once, with the `input!` macro; the decoder and the published schema both come from
//! that declaration. Nothing here knows an endpoint, a service or a database.

pub mod body;
pub mod fault;
pub mod json_error;
pub mod kinds;
pub mod page;
pub mod principal;
pub mod reader;
pub mod uuid;

pub use body::{ReadError, Received};
pub use fault::{Fault, Problem};
pub(crate) use reader::input;
pub use reader::{FieldDoc, Input, Nothing, Reader, Style};

use serde_json::{Map, Value};
use voxgate_domain::{EmailPolicy, PasswordPolicy};

/// What of the decoding varies between deployments.
#[derive(Debug, Clone, Copy)]
pub struct DecodeOptions {
    /// Which e-mail addresses are accepted.
    pub email: EmailPolicy,
    /// The rule for new passwords, as the document states it; the identity service enforces it.
    pub password: PasswordPolicy,
    /// Longest text to be spoken, in Unicode scalar values.
    pub max_text_characters: usize,
}

impl Default for DecodeOptions {
    /// Public mail domains only, the usual password rule, 5,000 characters.
    fn default() -> Self {
        Self {
            email: EmailPolicy::default(),
            password: PasswordPolicy::default(),
            max_text_characters: 5000,
        }
    }
}

/// Reads a query string; of a repeated key the last value counts.
pub fn read_query<Q: Input>(query: Option<&str>, options: &DecodeOptions) -> Result<Q, Vec<Fault>> {
    let values: Map<String, Value> =
        url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
    read_part("query", &values, options)
}

/// Reads the captured segments of a path.
pub fn read_path<P: Input>(
    segments: &Map<String, Value>,
    options: &DecodeOptions,
) -> Result<P, Vec<Fault>> {
    read_part("path", segments, options)
}

fn read_part<I: Input>(
    part: &'static str,
    values: &Map<String, Value>,
    options: &DecodeOptions,
) -> Result<I, Vec<Fault>> {
    let mut reader = Reader::new(part, I::STYLE, Some(values), options);
    let read = I::read(&mut reader);
    read.ok_or_else(|| reader.into_faults())
}

/// Reads a body that has already been taken apart by content type.
pub fn read_body<B: Input>(received: &Received, options: &DecodeOptions) -> Result<B, Vec<Fault>> {
    let nothing = Map::new();
    let values = match (received, B::STYLE) {
        (Received::Nothing, Style::Strict) => Some(&nothing),
        (Received::Form(values), Style::Form | Style::ModelOrForm | Style::EmbeddedOrForm) => {
            Some(values)
        }
        (Received::Json(Value::Object(values)), style) if style != Style::Form => Some(values),
        _ => None,
    };
    let mut reader = Reader::new("body", B::STYLE, values, options);
    if values.is_none() && matches!(B::STYLE, Style::Model | Style::Strict | Style::ModelOrForm) {
        match received {
            // Nothing at all, and an explicit null, are both "missing".
            Received::Nothing | Received::Json(Value::Null) => {
                reader.fail(Problem::missing(), Value::Null)
            }
            Received::Json(other) => reader.fail(reader::not_an_object(), other.clone()),
            Received::Text(raw) => reader.fail(reader::not_an_object(), Value::String(raw.clone())),
            Received::Form(fields) => {
                let raw: String = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(pairs(fields))
                    .finish();
                reader.fail(reader::not_an_object(), Value::String(raw));
            }
        }
        return Err(reader.into_faults());
    }
    let read = B::read(&mut reader);
    if B::STYLE == Style::Strict {
        reader.refuse_unknown(&B::fields(options));
    }
    let faults = reader.into_faults();
    read.filter(|_| faults.is_empty()).ok_or(faults)
}

fn pairs(fields: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
}

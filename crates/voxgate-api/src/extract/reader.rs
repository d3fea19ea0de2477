//! Reads one part of a request field by field and keeps going after a fault, so that the answer names
//! every bad field in declaration order.

use serde_json::{Map, Value, json};

use super::DecodeOptions;
use super::fault::{Fault, Place, Problem};
use super::kinds::Rule;

/// How a body is declared, which decides what counts as missing and what the `input` of a missing field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// There is nothing to read.
    None,
    /// Query or path: every value arrives as text.
    Text,
    /// A JSON object; a missing field echoes the whole object.
    Model,
    /// A JSON object that may hold no field but the declared ones, so that nothing is taken for set that was not read.
    /// No body at all is an empty object.
    Strict,
    /// Single fields declared one by one in a JSON object; a missing field echoes null, and null is missing.
    Embedded,
    /// As [`Style::Embedded`], or the same fields of a form.
    EmbeddedOrForm,
    /// A form, urlencoded or multipart.
    Form,
    /// A JSON object or a form, by content type; missing fields as in [`Style::Model`].
    ModelOrForm,
}

impl Style {
    /// Whether values arrive as text, so that the document describes them without JSON's leniency.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Form)
    }
}

/// One field as the published document shows it.
#[derive(Debug, Clone)]
pub struct FieldDoc {
    /// The name on the wire.
    pub name: &'static str,
    /// What the field means.
    pub description: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// Its schema.
    pub schema: Value,
}

impl FieldDoc {
    /// Describes a field from the rule that reads it.
    pub fn of(
        name: &'static str,
        description: &'static str,
        rule: &impl Rule,
        options: &DecodeOptions,
        style: Style,
    ) -> Self {
        Self {
            name,
            description: description.trim(),
            required: rule.is_required(),
            schema: rule.schema(options, style.is_text()),
        }
    }
}

/// One part of a request whose fields are declared; made by the `input!` macro.
pub trait Input: Sized + Send + 'static {
    /// Name of the schema in the published document.
    const NAME: &'static str;
    /// How the part arrives.
    const STYLE: Style;

    /// The fields in declaration order.
    fn fields(options: &DecodeOptions) -> Vec<FieldDoc>;

    /// Reads every field; `None` where the reader noted a fault.
    fn read(reader: &mut Reader<'_>) -> Option<Self>;
}

/// A part that is not there.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Input for Nothing {
    const NAME: &'static str = "";
    const STYLE: Style = Style::None;

    fn fields(_: &DecodeOptions) -> Vec<FieldDoc> {
        Vec::new()
    }

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }
}

/// Reads fields of one part and notes what is wrong with them.
#[derive(Debug)]
pub struct Reader<'a> {
    part: &'static str,
    style: Style,
    values: Option<&'a Map<String, Value>>,
    options: &'a DecodeOptions,
    faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// A reader of `part` (`body`, `query`, `path`); `values` is `None` where there is no usable object at all.
    pub fn new(
        part: &'static str,
        style: Style,
        values: Option<&'a Map<String, Value>>,
        options: &'a DecodeOptions,
    ) -> Self {
        Self {
            part,
            style,
            values,
            options,
            faults: Vec::new(),
        }
    }

    /// Reads one field; `None` after noting a fault.
    pub fn field<R: Rule>(&mut self, name: &'static str, rule: &R) -> Option<R::Out> {
        let mut found = self.values.and_then(|values| values.get(name));
        if matches!(self.style, Style::Embedded | Style::EmbeddedOrForm) {
            found = found.filter(|value| !value.is_null());
        }
        match rule.read(found, self.options) {
            Ok(value) => Some(value),
            Err(problem) => {
                let input = match found {
                    Some(value) => value.clone(),
                    None => self.input_of_missing(),
                };
                self.faults.push(Fault {
                    location: vec![Place::Name(self.part), Place::Name(name)],
                    problem,
                    input,
                });
                None
            }
        }
    }

    fn input_of_missing(&self) -> Value {
        match (self.style, self.values) {
            (Style::Model | Style::Strict | Style::ModelOrForm, Some(values)) => {
                Value::Object(values.clone())
            }
            _ => Value::Null,
        }
    }

    /// Notes a fault of the part as a whole.
    pub fn fail(&mut self, problem: Problem, input: Value) {
        self.faults.push(Fault {
            location: vec![Place::Name(self.part)],
            problem,
            input,
        });
    }

    /// Notes every field that is none of `declared`.
    pub fn refuse_unknown(&mut self, declared: &[FieldDoc]) {
        for (name, value) in self.values.into_iter().flatten() {
            if !declared.iter().any(|field| field.name == name) {
                self.faults.push(Fault {
                    location: vec![Place::Name(self.part), Place::Unknown(name.clone())],
                    problem: Problem::plain("extra_forbidden", "Extra inputs are not permitted"),
                    input: value.clone(),
                });
            }
        }
    }

    /// What was noted.
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }
}

/// The fault of a body that is not a JSON object.
pub fn not_an_object() -> Problem {
    Problem::plain(
        "model_attributes_type",
        "Input should be a valid dictionary or object to extract fields from",
    )
}

/// The fault of a body that is not JSON; `offset` counts characters.
pub fn not_json(message: &str, offset: usize) -> Fault {
    Fault {
        location: vec![Place::Name("body"), Place::Offset(offset)],
        problem: Problem::with(
            "json_invalid",
            "JSON decode error",
            json!({ "error": message }),
        ),
        input: json!({}),
    }
}

/// Declares one part of a request: the struct, its decoder and its schema from one list of fields.
///
/// ```text
/// input! {
///     /// Query of a list.
///     pub struct Paging as "Paging", Style::Text {
///         /// Entries to return.
///         limit: i64 = defaulted(int(1, 100), 50),
///     }
/// }
/// ```
macro_rules! input {
    (
        $(#[$meta:meta])*
        pub struct $name:ident as $schema:literal, $style:expr; {
            $( $(#[doc = $doc:literal])* $field:ident : $type:ty = $rule:expr, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $field: $type, )*
        }

        impl $crate::extract::Input for $name {
            const NAME: &'static str = $schema;
            const STYLE: $crate::extract::Style = $style;

            fn fields(options: &$crate::extract::DecodeOptions) -> Vec<$crate::extract::FieldDoc> {
                vec![ $( $crate::extract::FieldDoc::of(
                    stringify!($field), concat!($($doc),*), &$rule, options, $style,
                ), )* ]
            }

            fn read(reader: &mut $crate::extract::Reader<'_>) -> Option<Self> {
                // Every field is read before any is given up on: the answer lists all faults.
                // A tuple first, because a field may be named like the function that makes its rule.
                let fields = ( $( reader.field(stringify!($field), &$rule), )* );
                let ( $( $field, )* ) = fields;
                Some(Self { $( $field: $field?, )* })
            }
        }
    };
}
pub(crate) use input;

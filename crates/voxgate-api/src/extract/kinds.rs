//! Kinds of value: what each accepts, how it words a refusal, and how the published document describes it.
//!
//! One type per kind, so that the decoder and the OpenAPI schema cannot drift apart. Leniency is that of
//! pydantic's default mode: whole numbers and truth values may arrive as text, text must be text.

use serde_json::{Map, Value, json};
use uuid::Uuid;
use voxgate_domain::{EmailAddress, Patch};

use super::fault::Problem;
use super::{DecodeOptions, uuid as uuid_text};

/// A kind of value.
pub trait Kind {
    /// What the value is once read.
    type Out;

    /// Reads the value.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, value: &Value, options: &DecodeOptions) -> Result<Self::Out, Problem>;

    /// The JSON schema of exactly the values [`Kind::check`] accepts inside a JSON body.
    fn schema(&self, options: &DecodeOptions) -> Value;

    /// The schema where every value arrives as text (query, path, form); the same unless leniency differs.
    fn text_schema(&self, options: &DecodeOptions) -> Value {
        self.schema(options)
    }
}

/// Text, its length counted in Unicode scalar values.
#[derive(Debug, Clone, Default)]
pub struct Text {
    min: Option<usize>,
    max: Option<usize>,
    exactly: Option<&'static str>,
    format: Option<&'static str>,
    any_character: bool,
    visible: bool,
    one_line: bool,
}

/// Text without a length rule. U+0000 is refused: one of the two databases cannot hold it.
pub fn text() -> Text {
    Text::default()
}

/// Text that may be long and is never stored, such as a text to be spoken or a password: any character goes.
pub fn free_text() -> Text {
    Text {
        any_character: true,
        ..Text::default()
    }
}

/// A password: any character, marked so that documentation pages hide it.
pub fn password() -> Text {
    Text {
        any_character: true,
        format: Some("password"),
        ..Text::default()
    }
}

/// A password to be set: any text here, because the service judges it and answers with a code of its own. The
/// document names the rule all the same.
#[derive(Debug, Clone, Copy)]
pub struct NewPassword;

/// A password to be set.
pub fn new_password() -> NewPassword {
    NewPassword
}

impl Kind for NewPassword {
    type Out = String;

    fn check(&self, value: &Value, options: &DecodeOptions) -> Result<String, Problem> {
        password().check(value, options)
    }

    fn schema(&self, options: &DecodeOptions) -> Value {
        let rule = options.password;
        password()
            .min(rule.min_characters)
            .max(rule.max_characters)
            .schema(options)
    }
}

impl Text {
    /// At least `count` characters.
    pub fn min(mut self, count: usize) -> Self {
        self.min = Some(count);
        self
    }

    /// At most `count` characters.
    pub fn max(mut self, count: usize) -> Self {
        self.max = Some(count);
        self
    }

    /// Without control characters, as names are.
    pub fn one_line(mut self) -> Self {
        self.one_line = true;
        self
    }

    /// Not only blanks.
    pub fn visible(mut self) -> Self {
        self.visible = true;
        self
    }

    /// Exactly this word, refused in the words of a regular expression as the reference does.
    pub fn exactly(mut self, word: &'static str) -> Self {
        self.exactly = Some(word);
        self
    }
}

fn characters(count: usize) -> String {
    format!("{count} character{}", if count == 1 { "" } else { "s" })
}

impl Kind for Text {
    type Out = String;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<String, Problem> {
        let Value::String(found) = value else {
            return Err(Problem::plain(
                "string_type",
                "Input should be a valid string",
            ));
        };
        let length = found.chars().count();
        if let Some(min) = self.min.filter(|min| length < *min) {
            return Err(Problem::with(
                "string_too_short",
                format!("String should have at least {}", characters(min)),
                json!({ "min_length": min }),
            ));
        }
        if let Some(max) = self.max.filter(|max| length > *max) {
            return Err(Problem::with(
                "string_too_long",
                format!("String should have at most {}", characters(max)),
                json!({ "max_length": max }),
            ));
        }
        if let Some(word) = self.exactly.filter(|word| found != word) {
            let pattern = format!("^{word}$");
            return Err(Problem::with(
                "string_pattern_mismatch",
                format!("String should match pattern '{pattern}'"),
                json!({ "pattern": pattern }),
            ));
        }
        if !self.any_character && found.contains('\0') {
            return Err(Problem::value_error("the character U+0000 is not allowed"));
        }
        if self.one_line && found.chars().any(char::is_control) {
            return Err(Problem::value_error("must not contain control characters"));
        }
        if self.visible && found.chars().all(char::is_whitespace) {
            return Err(Problem::value_error("must not be blank"));
        }
        Ok(found.clone())
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        let mut schema = Map::new();
        schema.insert("type".into(), "string".into());
        if let Some(min) = self.min {
            schema.insert("minLength".into(), min.into());
        }
        if let Some(max) = self.max {
            schema.insert("maxLength".into(), max.into());
        }
        if let Some(word) = self.exactly {
            schema.insert("pattern".into(), format!("^{word}$").into());
        } else if !self.any_character {
            let allowed = if self.one_line {
                r"[^\u0000-\u001f\u007f-\u009f]"
            } else {
                r"[^\u0000]"
            };
            let pattern = if self.visible {
                let inked = allowed.replace(']', r"\s]");
                format!("^{allowed}*{inked}{allowed}*$")
            } else {
                format!("^{allowed}*$")
            };
            schema.insert("pattern".into(), pattern.into());
        }
        if let Some(format) = self.format {
            schema.insert("format".into(), format.into());
        }
        Value::Object(schema)
    }
}

/// The text to be spoken: length limits come from the deployment.
#[derive(Debug, Clone, Copy)]
pub struct SpokenText;

/// A text to be spoken.
pub fn spoken_text() -> SpokenText {
    SpokenText
}

impl Kind for SpokenText {
    type Out = String;

    fn check(&self, value: &Value, options: &DecodeOptions) -> Result<String, Problem> {
        free_text()
            .min(1)
            .max(options.max_text_characters)
            .check(value, options)
    }

    fn schema(&self, options: &DecodeOptions) -> Value {
        free_text()
            .min(1)
            .max(options.max_text_characters)
            .schema(options)
    }
}

/// An e-mail address.
#[derive(Debug, Clone, Copy)]
pub struct Email;

/// An e-mail address.
pub fn email() -> Email {
    Email
}

impl Kind for Email {
    type Out = EmailAddress;

    fn check(&self, value: &Value, options: &DecodeOptions) -> Result<EmailAddress, Problem> {
        // The address rule names a stray U+0000 itself, in the words of the reference: any text may pass here.
        let found = free_text().check(value, options)?;
        EmailAddress::parse(&found, options.email).map_err(|invalid| {
            Problem::with(
                "value_error",
                invalid.to_string(),
                json!({ "reason": invalid.reason }),
            )
        })
    }

    fn schema(&self, options: &DecodeOptions) -> Value {
        if options.email.allow_reserved_domains {
            return json!({ "type": "string", "format": "email" });
        }
        // The names of RFC 6761 that no public mail reaches.
        let reserved = r"\.([Aa][Rr][Pp][Aa]|[Ii][Nn][Vv][Aa][Ll][Ii][Dd]|[Ll][Oo][Cc][Aa][Ll]([Hh][Oo][Ss][Tt])?|[Oo][Nn][Ii][Oo][Nn]|[Tt][Ee][Ss][Tt])$";
        json!({ "type": "string", "format": "email", "not": { "pattern": reserved } })
    }
}

/// A host name such as `example.com`, answered in lower case; names in other scripts are written in Punycode.
#[derive(Debug, Clone, Copy)]
pub struct HostName;

/// A host name.
pub fn host_name() -> HostName {
    HostName
}

/// Letters, digits and inner hyphens in labels of at most 63 characters (RFC 1123 section 2.1).
const HOST_NAME_PATTERN: &str = r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$";
const HOST_NAME_MAX: usize = 253;

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl Kind for HostName {
    type Out = String;

    fn check(&self, value: &Value, options: &DecodeOptions) -> Result<String, Problem> {
        let found = free_text().max(HOST_NAME_MAX).check(value, options)?;
        if found.split('.').all(is_label) {
            return Ok(found.to_ascii_lowercase());
        }
        Err(Problem::with(
            "string_pattern_mismatch",
            format!("String should match pattern '{HOST_NAME_PATTERN}'"),
            json!({ "pattern": HOST_NAME_PATTERN }),
        ))
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "string", "maxLength": HOST_NAME_MAX, "pattern": HOST_NAME_PATTERN })
    }
}

/// A UUID, with or without hyphens.
#[derive(Debug, Clone, Copy)]
pub struct Id;

/// A UUID.
pub fn uuid() -> Id {
    Id
}

impl Kind for Id {
    type Out = Uuid;

    fn check(&self, value: &Value, _: &DecodeOptions) -> Result<Uuid, Problem> {
        let Value::String(found) = value else {
            return Err(Problem::plain(
                "uuid_type",
                "UUID input should be a string, bytes or UUID object",
            ));
        };
        uuid_text::parse(found).map_err(|reason| {
            Problem::with(
                "uuid_parsing",
                format!("Input should be a valid UUID, {reason}"),
                json!({ "error": reason }),
            )
        })
    }

    fn schema(&self, _: &DecodeOptions) -> Value {
        json!({ "type": "string", "format": "uuid" })
    }
}

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
fn whole_number(value: &Value) -> Result<i128, Problem> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(kind: &impl Kind<Out = i64>, value: Value) -> Result<i64, &'static str> {
        kind.check(&value, &DecodeOptions::default())
            .map_err(|problem| problem.kind)
    }

    #[test]
    fn whole_numbers_are_lenient_the_way_pydantic_is() {
        let kind = int(0, 100);
        for (value, expected) in [
            (json!(7), Ok(7)),
            (json!(7.0), Ok(7)),
            (json!("7"), Ok(7)),
            (json!(" +7 "), Ok(7)),
            (json!("1_0"), Ok(10)),
            (json!("7.0"), Ok(7)),
            (json!(true), Ok(1)),
            (json!("1.5"), Err("int_parsing")),
            (json!(""), Err("int_parsing")),
            (json!("1__0"), Err("int_parsing")),
            (json!("٣"), Err("int_parsing")),
            (json!(1.5), Err("int_from_float")),
            (json!(-1), Err("greater_than_equal")),
            (json!(101), Err("less_than_equal")),
            (json!(1e300), Err("less_than_equal")),
            (json!(u64::MAX), Err("less_than_equal")),
            (json!("9".repeat(400)), Err("less_than_equal")),
            (json!([1]), Err("int_type")),
            (Value::Null, Err("int_type")),
        ] {
            assert_eq!(read(&kind, value.clone()), expected, "{value}");
        }
    }

    #[test]
    fn truth_has_many_names() {
        let options = DecodeOptions::default();
        for value in [json!(true), json!("YES"), json!(1), json!("t")] {
            assert!(flag().check(&value, &options).unwrap(), "{value}");
        }
        assert_eq!(
            flag().check(&json!(2), &options).unwrap_err().kind,
            "bool_parsing"
        );
        assert_eq!(
            flag().check(&json!([]), &options).unwrap_err().kind,
            "bool_type"
        );
    }

    #[test]
    fn members_are_listed_in_words() {
        let options = DecodeOptions::default();
        let problem = one_of(&["pending", "success", "failed"])
            .check(&json!("x"), &options)
            .unwrap_err();
        assert_eq!(
            problem.message,
            "Input should be 'pending', 'success' or 'failed'"
        );
        let rates = one_of_numbers(&[8000, 16000]);
        assert_eq!(rates.check(&json!("16000"), &options).unwrap(), 16000);
        assert_eq!(
            rates.check(&json!(1), &options).unwrap_err().message,
            "Input should be 8000 or 16000"
        );
    }

    #[test]
    fn lengths_use_the_singular_for_one() {
        let options = DecodeOptions::default();
        let problem = text().min(1).check(&json!(""), &options).unwrap_err();
        assert_eq!(problem.message, "String should have at least 1 character");
        assert!(text().max(2).check(&json!("日本"), &options).is_ok());
    }
}

//! Kinds that are text: plain text, names, passwords, addresses, host names, ids.

use serde_json::{Map, Value, json};
use uuid::Uuid;
use voxgate_domain::EmailAddress;

use super::Kind;
use crate::extract::fault::Problem;
use crate::extract::{DecodeOptions, uuid as uuid_text};

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

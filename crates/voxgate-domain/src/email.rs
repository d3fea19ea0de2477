//! E-mail addresses: which are accepted, and in what words the others are refused.
//!
//! The rules and the sentences are those of the Python `email-validator` package as pydantic uses it, because clients of
//! the AethexAI dialect see them verbatim. Three deliberate differences: `Name <address>` is refused rather than cut,
//! labels with accents are kept as typed (lower-cased, not converted to Punycode), and an operator may allow reserved
//! domains.

use std::collections::BTreeSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Top-level names that never receive mail from the public internet (RFC 6761 and friends).
const RESERVED: [&str; 6] = ["arpa", "invalid", "local", "localhost", "onion", "test"];

/// The longest address SMTP can carry (RFC 5321, erratum 1690), in bytes.
const MAX_BYTES: usize = 254;
const MAX_LOCAL: usize = 64;
const MAX_LABEL: usize = 63;
const MAX_DOMAIN: usize = 253;
/// Longer input is refused before it is looked at.
const MAX_INPUT_CHARACTERS: usize = 2048;

/// Which addresses an installation accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EmailPolicy {
    /// Accept domains without a dot and reserved ones such as `host.local` and `example.test`; for private installations.
    pub allow_reserved_domains: bool,
}

/// A valid address: the domain in lower case, the local part as given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// Why a text is not accepted as an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("value is not a valid email address: {reason}")]
pub struct InvalidEmail {
    /// One sentence.
    pub reason: String,
}

impl EmailAddress {
    /// Checks and normalises an address. Surrounding whitespace is ignored.
    ///
    /// # Errors
    /// [`InvalidEmail`] with the reason in the words of `email-validator`.
    pub fn parse(text: &str, policy: EmailPolicy) -> Result<Self, InvalidEmail> {
        check(text, policy)
            .map(Self)
            .map_err(|reason| InvalidEmail { reason })
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key under which the address is unique: the whole address without regard to case.
    #[must_use]
    pub fn key(&self) -> String {
        Self::key_of(&self.0)
    }

    /// The key of any text a person typed as their address, valid or not; used for look-ups.
    #[must_use]
    pub fn key_of(text: &str) -> String {
        text.trim().nfc().flat_map(char::to_lowercase).collect()
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn check(text: &str, policy: EmailPolicy) -> Result<String, String> {
    if text.chars().count() > MAX_INPUT_CHARACTERS {
        return Err(format!(
            "Length must not exceed {MAX_INPUT_CHARACTERS} characters"
        ));
    }
    let text: String = text.trim().nfc().collect();
    let Some((local, domain)) = text.split_once('@') else {
        return Err("An email address must have an @-sign.".into());
    };
    if local.starts_with('"') && local.ends_with('"') && local.len() > 1 {
        return Err("Quoting the part before the @-sign is not allowed here.".into());
    }
    if local.is_empty() {
        return Err("There must be something before the @-sign.".into());
    }
    check_local(local)?;
    let domain: String = domain.chars().flat_map(char::to_lowercase).collect();
    check_domain(&domain, policy)?;
    let address = format!("{local}@{domain}");
    if address.len() > MAX_BYTES {
        return Err(format!(
            "The email address is too long ({}).",
            too_many(address.len() - MAX_BYTES)
        ));
    }
    Ok(address)
}

fn check_local(local: &str) -> Result<(), String> {
    if local.len() > MAX_LOCAL {
        return Err(format!(
            "The email address is too long before the @-sign ({}).",
            too_many(local.len() - MAX_LOCAL)
        ));
    }
    // RFC 5322 atext and the dot, and every printable character beyond ASCII (RFC 6532).
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~.".contains(c)
            || is_visible_beyond_ascii(c)
    };
    let bad = names_of(local.chars().filter(|&c| !allowed(c)));
    if !bad.is_empty() {
        return Err(format!(
            "The email address contains invalid characters before the @-sign: {bad}."
        ));
    }
    check_dots(
        local,
        "An email address cannot start with a {}.",
        "An email address cannot have a {} immediately before the @-sign.",
    )
}

fn check_domain(domain: &str, policy: EmailPolicy) -> Result<(), String> {
    if domain.is_empty() {
        return Err("There must be something after the @-sign.".into());
    }
    if domain.starts_with('[') && domain.ends_with(']') {
        return Err("A bracketed IP address after the @-sign is not allowed here.".into());
    }
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || c == '-'
            || c == '.'
            || (is_visible_beyond_ascii(c) && c.is_alphanumeric())
    };
    let bad = names_of(domain.chars().filter(|&c| !allowed(c)));
    if !bad.is_empty() {
        return Err(format!(
            "The part after the @-sign contains invalid characters: {bad}."
        ));
    }
    let (start, end) = (
        "An email address cannot have a {} immediately after the @-sign.",
        "An email address cannot end with a {}.",
    );
    check_dots(domain, start, end)?;
    if domain.ends_with('-') {
        return Err(end.replace("{}", "hyphen"));
    }
    if domain.starts_with('-') {
        return Err(start.replace("{}", "hyphen"));
    }
    if domain.contains(".-") || domain.contains("-.") {
        return Err(
            "An email address cannot have a period and a hyphen next to each other.".into(),
        );
    }
    for label in domain.split('.') {
        if label.len() > MAX_LABEL {
            let excess = too_many(label.len() - MAX_LABEL);
            return Err(format!(
                "After the @-sign, periods cannot be separated by so many characters ({excess})."
            ));
        }
        if label.get(2..4) == Some("--") && !label.starts_with("xn") {
            return Err("An email address cannot have two letters followed by two dashes immediately after the @-sign or after a period, except Punycode.".into());
        }
    }
    if domain.len() > MAX_DOMAIN {
        return Err(format!(
            "The email address is too long after the @-sign ({}).",
            too_many(domain.len() - MAX_DOMAIN)
        ));
    }
    if policy.allow_reserved_domains {
        return Ok(());
    }
    if !domain.contains('.') {
        return Err("The part after the @-sign is not valid. It should have a period.".into());
    }
    if RESERVED
        .iter()
        .any(|name| domain.rsplit('.').next() == Some(name))
    {
        return Err("The part after the @-sign is a special-use or reserved name that cannot be used with email.".into());
    }
    if domain.ends_with(|c: char| c.is_ascii_digit()) {
        return Err(
            "The part after the @-sign is not valid. It is not within a valid top-level domain."
                .into(),
        );
    }
    Ok(())
}

fn check_dots(part: &str, start: &str, end: &str) -> Result<(), String> {
    if part.ends_with('.') {
        return Err(end.replace("{}", "period"));
    }
    if part.starts_with('.') {
        return Err(start.replace("{}", "period"));
    }
    if part.contains("..") {
        return Err("An email address cannot have two periods in a row.".into());
    }
    Ok(())
}

fn is_visible_beyond_ascii(c: char) -> bool {
    u32::from(c) >= 0xA0
        && !c.is_whitespace()
        && !c.is_control()
        && !matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E000}'..='\u{F8FF}')
}

fn names_of(characters: impl Iterator<Item = char>) -> String {
    let names: BTreeSet<String> = characters.map(name_of).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// A character in quotes, or its Unicode name or number where it cannot be shown.
fn name_of(c: char) -> String {
    match c {
        ' ' => "SPACE".into(),
        '\u{A0}' => "NO-BREAK SPACE".into(),
        '\\' => "\"\\\"".into(),
        '\'' => "\"'\"".into(),
        c if c.is_whitespace()
            || c.is_control()
            || (u32::from(c) >= 0x80 && !is_visible_beyond_ascii(c)) =>
        {
            let code = u32::from(c);
            if code < 0xFFFF {
                format!("U+{code:04X}")
            } else {
                format!("U+{code:08X}")
            }
        }
        c => format!("'{c}'"),
    }
}

fn too_many(excess: usize) -> String {
    format!(
        "{excess} character{} too many",
        if excess == 1 { "" } else { "s" }
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn reason(text: &str) -> String {
        EmailAddress::parse(text, EmailPolicy::default())
            .unwrap_err()
            .reason
    }

    #[test]
    fn the_domain_is_lowered_and_the_local_part_kept() {
        let address = EmailAddress::parse(" A.User@Example.COM ", EmailPolicy::default()).unwrap();
        assert_eq!(address.as_str(), "A.User@example.com");
        assert_eq!(address.key(), "a.user@example.com");
        assert_eq!(EmailAddress::key_of("A.USER@EXAMPLE.com"), address.key());
    }

    #[test]
    fn accepted() {
        for text in [
            "a@b.co",
            "o'neil+tag@mail.example.org",
            "δοκιμή@παράδειγμα.ελ",
            "x_y@xn--bcher-kva.example",
            "1@2.io",
        ] {
            assert!(
                EmailAddress::parse(text, EmailPolicy::default()).is_ok(),
                "{text}"
            );
        }
    }

    #[test]
    fn refused_in_the_words_of_the_reference() {
        for (text, expected) in [
            ("nope", "An email address must have an @-sign."),
            ("", "An email address must have an @-sign."),
            ("@example.com", "There must be something before the @-sign."),
            ("a@", "There must be something after the @-sign."),
            (
                "a b@example.com",
                "The email address contains invalid characters before the @-sign: SPACE.",
            ),
            (
                "a(b)@example.com",
                "The email address contains invalid characters before the @-sign: '(', ')'.",
            ),
            (
                "a@b@example.com",
                "The part after the @-sign contains invalid characters: '@'.",
            ),
            (
                ".a@example.com",
                "An email address cannot start with a period.",
            ),
            (
                "a.@example.com",
                "An email address cannot have a period immediately before the @-sign.",
            ),
            (
                "a..b@example.com",
                "An email address cannot have two periods in a row.",
            ),
            (
                "a@exa mple.com",
                "The part after the @-sign contains invalid characters: SPACE.",
            ),
            (
                "a@.example.com",
                "An email address cannot have a period immediately after the @-sign.",
            ),
            (
                "a@example.com.",
                "An email address cannot end with a period.",
            ),
            (
                "a@-example.com",
                "An email address cannot have a hyphen immediately after the @-sign.",
            ),
            (
                "a@example-.com",
                "An email address cannot have a period and a hyphen next to each other.",
            ),
            (
                "a@example",
                "The part after the @-sign is not valid. It should have a period.",
            ),
            (
                "a@localhost",
                "The part after the @-sign is not valid. It should have a period.",
            ),
            (
                "a@sub.test",
                "The part after the @-sign is a special-use or reserved name that cannot be used with email.",
            ),
            (
                "a@127.0.0.1",
                "The part after the @-sign is not valid. It is not within a valid top-level domain.",
            ),
            (
                "a@[127.0.0.1]",
                "A bracketed IP address after the @-sign is not allowed here.",
            ),
            (
                "\"a b\"@example.com",
                "Quoting the part before the @-sign is not allowed here.",
            ),
        ] {
            assert_eq!(reason(text), expected, "{text}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        assert_eq!(
            reason(&long),
            "The email address is too long before the @-sign (1 character too many)."
        );
    }

    #[test]
    fn private_installations_may_allow_reserved_names() {
        let private = EmailPolicy {
            allow_reserved_domains: true,
        };
        for text in ["admin@voxgate.local", "me@localhost", "x@example.test"] {
            assert!(EmailAddress::parse(text, private).is_ok(), "{text}");
        }
        assert!(EmailAddress::parse("nope", private).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_judged_and_what_is_accepted_stays_accepted(text in "\\PC{0,40}@?\\PC{0,40}") {
            if let Ok(address) = EmailAddress::parse(&text, EmailPolicy::default()) {
                let again = EmailAddress::parse(address.as_str(), EmailPolicy::default()).unwrap();
                prop_assert_eq!(&again, &address);
                prop_assert!(!address.as_str().contains(char::is_whitespace));
            }
        }
    }
}

//! Markup in plain text: tags are dropped, entities decoded. No parser: text that merely looks like markup is read.

use std::sync::LazyLock;

use regex::Regex;

/// Markup at the start of a text.
pub(super) struct Markup {
    /// Bytes it takes.
    pub(super) len: usize,
    /// The character an entity stands for; `None` for a tag.
    pub(super) stands_for: Option<char>,
}

// Attributes need a value: "<b and c>" is arithmetic, "<p class='x'>" is not.
static TAG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"\A(?:</?[A-Za-z][A-Za-z0-9_:.-]*(?:[ \t\r\n]+[A-Za-z0-9_:.-]+[ \t\r\n]*=[ \t\r\n]*(?:"[^"]*"|'[^']*'|[^ \t\r\n"'<>]+))*[ \t\r\n]*/?>|<!--.*?-->|<\?[^>]*\?>|<!DOCTYPE[^>]*>|<!\[CDATA\[|\]\]>)"#,
    )
    .expect("a literal pattern")
});
static ENTITY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\A&(?:(?P<name>[A-Za-z]{2,8})|#(?P<decimal>[0-9]{1,7})|#[xX](?P<hex>[0-9A-Fa-f]{1,6}));",
    )
    .expect("a literal pattern")
});

/// The tag or entity that `text` starts with.
pub(super) fn at_start(text: &str) -> Option<Markup> {
    match text.as_bytes().first()? {
        b'<' | b']' => TAG.find(text).map(|m| Markup {
            len: m.end(),
            stands_for: None,
        }),
        b'&' => {
            let found = ENTITY.captures(text)?;
            let c = if let Some(name) = found.name("name") {
                named(name.as_str())?
            } else if let Some(decimal) = found.name("decimal") {
                char::from_u32(decimal.as_str().parse().ok()?)?
            } else {
                char::from_u32(u32::from_str_radix(found.name("hex")?.as_str(), 16).ok()?)?
            };
            Some(Markup {
                len: found.get(0)?.end(),
                stands_for: Some(c),
            })
        }
        _ => None,
    }
}

fn named(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "hellip" => '…',
        "euro" => '€',
        "pound" => '£',
        "yen" => '¥',
        "cent" => '¢',
        "deg" => '°',
        "times" => '×',
        "divide" => '÷',
        "plusmn" => '±',
        "lsquo" | "rsquo" => '\'',
        "ldquo" => '“',
        "rdquo" => '”',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_entities() {
        for (text, len, stands_for) in [
            ("<break time=\"500ms\"/> x", 21, None),
            ("</speak>", 8, None),
            ("<br>", 4, None),
            ("<!-- note --> x", 13, None),
            ("&amp; x", 5, Some('&')),
            ("&#39;", 5, Some('\'')),
            ("&#x1F600;", 9, Some('😀')),
        ] {
            let found = at_start(text).unwrap();
            assert_eq!((found.len, found.stands_for), (len, stands_for), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_not_markup() {
        for text in [
            "< b",
            "<3",
            "<b and c>",
            "& co",
            "&unknown;",
            "&#99999999;",
            "<joe@example.com>",
            "<",
        ] {
            assert!(at_start(text).is_none(), "{text}");
        }
    }
}

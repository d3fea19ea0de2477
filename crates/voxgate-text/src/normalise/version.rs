//! Versions and IP addresses.

use std::sync::LazyLock;

use regex::Regex;

use super::number_words::{cardinal, digit_by_digit};
use super::{Cursor, Reading};

static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A(?P<v>[vV]\.?)?(?P<n>[0-9]{1,6}(?:\.[0-9]{1,9}){0,5})(?P<x>\.x)?(?-u:\b)")
        .expect("a literal pattern")
});

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    if !c.at_word_start()
        || !text.starts_with(|f: char| f.is_ascii_digit() || matches!(f, 'v' | 'V'))
    {
        return None;
    }
    let found = VERSION.captures(text)?;
    let (n, marked) = (&found["n"], found.name("v").is_some());
    let parts: Vec<&str> = n.split('.').collect();
    if !marked && parts.len() < 3 && found.name("x").is_none() {
        return None;
    }
    // 1.234.567 is one number with European separators.
    if !marked && parts[1..].iter().all(|p| p.len() == 3) && parts.len() == 3 {
        return None;
    }
    let len = found.get(0)?.end();
    if text[len..].starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let address = parts.len() == 4
        && !marked
        && parts
            .iter()
            .all(|p| p.parse::<u16>().is_ok_and(|n| n < 256));
    let said = |p: &&str| {
        if p.len() > 1 && p.starts_with('0') || p.len() > 4 {
            digit_by_digit(p)
        } else {
            cardinal(p, c.language)
        }
    };
    let mut words =
        parts
            .iter()
            .map(said)
            .collect::<Vec<_>>()
            .join(if address { " dot " } else { " point " });
    if found.name("x").is_some() {
        words.push_str(" point X");
    }
    if marked && !c.previous_word().eq_ignore_ascii_case("version") {
        words.insert_str(0, "version ");
    }
    Reading::new(len, words)
}

#[cfg(test)]
mod tests {
    use super::super::table::us;

    #[test]
    fn versions() {
        us(&[
            ("v1.2.3", "version one point two point three"),
            ("10.0.1", "ten point zero point one"),
            ("version v2", "version two"),
            ("Python 3.12", "Python three point one two"),
            (
                "192.168.0.1",
                "one hundred ninety-two dot one hundred sixty-eight dot zero dot one",
            ),
            ("v2.0-beta", "version two point zero beta"),
            ("3.x", "three point X"),
        ]);
    }
}

//! The number at the start of a text, as the classes that attach something to it need it: sign, thousands separators,
//! decimals, fractions, ranges.

use std::sync::LazyLock;

use regex::Regex;

use super::number_words::{cardinal, decimal, ordinal};
use crate::Language;

/// A spoken number and how many bytes it took.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) len: usize,
    pub(super) words: String,
    /// Exactly one: the noun behind it is singular.
    pub(super) singular: bool,
}

/// Digits with separators and an optional decimal part. Shared by the patterns of other classes.
pub(super) const DIGITS: &str =
    r"(?:[0-9]{1,3}(?:,[0-9]{2,3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)";

static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(
        r"\A(?P<sign>[+-])?(?:(?P<mixed>[0-9]{{1,4}}) (?P<n>[0-9])/(?P<d>[0-9]{{1,2}})|(?P<num>[0-9]{{1,2}})/(?P<den>[0-9]{{1,3}})|(?P<from>{DIGITS})(?: ?[–—] ?|-| to )(?P<to>{DIGITS})|(?P<plain>{DIGITS}))"
    ))
    .expect("a literal pattern")
});

/// Reads the number `text` starts with. A number cut inside its digits is none.
pub(super) fn at_start(text: &str, language: Language) -> Option<Number> {
    let found = NUMBER.captures(text)?;
    let get = |name| found.name(name).map(|m| m.as_str());
    let sign = match get("sign") {
        Some("-") => "minus ",
        Some(_) => "plus ",
        None => "",
    };
    let len = found.get(0)?.end();
    if text[len..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (words, singular) = if let Some(whole) = get("mixed") {
        (
            format!(
                "{} and {}",
                cardinal(whole, language),
                fraction(get("n")?, get("d")?, language)?
            ),
            false,
        )
    } else if let Some(numerator) = get("num") {
        (fraction(numerator, get("den")?, language)?, true)
    } else if let (Some(from), Some(to)) = (get("from"), get("to")) {
        (
            format!("{} to {}", decimal(from, language), decimal(to, language)),
            false,
        )
    } else {
        let plain = get("plain")?;
        (decimal(plain, language), plain == "1" && sign.is_empty())
    };
    Some(Number {
        len,
        words: format!("{sign}{words}"),
        singular,
    })
}

/// `3/4` → three quarters. `None` where it is not a fraction one would say.
pub(super) fn fraction(numerator: &str, denominator: &str, language: Language) -> Option<String> {
    let (n, d): (u32, u32) = (numerator.parse().ok()?, denominator.parse().ok()?);
    if n == 0
        || d < 2
        || n >= d
        || d > 100
        || numerator.starts_with('0')
        || denominator.starts_with('0')
    {
        return None;
    }
    let part = match d {
        2 => "half".to_owned(),
        4 => "quarter".to_owned(),
        _ => ordinal(denominator, language),
    };
    let plural = if n == 1 { "" } else { "s" };
    Some(format!("{} {part}{plural}", cardinal(numerator, language)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_all_their_parts() {
        for (text, len, words) in [
            ("5 km", 1, "five"),
            ("-4.5°", 4, "minus four point five"),
            (
                "1,250,000 people",
                9,
                "one million two hundred fifty thousand",
            ),
            ("3 1/2 cups", 5, "three and one half"),
            ("3/4 cup", 3, "three quarters"),
            ("5-10 km", 4, "five to ten"),
            ("5–10", 5 + 1, "five to ten"),
            (".5 g", 2, "zero point five"),
        ] {
            let n = at_start(text, Language::EnUs).unwrap();
            assert_eq!((n.len, n.words.as_str()), (len, words), "{text}");
        }
        assert!(at_start("1 x", Language::EnUs).unwrap().singular);
        assert!(at_start("x", Language::EnUs).is_none());
    }

    #[test]
    fn fractions() {
        for (n, d, words) in [
            ("1", "2", Some("one half")),
            ("2", "3", Some("two thirds")),
            ("9", "8", None),
            ("0", "5", None),
        ] {
            assert_eq!(fraction(n, d, Language::EnUs).as_deref(), words);
        }
    }
}

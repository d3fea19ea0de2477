//! Dates: ISO, slashed, dotted, and with the month in words.

use std::sync::LazyLock;

use regex::Regex;

use super::number_words::{cardinal, ordinal, year};
use super::{Cursor, Reading};
use crate::Language;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTH: &str = r"(?P<month>Jan(?:uary|\.)?|Feb(?:ruary|\.)?|Mar(?:ch|\.)?|Apr(?:il|\.)?|May|June?|Jun\.|July?|Jul\.|Aug(?:ust|\.)?|Sept?(?:ember|\.)?|Oct(?:ober|\.)?|Nov(?:ember|\.)?|Dec(?:ember|\.)?)";

struct Patterns {
    iso: Regex,
    numeric: Regex,
    day_month: Regex,
    month_day: Regex,
    month_year: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let re = |pattern: &str| Regex::new(&format!(r"\A(?:{pattern})")).expect("a literal pattern");
    Patterns {
        iso: re(
            r"(?P<y>[0-9]{4})[-/.](?P<m>[0-9]{1,2})[-/.](?P<d>[0-9]{1,2})(?:T(?P<clock>[0-9]))?",
        ),
        numeric: re(
            r"(?P<a>[0-9]{1,2})(?P<s1>[/.-])(?P<b>[0-9]{1,2})(?P<s2>[/.-])(?P<y>[0-9]{4}|[0-9]{2})(?-u:\b)",
        ),
        day_month: re(&format!(
            r"(?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?(?: of)? {MONTH}(?-u:\b)?(?:,? (?P<y>[0-9]{{4}})(?-u:\b))?"
        )),
        month_day: re(&format!(
            r"{MONTH} (?P<d>[0-9]{{1,2}})(?:st|nd|rd|th)?(?-u:\b)(?:,? (?P<y>[0-9]{{4}})(?-u:\b))?"
        )),
        month_year: re(&format!(r"{MONTH},? (?P<y>[0-9]{{4}})(?-u:\b)")),
    }
});

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let first = c.rest().bytes().next()?;
    if !c.at_word_start() {
        return None;
    }
    match first {
        b'0'..=b'9' => iso(c).or_else(|| numeric(c)).or_else(|| day_month(c)),
        b'A' | b'D' | b'F' | b'J' | b'M' | b'N' | b'O' | b'S' => {
            month_day(c).or_else(|| month_year(c))
        }
        _ => None,
    }
}

fn iso(c: &Cursor<'_>) -> Option<Reading> {
    let found = PATTERNS.iso.captures(c.rest())?;
    // "T" of a timestamp is silent; the time class reads on.
    let end = found
        .name("clock")
        .map_or(found.get(0)?.end(), |clock| clock.start());
    if found.name("clock").is_none() && c.rest()[end..].starts_with(|c: char| c.is_alphanumeric()) {
        return None;
    }
    let words = full(
        number(&found["m"])?,
        number(&found["d"])?,
        Some(&found["y"]),
        c,
    )?;
    let breath = if found.name("clock").is_some() {
        ","
    } else {
        ""
    };
    Reading::new(end, format!("{words}{breath}"))
}

fn numeric(c: &Cursor<'_>) -> Option<Reading> {
    let found = PATTERNS.numeric.captures(c.rest())?;
    let separator = &found["s1"];
    if separator != &found["s2"] || separator != "/" && found["y"].len() != 4 {
        return None;
    }
    let (a, b) = (number(&found["a"])?, number(&found["b"])?);
    // Dots are European: day first. Slashes follow the country, unless that cannot be.
    let day_first = separator == "." || c.language == Language::EnGb;
    let (month, day) = match (day_first, a, b) {
        (true, d, m) if m <= 12 => (m, d),
        (false, m, d) if m <= 12 => (m, d),
        (true, m, d) => (m, d),
        (false, d, m) => (m, d),
    };
    let digits = &found["y"];
    let century = if digits.len() == 2 {
        if digits < "50" { "20" } else { "19" }
    } else {
        ""
    };
    Reading::new(
        found.get(0)?.end(),
        full(month, day, Some(&format!("{century}{digits}")), c)?,
    )
}

fn day_month(c: &Cursor<'_>) -> Option<Reading> {
    let found = PATTERNS.day_month.captures(c.rest())?;
    let (len, month) = month_in(&found, c)?;
    let day = number(&found["d"])?;
    if !(1..=31).contains(&day) {
        return None;
    }
    let article = if matches!(c.previous_word(), "the" | "The") {
        ""
    } else {
        "the "
    };
    let words = format!("{article}{} of {month}", ordinal(&found["d"], c.language));
    Reading::new(
        len,
        with_year(words, found.name("y").map(|m| m.as_str()), c),
    )
}

fn month_day(c: &Cursor<'_>) -> Option<Reading> {
    let found = PATTERNS.month_day.captures(c.rest())?;
    let (len, month) = month_in(&found, c)?;
    if !(1..=31).contains(&number(&found["d"])?) {
        return None;
    }
    let day = ordinal(&found["d"], c.language);
    let words = if c.language == Language::EnGb {
        format!("{month} the {day}")
    } else {
        format!("{month} {day}")
    };
    Reading::new(
        len,
        with_year(words, found.name("y").map(|m| m.as_str()), c),
    )
}

fn month_year(c: &Cursor<'_>) -> Option<Reading> {
    let found = PATTERNS.month_year.captures(c.rest())?;
    let (len, month) = month_in(&found, c)?;
    Reading::new(len, format!("{month} {}", year(&found["y"], c.language)))
}

/// The length of the match and the full name of its month; nothing if the month runs on into a longer word.
fn month_in(found: &regex::Captures<'_>, c: &Cursor<'_>) -> Option<(usize, &'static str)> {
    let len = found.get(0)?.end();
    let written = found.name("month")?;
    if c.rest()[written.end()..].starts_with(char::is_alphabetic)
        || c.rest()[len..].starts_with(|c: char| c.is_alphanumeric())
    {
        return None;
    }
    let start: String = written.as_str().chars().take(3).collect();
    let month = MONTHS.iter().find(|m| m.starts_with(&start))?;
    Some((len, month))
}

/// The month of a number from 1, or of a name or its beginning of three letters.
pub(super) fn month_name(written: &str) -> Option<&'static str> {
    if let Ok(n) = written.parse::<usize>() {
        return MONTHS.get(n.checked_sub(1)?).copied();
    }
    let lower = written.to_lowercase();
    (lower.len() >= 3)
        .then(|| {
            MONTHS.iter().find(|m| {
                m.to_lowercase().starts_with(&lower) || lower == "sept" && **m == MONTHS[8]
            })
        })
        .flatten()
        .copied()
}

/// A day of a month the way the country says it. `day` is 1 to 31.
pub(super) fn day_of_month(month: &str, day: usize, language: Language) -> String {
    let day = ordinal(&day.to_string(), language);
    match language {
        Language::EnUs => format!("{month} {day}"),
        Language::EnGb => format!("the {day} of {month}"),
    }
}

/// A whole date the way the country says it.
fn full(month: usize, day: usize, year: Option<&str>, c: &Cursor<'_>) -> Option<String> {
    let name = MONTHS.get(month.checked_sub(1)?)?;
    if !(1..=31).contains(&day) {
        return None;
    }
    Some(with_year(day_of_month(name, day, c.language), year, c))
}

fn with_year(words: String, digits: Option<&str>, c: &Cursor<'_>) -> String {
    match digits {
        Some(digits) if digits.len() == 4 && !digits.starts_with('0') => {
            format!("{words}, {}", year(digits, c.language))
        }
        Some(digits) => format!("{words}, {}", cardinal(digits, c.language)),
        None => words,
    }
}

fn number(digits: &str) -> Option<usize> {
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::table::{gb, us};

    #[test]
    fn american_dates() {
        us(&[
            ("2026-03-14", "March fourteenth, twenty twenty-six"),
            ("3/14/2026", "March fourteenth, twenty twenty-six"),
            ("03/04/99", "March fourth, nineteen ninety-nine"),
            (
                "14 March 2026",
                "the fourteenth of March, twenty twenty-six",
            ),
            ("the 5th of May", "the fifth of May"),
            (
                "March 14, 2026 was",
                "March fourteenth, twenty twenty-six was",
            ),
            ("Mar. 3rd", "March third"),
            ("on Sept 1", "on September first"),
            ("March 2026", "March twenty twenty-six"),
            ("14.03.2026", "March fourteenth, twenty twenty-six"),
            ("2026-13-45", "twenty twenty-six thirteen to forty-five"),
            ("may 5 people", "may five people"),
            (
                "2026-03-14T15:30",
                "March fourteenth, twenty twenty-six, fifteen thirty",
            ),
        ]);
    }

    #[test]
    fn british_dates() {
        gb(&[
            ("14/3/2026", "the fourteenth of March, twenty twenty-six"),
            ("2026-03-14", "the fourteenth of March, twenty twenty-six"),
            ("March 14", "March the fourteenth"),
        ]);
    }
}

//! Bare numbers: cardinals, decimals, negatives, fractions, ranges, percentages, years, decades, powers.

use std::sync::LazyLock;

use regex::Regex;

use super::number::{self, DIGITS};
use super::number_words::{cardinal, decimal, digit_by_digit, plural, year};
use super::{Cursor, Reading};

/// Longer digit runs without separators are codes, read digit by digit.
const MAX_CARDINAL_DIGITS: usize = 12;
/// Digits of a code in one breath.
const CODE_GROUP: usize = 4;
/// Digits of a code taken at once, so that no piece grows without bound.
const CODE_BLOCK: usize = 24;

struct Patterns {
    percent: Regex,
    fraction: Regex,
    years: Regex,
    range: Regex,
    decade: Regex,
    power: Regex,
    scientific: Regex,
    by: Regex,
    times: Regex,
    magnitude: Regex,
    score: Regex,
    thousands: Regex,
    plain: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let re = |pattern: &str| Regex::new(&format!(r"\A(?:{pattern})")).expect("a literal pattern");
    Patterns {
        percent: re(&format!(
            r"(?P<sign>[+-])?(?P<a>{DIGITS})(?: ?[-–] ?(?P<b>{DIGITS}))? ?(?P<unit>%|‰)"
        )),
        fraction: re(
            r"(?P<sign>-)?(?:(?P<whole>[0-9]{1,4})[ -])?(?P<n>[0-9]{1,2})/(?P<d>[0-9]{1,3})(?-u:\b)",
        ),
        years: re(
            r"(?P<a>1[0-9][0-9][0-9]|20[0-9][0-9]) ?[-–—/] ?(?P<b>1[0-9][0-9][0-9]|20[0-9][0-9]|[0-9][0-9])(?-u:\b)",
        ),
        range: re(&format!(
            r"(?P<a>{DIGITS})(?: ?[–—] ?|-)(?P<b>{DIGITS})(?-u:\b)"
        )),
        decade: re(r"(?P<apostrophe>')?(?P<n>[0-9]{2}|[0-9]{4})'?s(?-u:\b)"),
        power: re(&format!(
            r"(?P<base>{DIGITS})(?:\^(?P<exp>-?[0-9]{{1,4}})|(?P<small>[²³]))"
        )),
        scientific: re(r"(?P<m>-?[0-9]+(?:\.[0-9]+)?)[eE](?P<e>[+-]?[0-9]{1,4})(?-u:\b)"),
        by: re(&format!(
            r"(?P<a>{DIGITS}) ?[x×] ?(?P<b>{DIGITS})(?: ?[x×] ?(?P<c>{DIGITS}))?(?-u:\b)"
        )),
        times: re(r"(?P<n>[0-9]+(?:\.[0-9]+)?)[x×](?-u:\b)"),
        magnitude: re(&format!(r"(?P<n>{DIGITS})(?P<m>k|M|B|bn|mn|tn|T)(?-u:\b)")),
        score: re(r"(?P<a>24/7|50/50|9/11|7/11|(?P<n>[0-9]{1,3})/(?P<d>[0-9]{1,3}))(?-u:\b)"),
        thousands: re(r"(?P<n>[0-9]{1,3}(?:\.[0-9]{3}){2,})(?-u:\b)"),
        plain: re(&format!(r"(?P<sign>[+-])?(?P<n>{DIGITS})")),
    }
});

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let first = text.chars().next()?;
    if !first.is_ascii_digit() && !matches!(first, '-' | '+' | '.' | '\'') {
        return None;
    }
    let previous = c.previous_char();
    if previous.is_some_and(|p| p.is_ascii_digit()) && first.is_ascii_digit() {
        // The rest of a code whose beginning was taken.
        return code(text);
    }
    if matches!(first, '-' | '+')
        && previous.is_some_and(|p| !p.is_whitespace() && !matches!(p, '(' | '“' | '=' | ','))
    {
        return None;
    }
    if first == '.' && previous.is_some_and(|p| !p.is_whitespace() && p != '(')
        || first == '\'' && !c.at_word_start()
    {
        return None;
    }
    let p = &*PATTERNS;
    percent(c, p)
        .or_else(|| ratio(c, p))
        .or_else(|| attached(c, p))
        .or_else(|| spans(c, p))
        .or_else(|| plain(c, p))
}

fn percent(c: &Cursor<'_>, p: &Patterns) -> Option<Reading> {
    let found = p.percent.captures(c.rest())?;
    let number = |name| found.name(name).map(|m| decimal(m.as_str(), c.language));
    let to = number("b").map_or(String::new(), |b| format!(" to {b}"));
    let unit = if &found["unit"] == "%" {
        "percent"
    } else {
        "per mille"
    };
    Reading::new(
        found.get(0)?.end(),
        format!("{}{}{to} {unit}", sign(found.name("sign")), number("a")?),
    )
}

/// Fractions, scores and the few ratios with a name.
fn ratio(c: &Cursor<'_>, p: &Patterns) -> Option<Reading> {
    let text = c.rest();
    if let Some(found) = p.score.captures(text) {
        let words = match &found["a"] {
            "24/7" => Some("twenty-four seven".to_owned()),
            "50/50" => Some("fifty-fifty".to_owned()),
            "9/11" => Some("nine eleven".to_owned()),
            "7/11" => Some("seven eleven".to_owned()),
            _ => None,
        };
        if let Some(words) = words {
            return Reading::new(found.get(0)?.end(), words);
        }
    }
    let found = p.fraction.captures(text)?;
    let (len, rest) = (found.get(0)?.end(), &text[found.get(0)?.end()..]);
    if rest.starts_with(['/', '-']) && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (n, d) = (&found["n"], &found["d"]);
    let sign = sign(found.name("sign"));
    match (found.name("whole"), number::fraction(n, d, c.language)) {
        (Some(whole), Some(fraction)) => Reading::new(
            len,
            format!(
                "{sign}{} and {fraction}",
                cardinal(whole.as_str(), c.language)
            ),
        ),
        (None, Some(fraction)) => Reading::new(len, format!("{sign}{fraction}")),
        // 10/10, 12/8: a score or a proportion, not a part of one.
        (None, None) if n.len() <= 3 => {
            let joint = if n == d || n.parse::<u32>().ok() == Some(0) {
                "out of"
            } else {
                "over"
            };
            Reading::new(
                len,
                format!(
                    "{sign}{} {joint} {}",
                    cardinal(n, c.language),
                    cardinal(d, c.language)
                ),
            )
        }
        _ => None,
    }
}

/// Numbers with something written onto them: decades, powers, magnitudes, factors.
fn attached(c: &Cursor<'_>, p: &Patterns) -> Option<Reading> {
    let text = c.rest();
    if let Some(found) = p.decade.captures(text) {
        let n = &found["n"];
        let words = if n.len() == 4 {
            year(n, c.language)
        } else {
            cardinal(n, c.language)
        };
        if n.ends_with('0') || found.name("apostrophe").is_none() {
            return Reading::new(found.get(0)?.end(), plural(&words));
        }
    }
    if let Some(found) = p.power.captures(text) {
        let base = decimal(&found["base"], c.language);
        let exponent = found
            .name("exp")
            .or(found.name("small"))
            .map_or("", |m| m.as_str());
        let words = match exponent {
            "2" | "²" => format!("{base} squared"),
            "3" | "³" => format!("{base} cubed"),
            e => format!("{base} to the power of {}", signed(e, c)),
        };
        return Reading::new(found.get(0)?.end(), words);
    }
    if let Some(found) = p.scientific.captures(text) {
        let mantissa = signed(&found["m"], c);
        let words = format!(
            "{mantissa} times ten to the power of {}",
            signed(&found["e"], c)
        );
        return Reading::new(found.get(0)?.end(), words);
    }
    if let Some(found) = p.by.captures(text) {
        let mut words = format!(
            "{} by {}",
            decimal(&found["a"], c.language),
            decimal(&found["b"], c.language)
        );
        if let Some(third) = found.name("c") {
            words = format!("{words} by {}", decimal(third.as_str(), c.language));
        }
        return Reading::new(found.get(0)?.end(), words);
    }
    // "3x faster", but "3x + 2" is algebra.
    let algebra = |len: usize| {
        text[len..]
            .trim_start()
            .starts_with(['+', '-', '=', '*', '/', '^', ')'])
    };
    if let Some(found) = p.times.captures(text)
        && !algebra(found.get(0)?.end())
    {
        return Reading::new(
            found.get(0)?.end(),
            format!("{} times", decimal(&found["n"], c.language)),
        );
    }
    let found = p.magnitude.captures(text)?;
    let magnitude = magnitude(&found["m"])?;
    // "7B parameters", but "221B Baker Street".
    if &found["m"] == "B" && found["n"].len() > 2 && !found["n"].contains('.') {
        return None;
    }
    Reading::new(
        found.get(0)?.end(),
        format!("{} {magnitude}", decimal(&found["n"], c.language)),
    )
}

/// Ranges of years and numbers.
fn spans(c: &Cursor<'_>, p: &Patterns) -> Option<Reading> {
    let text = c.rest();
    if let Some(found) = p.years.captures(text) {
        let (a, b) = (&found["a"], &found["b"]);
        let end = if b.len() == 4 {
            year(b, c.language)
        } else {
            cardinal(b, c.language)
        };
        let ascending = b.len() == 4 || b > &a[2..];
        if ascending && !text[found.get(0)?.end()..].starts_with('-') {
            return Reading::new(
                found.get(0)?.end(),
                format!("{} to {end}", year(a, c.language)),
            );
        }
    }
    let found = p.range.captures(text)?;
    let len = found.get(0)?.end();
    // More hyphens make a code: 12-34-56.
    if text[len..].starts_with('-') && text[len + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (a, b) = (&found["a"], &found["b"]);
    if a.len() > MAX_CARDINAL_DIGITS
        || b.len() > MAX_CARDINAL_DIGITS
        || a.starts_with('0') && a.len() > 1 && !a.contains('.')
    {
        return None;
    }
    Reading::new(
        len,
        format!("{} to {}", decimal(a, c.language), decimal(b, c.language)),
    )
}

fn plain(c: &Cursor<'_>, p: &Patterns) -> Option<Reading> {
    let text = c.rest();
    if let Some(found) = p.thousands.captures(text) {
        return Reading::new(found.get(0)?.end(), cardinal(&found["n"], c.language));
    }
    let found = p.plain.captures(text)?;
    let n = &found["n"];
    let whole = n.split('.').next().unwrap_or_default();
    if whole.len() > MAX_CARDINAL_DIGITS && !n.contains(',') {
        return code(text);
    }
    let sign = sign(found.name("sign"));
    let len = found.get(0)?.end();
    let words = if whole.len() > 1 && whole.starts_with('0') && !n.contains('.') {
        digit_by_digit(n)
    } else if sign.is_empty() && is_year(n) {
        year(n, c.language)
    } else {
        decimal(n, c.language)
    };
    Reading::new(len, format!("{sign}{words}"))
}

/// A digit run too long for a number, in groups.
fn code(text: &str) -> Option<Reading> {
    let run = text.bytes().take_while(u8::is_ascii_digit).count();
    let len = run.min(CODE_BLOCK);
    let groups: Vec<String> = text.as_bytes()[..len]
        .chunks(CODE_GROUP)
        .map(|g| digit_by_digit(&String::from_utf8_lossy(g)))
        .collect();
    let breath = if run > len { "," } else { "" };
    Reading::new(len, format!("{}{breath}", groups.join(", ")))
}

/// Four digits that are more often a year than an amount.
fn is_year(n: &str) -> bool {
    n.len() == 4 && n.parse::<u32>().is_ok_and(|y| (1_100..=2_099).contains(&y))
}

fn signed(number: &str, c: &Cursor<'_>) -> String {
    match number.strip_prefix('-') {
        Some(rest) => format!("minus {}", decimal(rest, c.language)),
        None => decimal(number.trim_start_matches('+'), c.language),
    }
}

fn sign(found: Option<regex::Match<'_>>) -> &'static str {
    match found.map(|m| m.as_str()) {
        Some("-") => "minus ",
        Some("+") => "plus ",
        _ => "",
    }
}

/// The word for the letters behind an amount: 20k, 3.5M, 2bn.
pub(super) fn magnitude(letters: &str) -> Option<&'static str> {
    Some(match letters {
        "k" | "K" => "thousand",
        "m" | "M" | "mn" | "mm" | "MM" => "million",
        "b" | "B" | "bn" | "Bn" => "billion",
        "t" | "T" | "tn" => "trillion",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::{gb, us};

    #[test]
    fn cardinals_and_decimals() {
        us(&[
            ("I have 3 cats", "I have three cats"),
            (
                "1,234,567",
                "one million two hundred thirty-four thousand five hundred sixty-seven",
            ),
            ("3.14159", "three point one four one five nine"),
            ("-40 and −5", "minus forty and minus five"),
            ("+7", "plus seven"),
            (".5", "zero point five"),
            ("007", "zero zero seven"),
            (
                "1.234.567",
                "one million two hundred thirty-four thousand five hundred sixty-seven",
            ),
            (
                "4111111111111111",
                "four one one one, one one one one, one one one one, one one one one",
            ),
        ]);
        gb(&[
            ("215", "two hundred and fifteen"),
            ("1001", "one thousand and one"),
        ]);
    }

    #[test]
    fn fractions_ranges_and_percentages() {
        us(&[
            ("1/2", "one half"),
            ("3½ cups", "three and one half cups"),
            ("2/3 of it", "two thirds of it"),
            ("10/10", "ten out of ten"),
            ("24/7", "twenty-four seven"),
            ("10-20 people", "ten to twenty people"),
            ("10–20", "ten to twenty"),
            ("50%", "fifty percent"),
            ("3.5 %", "three point five percent"),
            ("5-10%", "five to ten percent"),
            ("-2.5%", "minus two point five percent"),
            ("2019–2021", "twenty nineteen to twenty twenty-one"),
            ("1914-18", "nineteen fourteen to eighteen"),
        ]);
    }

    #[test]
    fn years_decades_and_powers() {
        us(&[
            ("In 1999", "In nineteen ninety-nine"),
            ("in 2026.", "in twenty twenty-six."),
            ("the 1990s", "the nineteen nineties"),
            ("the '80s", "the eighties"),
            ("the 60's", "the sixties"),
            ("10^6", "ten to the power of six"),
            ("5²", "five squared"),
            (
                "1.5e-3",
                "one point five times ten to the power of minus three",
            ),
            (
                "1920x1080",
                "one thousand nine hundred twenty by one thousand eighty",
            ),
            ("20k users", "twenty thousand users"),
            ("1.5M", "one point five million"),
            ("10x", "ten times"),
        ]);
    }
}

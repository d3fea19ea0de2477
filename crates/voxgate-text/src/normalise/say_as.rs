//! Text that the caller says what it is: SSML's `say-as`.
//!
//! Owns what each kind makes of a text. What is not of its kind is read as any text, so nothing is lost.

use super::number_words::{self, cardinal, decimal, digit_by_digit, year};
use super::piece::Pieces;
use super::{Context, Piece, date, digit_name, pieces_of};

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SayAs {
    /// A number: `1234` → one thousand two hundred thirty-four, also where it looks like a year.
    Cardinal,
    /// A place in a row: `21` → twenty-first.
    Ordinal,
    /// Letter by letter, digit by digit, sign by sign.
    Characters,
    /// Digit by digit; other characters by their usual reading.
    Digits,
    /// A part: `3/4`, `2 1/2`.
    Fraction,
    /// A number with its unit.
    Unit,
    /// A day, month and year in this order.
    Date(DateOrder),
    /// A time of day.
    Time,
    /// A telephone number: digits in groups.
    Telephone,
    /// An amount of money.
    Currency,
}

/// The order of the numbers of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // Each letter is a part: month, day, year.
pub enum DateOrder {
    /// As the language writes dates.
    Usual,
    Mdy,
    Dmy,
    Ymd,
    Ydm,
    Md,
    Dm,
    Ym,
    My,
    M,
    D,
    Y,
}

/// The pieces of `text`, whose sources are all of it.
pub(super) fn read(kind: SayAs, text: &str, context: Context<'_>) -> Vec<Piece> {
    let said = match kind {
        SayAs::Cardinal => number(text).map(|n| signed(text, decimal(&n, context.language))),
        SayAs::Ordinal => number(text)
            .filter(|n| !n.contains('.'))
            .map(|n| number_words::ordinal(&n, context.language)),
        SayAs::Characters => return characters(text, context),
        SayAs::Digits => digits(text),
        SayAs::Date(order) => in_order(text, order, context),
        SayAs::Telephone => telephone(text),
        SayAs::Fraction | SayAs::Unit | SayAs::Time | SayAs::Currency => None,
    };
    match said {
        Some(words) => {
            let mut out = Pieces::default();
            out.words(&words, 0..text.len());
            out.finish()
        }
        None => pieces_of(text, &[], None, context),
    }
}

/// The digits of a number with its decimal point; `None` if it is none.
fn number(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches(['+', '-', '−']);
    let whole: String = text
        .chars()
        .filter(|c| !matches!(c, ',' | ' ' | '_'))
        .collect();
    let digits = whole.bytes().filter(u8::is_ascii_digit).count();
    let points = whole.bytes().filter(|b| *b == b'.').count();
    (digits > 0 && points <= 1 && digits + points == whole.len() && !whole.ends_with('.'))
        .then_some(whole)
}

fn signed(text: &str, words: String) -> String {
    match text.trim().chars().next() {
        Some('-' | '−') => format!("minus {words}"),
        _ => words,
    }
}

fn digits(text: &str) -> Option<String> {
    let groups: Vec<String> = text
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | ',' | '.' | '/'))
        .filter(|g| !g.is_empty())
        .map(|g| {
            g.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| digit_by_digit(g))
        })
        .collect::<Option<_>>()?;
    (!groups.is_empty()).then(|| groups.join(", "))
}

/// Letters as one name, stressed together; digits and signs by theirs.
fn characters(text: &str, context: Context<'_>) -> Vec<Piece> {
    let mut out = Pieces::default();
    let whole = 0..text.len();
    let folded = any_ascii::any_ascii(text);
    let mut letters = String::new();
    for c in folded.chars().chain([' ']) {
        if c.is_ascii_alphabetic() {
            letters.push(c.to_ascii_uppercase());
            continue;
        }
        if !letters.is_empty() {
            let name: Vec<String> = letters.chars().map(String::from).collect();
            out.given(
                name.join("-"),
                context.lexicon.letters(&letters),
                whole.clone(),
            );
            letters.clear();
        }
        let name = match c.to_digit(10) {
            Some(digit) => digit_name(digit),
            None => sign_name(c),
        };
        if !name.is_empty() {
            out.words(name, whole.clone());
        }
    }
    out.finish()
}

fn sign_name(c: char) -> &'static str {
    match c {
        '.' => "dot",
        ',' => "comma",
        ':' => "colon",
        ';' => "semicolon",
        '!' => "exclamation mark",
        '?' => "question mark",
        '-' => "dash",
        '_' => "underscore",
        '/' => "slash",
        '\\' => "backslash",
        '@' => "at",
        '#' => "hash",
        '$' => "dollar",
        '%' => "percent",
        '&' => "and",
        '*' => "star",
        '+' => "plus",
        '=' => "equals",
        '<' => "less than",
        '>' => "greater than",
        '(' => "open bracket",
        ')' => "close bracket",
        '[' => "open square bracket",
        ']' => "close square bracket",
        '{' => "open brace",
        '}' => "close brace",
        '\'' => "apostrophe",
        '"' => "quote",
        '|' => "bar",
        '~' => "tilde",
        '^' => "caret",
        '`' => "backtick",
        _ => "",
    }
}

/// A date whose parts are in a given order; `None` if the text has other parts.
fn in_order(text: &str, order: DateOrder, context: Context<'_>) -> Option<String> {
    let letters = match order {
        DateOrder::Usual => return None,
        DateOrder::Mdy => "mdy",
        DateOrder::Dmy => "dmy",
        DateOrder::Ymd => "ymd",
        DateOrder::Ydm => "ydm",
        DateOrder::Md => "md",
        DateOrder::Dm => "dm",
        DateOrder::Ym => "ym",
        DateOrder::My => "my",
        DateOrder::M => "m",
        DateOrder::D => "d",
        DateOrder::Y => "y",
    };
    let parts = date_parts(text, letters)?;
    let part = |letter: char| {
        letters
            .chars()
            .position(|l| l == letter)
            .map(|i| parts[i].as_str())
    };
    let month = match part('m') {
        Some(m) => Some(date::month_name(m)?),
        None => None,
    };
    let day = match part('d') {
        Some(d) => Some(d.parse::<usize>().ok().filter(|d| (1..=31).contains(d))?),
        None => None,
    };
    let year_words = part('y').map(|y| year(y, context.language));
    let words = match (month, day) {
        (Some(month), Some(day)) => date::day_of_month(month, day, context.language),
        (Some(month), None) => month.to_owned(),
        (None, Some(day)) => number_words::ordinal(&day.to_string(), context.language),
        (None, None) => return year_words,
    };
    Some(match (year_words, day) {
        (Some(year), Some(_)) => format!("{words}, {year}"),
        (Some(year), None) => format!("{words} {year}"),
        (None, _) => words,
    })
}

/// The parts of a date, one for each of `letters`; digits without separators are cut by their usual lengths.
fn date_parts(text: &str, letters: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|p| !p.is_empty())
        .map(|p| {
            p.trim_end_matches(|c: char| {
                c.is_alphabetic() && p.starts_with(|f: char| f.is_ascii_digit())
            })
            .to_owned()
        })
        .collect();
    let parts = match parts.as_slice() {
        [run] if letters.len() > 1 && run.bytes().all(|b| b.is_ascii_digit()) => {
            let width = |l: char| if l == 'y' { 4 } else { 2 };
            if run.len() != letters.chars().map(width).sum::<usize>() {
                return None;
            }
            let mut rest = run.as_str();
            letters
                .chars()
                .map(|l| {
                    let (head, tail) = rest.split_at(width(l));
                    rest = tail;
                    head.to_owned()
                })
                .collect()
        }
        _ => parts,
    };
    (parts.len() == letters.len()).then_some(parts)
}

/// Digits in their groups; letters as words ("ext"). `None` if there are none.
fn telephone(text: &str) -> Option<String> {
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut groups: Vec<String> = Vec::new();
    for group in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|g| !g.is_empty())
    {
        let letters: String = group.chars().filter(|c| c.is_alphabetic()).collect();
        let digits: String = group.chars().filter(char::is_ascii_digit).collect();
        match letters.to_lowercase().as_str() {
            "" => {}
            "x" | "ext" => groups.push("extension".to_owned()),
            other => groups.push(other.to_owned()),
        }
        if digits == "800" {
            groups.push(cardinal(&digits, crate::Language::EnUs));
        } else if !digits.is_empty() {
            // Long groups are said in threes and fours.
            let size = if digits.len() > 4 { 3 } else { 4 };
            let mut rest = digits.as_str();
            while rest.len() > 4 {
                let (head, tail) = rest.split_at(size);
                groups.push(digit_by_digit(head));
                rest = tail;
            }
            groups.push(digit_by_digit(rest));
        }
    }
    let plus = if text.trim_start().starts_with('+') {
        "plus "
    } else {
        ""
    };
    Some(format!("{plus}{}", groups.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::compose;
    use super::*;
    use crate::{Frontend, Language};

    fn check(language: Language, rows: &[(SayAs, &str, &str)]) {
        let frontend = Frontend::new(language).unwrap();
        for (kind, text, expected) in rows {
            let context = Context {
                language,
                lexicon: &frontend.pronouncer,
            };
            let found = compose(&read(*kind, text, context)).text;
            assert_eq!(found, *expected, "{kind:?} {text}");
        }
    }

    #[test]
    fn each_kind_reads_its_own() {
        check(
            Language::EnUs,
            &[
                (
                    SayAs::Cardinal,
                    "1999",
                    "one thousand nine hundred ninety-nine",
                ),
                (SayAs::Cardinal, "-3.5", "minus three point five"),
                (SayAs::Cardinal, "many", "many"),
                (SayAs::Ordinal, "21", "twenty-first"),
                (SayAs::Characters, "AB-1", "A-B dash one"),
                (SayAs::Characters, "a", "A"),
                (SayAs::Digits, "2026", "two zero two six"),
                (SayAs::Fraction, "3/4", "three quarters"),
                (SayAs::Unit, "5km", "five kilometers"),
                (
                    SayAs::Date(DateOrder::Dmy),
                    "3/4/2026",
                    "April third, twenty twenty-six",
                ),
                (
                    SayAs::Date(DateOrder::Ymd),
                    "20260403",
                    "April third, twenty twenty-six",
                ),
                (SayAs::Date(DateOrder::Md), "4-3", "April third"),
                (SayAs::Date(DateOrder::Y), "1905", "nineteen oh five"),
                (
                    SayAs::Date(DateOrder::Dmy),
                    "3 Apr 2026",
                    "April third, twenty twenty-six",
                ),
                (
                    SayAs::Date(DateOrder::Usual),
                    "3/4/2026",
                    "March fourth, twenty twenty-six",
                ),
                (SayAs::Date(DateOrder::Md), "nonsense", "nonsense"),
                (SayAs::Time, "3:05 pm", "three oh five P-M"),
                (
                    SayAs::Telephone,
                    "2122241555",
                    "two one two, two two four, one five five five",
                ),
                (
                    SayAs::Telephone,
                    "+44 20 x12",
                    "plus four four, two zero, extension, one two",
                ),
                (SayAs::Currency, "$42.01", "forty-two dollars and one cent"),
            ],
        );
        check(
            Language::EnGb,
            &[(
                SayAs::Date(DateOrder::Mdy),
                "4/3/2026",
                "the third of April, twenty twenty-six",
            )],
        );
    }
}

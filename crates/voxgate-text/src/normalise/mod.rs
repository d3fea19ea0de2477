//! Written English to spoken words.
//!
//! A sentence is cleaned, then read from left to right: at each token the classes of [`CLASSES`] are asked in order,
//! the most specific first, and the first that recognises the text there says how many bytes it takes and which words
//! they are. What no class takes is punctuation or silent. Each class is a module with its own table of tests and
//! knows nothing of the others but [`number`] and [`identifier`], which several need.
//!
//! Does not know phonemes; asks the lexicon only whether a spelling is a word.

mod abbreviation;
mod acronym;
mod cardinal;
mod clean;
mod currency;
mod date;
mod emoji;
mod identifier;
mod markup;
mod number;
mod number_words;
mod ordinal;
mod phone;
mod piece;
mod roman;
mod social;
mod symbol;
mod time;
mod unit;
mod url;
mod version;

use crate::Language;
use crate::pronounce::Pronouncer;
use piece::Pieces;
pub(crate) use piece::{Piece, PieceKind, compose};

/// The classes in the order they are asked.
const CLASSES: [fn(&Cursor<'_>) -> Option<Reading>; 16] = [
    url::read,
    phone::read,
    date::read,
    time::read,
    version::read,
    currency::read,
    unit::read,
    ordinal::read,
    cardinal::read,
    social::read,
    abbreviation::read,
    roman::read,
    acronym::read,
    identifier::read,
    symbol::read,
    skip_silent,
];

/// What a class made of the text at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Bytes taken, at least one.
    len: usize,
    /// The words; may hold commas for a breath. Empty if silent.
    words: String,
}

impl Reading {
    fn new(len: usize, words: impl Into<String>) -> Option<Reading> {
        Some(Reading {
            len,
            words: words.into(),
        })
    }
}

/// A place in a cleaned sentence where a token starts.
struct Cursor<'t> {
    text: &'t str,
    at: usize,
    language: Language,
    lexicon: &'t Pronouncer,
    /// Most letters of the sentence are capitals: they carry no meaning.
    shouting: bool,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn before(&self) -> &'t str {
        &self.text[..self.at]
    }

    /// The character before the cursor; `None` at the start.
    fn previous_char(&self) -> Option<char> {
        self.before().chars().next_back()
    }

    /// Whether the cursor stands behind a blank, an opening mark or nothing: not inside a run of characters.
    fn at_word_start(&self) -> bool {
        self.previous_char().is_none_or(|c| !c.is_alphanumeric())
    }

    /// The last word before the cursor, without punctuation.
    fn previous_word(&self) -> &'t str {
        let before = self.before().trim_end();
        let start = before
            .rfind(|c: char| c.is_whitespace() || c == '(')
            .map_or(0, |i| i + 1);
        before[start..].trim_matches(|c: char| !c.is_alphanumeric())
    }

    /// Whether only closing marks follow `len` bytes further on: a full stop there ends the sentence.
    fn ends_after(&self, len: usize) -> bool {
        !self.rest()[len..].contains(|c: char| c.is_alphanumeric())
    }
}

/// The spoken pieces of a sentence. Their sources are bytes of `sentence` plus `offset`.
pub(crate) fn pieces(
    sentence: &str,
    offset: usize,
    language: Language,
    lexicon: &Pronouncer,
) -> Vec<Piece> {
    let cleaned = clean::clean(sentence);
    let text = cleaned.text.as_str();
    let mut out = Pieces::default();
    let mut at = 0;
    let shouting = acronym::is_shouting(text);
    while at < text.len() {
        let cursor = Cursor {
            text,
            at,
            language,
            lexicon,
            shouting,
        };
        let reading = CLASSES
            .iter()
            .find_map(|class| class(&cursor))
            .filter(|r| r.len > 0);
        // `skip_silent` takes anything; the fallback only keeps the loop honest.
        let len = reading.as_ref().map_or_else(
            || cursor.rest().chars().next().map_or(1, char::len_utf8),
            |r| r.len,
        );
        let source = cleaned.source(at..at + len);
        let source = source.start + offset..source.end + offset;
        match reading {
            Some(Reading { words, .. }) if !words.is_empty() => out.words(&words, source),
            _ => {}
        }
        at += len;
    }
    out.finish()
}

/// The name of a digit.
pub(crate) fn digit_name(digit: u32) -> &'static str {
    const NAMES: [&str; 10] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    NAMES[digit as usize % 10]
}

/// Blanks and characters without a reading.
fn skip_silent(cursor: &Cursor<'_>) -> Option<Reading> {
    Reading::new(cursor.rest().chars().next()?.len_utf8(), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_have_names() {
        assert_eq!(digit_name(0), "zero");
        assert_eq!(digit_name(9), "nine");
    }
}

/// Table tests of the classes: one call per row.
#[cfg(test)]
mod table {
    use crate::{Frontend, Language};

    /// Asserts that each text is normalised as written beside it.
    #[track_caller]
    pub(super) fn check(language: Language, rows: &[(&str, &str)]) {
        let frontend = Frontend::new(language).unwrap();
        let wrong: Vec<String> = rows
            .iter()
            .map(|(text, expected)| (text, expected, frontend.normalise(text)))
            .filter(|(_, expected, found)| **expected != found)
            .map(|(text, expected, found)| {
                format!("{text}\n    expected: {expected}\n    found:    {found}")
            })
            .collect();
        assert!(
            wrong.is_empty(),
            "{} of {} rows differ\n{}",
            wrong.len(),
            rows.len(),
            wrong.join("\n")
        );
    }

    #[track_caller]
    pub(super) fn us(rows: &[(&str, &str)]) {
        check(Language::EnUs, rows);
    }

    #[track_caller]
    pub(super) fn gb(rows: &[(&str, &str)]) {
        check(Language::EnGb, rows);
    }
}

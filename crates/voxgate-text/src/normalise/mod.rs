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
mod say_as;
mod social;
mod symbol;
mod time;
mod unit;
mod url;
mod version;

use crate::Language;
use crate::passage::{Fixed, FixedReading, Passage};
use crate::pronounce::{Pronouncer, from_ipa};
use piece::Pieces;
pub(crate) use piece::{Piece, PieceKind, compose};
pub use say_as::{DateOrder, SayAs};

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

/// In which language a text is read, and with which words.
#[derive(Clone, Copy)]
pub(crate) struct Context<'t> {
    pub(crate) language: Language,
    pub(crate) lexicon: &'t Pronouncer,
}

/// The spoken pieces of a sentence, without what was spoken before. Their sources are bytes of the sentence.
pub(crate) fn pieces(sentence: &Passage<'_>, context: Context<'_>) -> Vec<Piece> {
    let barrier = sentence.spoken();
    let mut pieces = pieces_of(
        sentence.text(),
        sentence.fixed(),
        (barrier > 0).then_some(barrier),
        context,
    );
    if barrier > 0 {
        pieces.retain(|p| p.source.end > barrier);
        let word = pieces
            .iter()
            .position(|p| matches!(p.kind, PieceKind::Word | PieceKind::Open));
        pieces.drain(..word.unwrap_or(pieces.len()));
    }
    pieces
}

/// The pieces of a text with stretches whose reading is given. No reading crosses byte `barrier`.
fn pieces_of(
    sentence: &str,
    fixed: &[Fixed],
    barrier: Option<usize>,
    context: Context<'_>,
) -> Vec<Piece> {
    let cleaned = clean::clean(sentence, fixed);
    let text = cleaned.text.as_str();
    let mut out = Pieces::default();
    let mut at = 0;
    let shouting = acronym::is_shouting(text);
    let barrier = barrier.map(|source| cleaned.position(source));
    let mut given = cleaned.given.iter().zip(fixed).peekable();
    // No reading goes beyond the next given one, nor across the barrier.
    let mut limit = 0;
    while at < text.len() {
        if at >= limit {
            if let Some((place, fixed)) = given.next_if(|(place, _)| place.start <= at) {
                read_given(fixed, sentence, context, &mut out);
                at = place.end;
                continue;
            }
            let next = given.peek().map_or(text.len(), |(place, _)| place.start);
            limit = barrier.filter(|b| *b > at).map_or(next, |b| b.min(next));
        }
        let cursor = Cursor {
            text,
            at,
            language: context.language,
            lexicon: context.lexicon,
            shouting,
        };
        let reading = CLASSES
            .iter()
            .filter_map(|class| class(&cursor))
            .find(|r| r.len > 0 && at + r.len <= limit);
        // `skip_silent` takes anything; the fallback only keeps the loop honest.
        let len = reading.as_ref().map_or_else(
            || cursor.rest().chars().next().map_or(1, char::len_utf8),
            |r| r.len,
        );
        match reading {
            Some(Reading { words, .. }) if !words.is_empty() => {
                out.words(&words, cleaned.source(at..at + len));
            }
            _ => {}
        }
        at += len;
    }
    out.finish()
}

/// Adds a stretch with a given reading.
fn read_given(fixed: &Fixed, sentence: &str, context: Context<'_>, out: &mut Pieces) {
    let written = &sentence[fixed.range.clone()];
    match &fixed.reading {
        FixedReading::SayAs(kind) => {
            for piece in say_as::read(*kind, written, context) {
                out.piece(piece, fixed.range.clone());
            }
        }
        FixedReading::Ipa { ipa, possessive } => {
            // Pronunciations were checked when they came in.
            let mut phonemes = from_ipa(ipa, context.language).unwrap_or_default();
            if *possessive {
                phonemes = context.lexicon.possessive(&phonemes);
            }
            let shown = shown(written);
            let text = if shown.is_empty() { &phonemes } else { &shown };
            out.given(text.clone(), phonemes, fixed.range.clone());
        }
    }
}

/// A written word as a line of spoken words shows it: letters, digits and what stands inside words.
fn shown(written: &str) -> String {
    let plain: String = written
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '\'' | '’' | '-') {
                c
            } else {
                ' '
            }
        })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ")
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

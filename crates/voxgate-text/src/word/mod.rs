//! Which words of the caller's text a clause speaks, and with which of its phonemes.
//!
//! A word of the caller is what stands between blanks in their text, without the punctuation around it. Several spoken
//! words may come from one (`$5`), and what was read as one may be several (`5 km`): here the former are merged and the
//! latter divided. Does not read; gets the spoken words with their sources.

mod align;

use std::ops::Range;

use crate::passage::Passage;

/// A word of the caller's text inside a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Bytes of the caller's text. On character boundaries; words of a clause ascend and do not overlap.
    pub source: Range<usize>,
    /// Its symbols (characters, not bytes) of the clause's phonemes: what it sounds like. Never empty; ascending.
    pub phonemes: Range<usize>,
}

impl Word {
    /// Whether this is the same word of the caller as `before`, the last word of the clause before, going on: too long
    /// for one clause, or an alias of several sentences. Their times are one word's.
    #[must_use]
    pub fn continues(&self, before: &Word) -> bool {
        self.source.start < before.source.end
    }

    /// Takes in a word that follows.
    fn extend(&mut self, next: &Word) {
        self.source.end = self.source.end.max(next.source.end);
        self.source.start = self.source.start.min(next.source.start);
        self.phonemes.end = self.phonemes.end.max(next.phonemes.end);
    }
}

/// A spoken word: a token of a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Bytes of the sentence that was read; the same for all words of one reading.
    pub(crate) range: Range<usize>,
    /// Where it begins in the line of spoken words.
    pub(crate) spoken: usize,
    /// Its symbols of the clause's phonemes.
    pub(crate) phonemes: Range<usize>,
}

/// The caller's words behind the spoken words of a part of `sentence`; `line` is the part as spoken.
pub(crate) fn words(units: &[Unit], line: &str, sentence: &Passage<'_>) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::with_capacity(units.len());
    let mut end = 0;
    let mut at = 0;
    while let Some(first) = units.get(at) {
        let count = units[at..]
            .iter()
            .take_while(|u| u.range == first.range)
            .count();
        let reading = &units[at..at + count];
        at += count;
        let text = sentence.text();
        let divided = if count > 1 && sentence.is_copied(&first.range) {
            align::divide(&text[first.range.clone()], reading, line)
        } else {
            Vec::new()
        };
        let parts = if divided.is_empty() {
            let last = reading.last().unwrap_or(first);
            vec![(
                trimmed(text, &first.range),
                first.phonemes.start..last.phonemes.end,
            )]
        } else {
            divided
                .into_iter()
                .map(|(range, phonemes)| {
                    (
                        range.start + first.range.start..range.end + first.range.start,
                        phonemes,
                    )
                })
                .collect()
        };
        for (range, phonemes) in parts {
            let word = Word {
                source: sentence.source(range.clone()),
                phonemes,
            };
            let gap = text.get(end..range.start).unwrap_or_default();
            match out.last_mut() {
                Some(last) if word.continues(last) || !gap.contains(parts_words) => {
                    last.extend(&word);
                }
                _ => out.push(word),
            }
            end = range.end;
        }
    }
    out
}

/// Puts the words of a second part behind those of a first, whose phonemes have `shift` symbols with the blank.
pub(crate) fn join(first: &mut Vec<Word>, second: Vec<Word>, shift: usize) {
    for mut word in second {
        word.phonemes = word.phonemes.start + shift..word.phonemes.end + shift;
        match first.last_mut() {
            Some(last) if word.continues(last) => last.extend(&word),
            _ => first.push(word),
        }
    }
}

/// Whether a character between two spoken words parts two words of the caller. What joins compounds, addresses and
/// formulas does not.
fn parts_words(c: char) -> bool {
    c.is_whitespace()
        || !(c.is_alphanumeric()
            || matches!(
                c,
                '-' | '‐'
                    | '‑'
                    | '_'
                    | '\''
                    | '’'
                    | '*'
                    | '/'
                    | '\\'
                    | '&'
                    | '+'
                    | '='
                    | '@'
                    | '#'
                    | '~'
                    | '^'
                    | '`'
                    | '%'
            )
            || unicode_normalization::char::is_combining_mark(c)
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'))
}

/// A range without the punctuation and blanks at its edges, unless nothing else is in it.
fn trimmed(text: &str, range: &Range<usize>) -> Range<usize> {
    let written = &text[range.clone()];
    let edge = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ';' | ':' | '!' | '?' | '…' | '"' | '“' | '”' | '(' | ')' | '[' | ']'
            )
    };
    // The semicolon of an entity is its own.
    let entity = written.starts_with('&') && written.ends_with(';');
    let end = if entity {
        written.len()
    } else {
        written.trim_end_matches(edge).len()
    };
    if end == 0 {
        return range.clone();
    }
    let start = written.len() - written.trim_start_matches(edge).len();
    range.start + start..range.start + end
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "pay five dollars now in slash out up kilometers";

    fn unit(range: Range<usize>, word: &str, phonemes: Range<usize>) -> Unit {
        Unit {
            range,
            spoken: LINE.find(word).unwrap(),
            phonemes,
        }
    }

    fn named<'t>(text: &'t str, units: &[Unit]) -> Vec<(&'t str, Range<usize>)> {
        words(units, LINE, &Passage::new(text))
            .into_iter()
            .map(|w| (&text[w.source], w.phonemes))
            .collect()
    }

    #[test]
    fn several_spoken_words_of_one_written_word_are_one() {
        assert_eq!(
            named(
                "pay $5 now",
                &[
                    unit(0..3, "pay", 0..2),
                    unit(4..6, "five", 3..5),
                    unit(4..6, "dollars", 6..9),
                    unit(7..10, "now", 10..12),
                ]
            ),
            [("pay", 0..2), ("$5", 3..9), ("now", 10..12)]
        );
        assert_eq!(
            named(
                "in/out—up",
                &[
                    unit(0..2, "in", 0..2),
                    unit(2..3, "slash", 3..5),
                    unit(3..6, "out", 6..9),
                    unit(9..11, "up", 12..14),
                ]
            ),
            [("in/out", 0..9), ("up", 12..14)]
        );
    }

    #[test]
    fn what_was_read_as_one_is_divided_at_blanks() {
        assert_eq!(
            named(
                "5 km,",
                &[unit(0..4, "five", 0..3), unit(0..4, "kilometers", 4..9)]
            ),
            [("5", 0..3), ("km", 4..9)]
        );
    }

    #[test]
    fn parts_join_and_a_word_that_goes_on_stays_one() {
        let word = |source: Range<usize>, phonemes: Range<usize>| Word { source, phonemes };
        let mut first = vec![word(0..3, 0..2), word(4..9, 3..5)];
        join(&mut first, vec![word(4..9, 0..2), word(10..12, 3..4)], 7);
        assert_eq!(
            first,
            [word(0..3, 0..2), word(4..9, 3..9), word(10..12, 10..11)]
        );
    }
}

//! Raw text to sentences, one at a time.
//!
//! Owns sentence and paragraph boundaries. The segments partition the text but for blanks between them, so nothing
//! is lost; each is at most [`MAX_SEGMENT_BYTES`] long, which bounds the memory of everything downstream. Does not
//! change the text; the normaliser does.

use std::ops::Range;

use crate::abbreviations::{self, Ending};

/// The longest stretch handed on at once. English sentences rarely pass 300 bytes; one that passes this is cut at
/// punctuation, else at a blank, else between two characters.
pub(crate) const MAX_SEGMENT_BYTES: usize = 1_000;
/// Lines shorter than this end because their writer wanted them to; longer ones were wrapped.
const WRAPPED_LINE_BYTES: usize = 50;
/// How far ahead the word behind a full stop is looked at.
const MAX_WORD_CHARS: usize = 40;
/// A markup tag longer than this is not one.
const MAX_TAG_BYTES: usize = 300;

/// What stands behind a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Boundary {
    /// The sentence goes on: it was cut for its length.
    Cut,
    /// Sentence punctuation.
    Sentence,
    /// A line that ends on purpose: heading, list item, verse.
    Line,
    /// An empty line, or the end of the text.
    Paragraph,
}

/// A sentence, or a part of one that is too long. `range` indexes bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) range: Range<usize>,
    pub(crate) boundary: Boundary,
}

/// Iterates over the segments of a text.
pub(crate) struct Segments<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Segments<'t> {
    pub(crate) fn new(text: &'t str) -> Segments<'t> {
        Segments { text, at: 0 }
    }

    /// The end of the segment that starts at `start`, and what ends it.
    fn find_end(&self, start: usize) -> (usize, Boundary) {
        let text = self.text;
        let mut line_start = start;
        let mut at = start;
        while let Some(c) = text[at..].chars().next() {
            if at - start >= MAX_SEGMENT_BYTES {
                return (self.cut(start, at), Boundary::Cut);
            }
            let after = at + c.len_utf8();
            match c {
                '<' => {
                    at = skip_tag(text, at).unwrap_or(after);
                    continue;
                }
                '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    let (resume, lines) = skip_blank(text, at);
                    if resume == text.len() || lines > 1 || c == '\u{2029}' {
                        return (at, Boundary::Paragraph);
                    }
                    if ends_on_purpose(&text[line_start..at], &text[resume..]) {
                        return (at, Boundary::Line);
                    }
                    line_start = resume;
                    at = resume;
                    continue;
                }
                '。' | '！' | '？' | '｡' | '।' | '؟' | '۔' => {
                    return (
                        skip_closers(text, after),
                        self.boundary_after(skip_closers(text, after), Boundary::Sentence),
                    );
                }
                '.' | '!' | '?' | '…' => {
                    let run_end = after
                        + text[after..]
                            .find(|c| !matches!(c, '.' | '!' | '?' | '…'))
                            .unwrap_or(text.len() - after);
                    let end = skip_closers(text, run_end);
                    let rest = &text[end..];
                    if rest.starts_with(char::is_whitespace) || rest.is_empty() {
                        let ends = sentence_ends(
                            &text[start..at],
                            &text[at..run_end],
                            end > run_end,
                            rest.trim_start(),
                        );
                        if ends {
                            return (end, self.boundary_after(end, Boundary::Sentence));
                        }
                    }
                    at = run_end;
                    continue;
                }
                _ => {}
            }
            at = after;
        }
        (text.len(), Boundary::Paragraph)
    }

    /// `boundary`, or the stronger one that blank lines or the end of the text make.
    fn boundary_after(&self, end: usize, boundary: Boundary) -> Boundary {
        let (resume, lines) = skip_blank(self.text, end);
        match (resume == self.text.len(), lines) {
            (true, _) | (_, 2..) => Boundary::Paragraph,
            _ => boundary,
        }
    }

    /// Where to cut `start..limit` when the sentence is longer: late, and where a reader would breathe.
    fn cut(&self, start: usize, limit: usize) -> usize {
        let part = &self.text[start..limit];
        let late = |i: &usize| *i >= part.len() / 2;
        let after_mark = part
            .char_indices()
            .filter(|(i, c)| {
                matches!(c, ',' | ';' | ':' | '—' | '，' | '、' | '；')
                    && part[i + c.len_utf8()..]
                        .starts_with(|n: char| n.is_whitespace() || !c.is_ascii())
            })
            .map(|(i, c)| i + c.len_utf8())
            .rfind(late);
        let at_blank = || part.rfind(char::is_whitespace).filter(late);
        start + after_mark.or_else(at_blank).unwrap_or(part.len())
    }
}

impl Iterator for Segments<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let (start, _) = skip_blank(self.text, self.at);
        if start >= self.text.len() {
            return None;
        }
        let (end, boundary) = self.find_end(start);
        self.at = end;
        Some(Segment {
            range: start..end,
            boundary,
        })
    }
}

/// Skips white space from `at`; also counts line ends (`\r\n` once).
fn skip_blank(text: &str, at: usize) -> (usize, usize) {
    let mut lines = 0;
    let mut previous = '\0';
    for (i, c) in text[at..].char_indices() {
        if !c.is_whitespace() {
            return (at + i, lines);
        }
        if matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
            && !(c == '\n' && previous == '\r')
        {
            lines += 1;
        }
        previous = c;
    }
    (text.len(), lines)
}

/// Skips quotes and brackets that close a sentence.
fn skip_closers(text: &str, at: usize) -> usize {
    at + text[at..]
        .find(|c| {
            !matches!(
                c,
                '"' | '\'' | '”' | '’' | ')' | ']' | '»' | '}' | '」' | '』' | '*' | '_' | '）'
            )
        })
        .unwrap_or(text.len() - at)
}

/// The end of the markup tag at `at`, if it is one.
fn skip_tag(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at + 1..];
    if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return None;
    }
    let close = rest
        .char_indices()
        .take_while(|(i, c)| *i < MAX_TAG_BYTES && *c != '<')
        .find(|(_, c)| *c == '>')?
        .0;
    Some(at + 1 + close + 1)
}

/// Whether a single line end is meant: before a list item, or after a short line that does not run on.
fn ends_on_purpose(line: &str, next: &str) -> bool {
    let mut next_chars = next.chars();
    let (first, second) = (next_chars.next(), next_chars.next());
    let bullet = matches!(first, Some('-' | '*' | '•' | '–' | '·' | '#' | '>'))
        && second.is_none_or(char::is_whitespace)
        || matches!(first, Some('#'));
    let digits = next.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = (1..=3).contains(&digits) && next[digits..].starts_with([')', '.']);
    let line = line.trim_end();
    bullet
        || numbered
        || line.len() < WRAPPED_LINE_BYTES
            && !line.ends_with([',', '-', '–', '—', '&'])
            && first
                .is_some_and(|c| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '"' | '“'))
}

/// Whether the terminator `mark` behind `before` ends a sentence, given what follows the blank.
fn sentence_ends(before: &str, mark: &str, quoted: bool, next: &str) -> bool {
    if next.is_empty() {
        return true;
    }
    let next_lower = next.starts_with(char::is_lowercase);
    if mark.len() > 1 && mark.chars().all(|c| matches!(c, '.' | '…')) {
        return !next_lower;
    }
    if mark != "." {
        // “Why?” she asked.
        return !(quoted && next_lower);
    }
    if quoted {
        return !next_lower;
    }
    let word = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    if word.len() == before.trim_start().len()
        && !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_digit())
    {
        // A list number: "1. Open the lid."
        return word.len() > 3;
    }
    // Words are short: a bound keeps a text of nothing but stops from being scanned again and again.
    let near = next
        .char_indices()
        .nth(MAX_WORD_CHARS)
        .map_or(next, |(i, _)| &next[..i]);
    let next_word = near
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .find(|w| !w.is_empty())
        .unwrap_or_default();
    let starter = abbreviations::starts_sentence(next_word);
    let single_capital = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    if single_capital {
        // J. K. Rowling goes on; "Plan B. Then" does not.
        return starter || next_lower || word == "I";
    }
    match abbreviations::ending(word) {
        Ending::Ordinary => true,
        Ending::Never => false,
        Ending::BeforeNumber => !next.starts_with(|c: char| c.is_ascii_digit()),
        Ending::BeforeStarter => starter,
        Ending::BeforeCapital => {
            next_word.starts_with(char::is_uppercase)
                && !abbreviations::is_calendar_word(next_word)
                && !(next_word.len() > 1 && next_word.chars().all(char::is_uppercase))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        Segments::new(text).map(|s| &text[s.range]).collect()
    }

    #[test]
    fn sentences() {
        for expected in [
            &["Hello world."][..],
            &["One.", "Two!", "Three?", "Four"],
            &["Dr. Smith met Mr. Jones at 5 p.m. EST.", "They left."],
            &["J. K. Rowling wrote it.", "I read it."],
            &["It costs 3.50 today.", "See example.com now."],
            &["He said \"Stop.\"", "Then he left."],
            &["“Why?” she asked.", "Nobody knew."],
            &["Wait... what?", "Well…", "Yes."],
            &[
                "We live at 5 Main St. in Rome.",
                "The shop is on Elm St.",
                "The door is red.",
            ],
            &["The U.S. economy grew.", "We sell in the U.S.", "They buy."],
            &["See Fig. 3 and No. 7.", "I said no.", "Fine."],
            &["Plan B.", "Then what?"],
            &[
                "Bring pens, paper, etc. to class.",
                "Pens, paper, etc.",
                "Next.",
            ],
            &["1. Open the lid.", "2. Pour."],
            &["What?!", "No!!!", "OK."],
            &["At 10 a.m. Monday we met."],
            &["Add 2 tbsp. sugar.", "Go 2.5 mi. to it."],
        ] {
            let text = expected.join(" ");
            assert_eq!(split(&text), expected, "{text}");
        }
    }

    #[test]
    fn lines_and_paragraphs() {
        let text = "A Heading\nBody text that is long enough to have been wrapped by an\neditor.\n\nNext paragraph.\n- one\n- two\n";
        let found: Vec<(&str, Boundary)> = Segments::new(text)
            .map(|s| (&text[s.range], s.boundary))
            .collect();
        assert_eq!(
            found,
            vec![
                ("A Heading", Boundary::Line),
                (
                    "Body text that is long enough to have been wrapped by an\neditor.",
                    Boundary::Paragraph
                ),
                ("Next paragraph.", Boundary::Sentence),
                ("- one", Boundary::Line),
                ("- two", Boundary::Paragraph),
            ]
        );
    }

    /// The work grows with the text, not with its square.
    #[test]
    fn a_megabyte_of_stops_is_quick() {
        let start = std::time::Instant::now();
        let text = "? . ".repeat(250_000);
        assert!(Segments::new(&text).count() > 1_000);
        assert!(start.elapsed().as_secs() < 5);
    }

    #[test]
    fn tags_do_not_end_sentences() {
        assert_eq!(
            split("<p title=\"A. B\">Hello</p> there. Bye."),
            ["<p title=\"A. B\">Hello</p> there.", "Bye."]
        );
        assert_eq!(split("a < b. c"), ["a < b.", "c"]);
    }

    #[test]
    fn long_stretches_are_cut_and_complete() {
        for text in [
            "x".repeat(10_000),
            "word ".repeat(3_000),
            "clause, and ".repeat(1_000),
            "é".repeat(5_000),
            "。".repeat(2_000),
        ] {
            let mut end = 0;
            for s in Segments::new(&text) {
                assert!(s.range.start >= end && s.range.end > s.range.start);
                assert!(text[end..s.range.start].trim().is_empty());
                assert!(s.range.len() <= MAX_SEGMENT_BYTES + 4);
                end = s.range.end;
            }
            assert!(text[end..].trim().is_empty());
        }
    }
}

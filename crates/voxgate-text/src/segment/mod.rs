//! Raw text to sentences, one at a time.
//!
//! Owns sentence and paragraph boundaries. The segments partition the text but for blanks between them, so nothing
//! is lost; each is at most [`MAX_SEGMENT_BYTES`] long, which bounds the memory of everything downstream. Works on a
//! whole text or on the beginning of one: then it answers only what no continuation can change. Does not change the
//! text; the normaliser does.

mod ending;

use std::ops::Range;

use crate::passage::Fixed;
use ending::{ends_on_purpose, sentence_ends};

/// The longest stretch handed on at once. English sentences rarely pass 300 bytes; one that passes this is cut at
/// punctuation, else at a blank, else between two characters.
pub(crate) const MAX_SEGMENT_BYTES: usize = 1_000;
/// A markup tag longer than this is not one.
const MAX_TAG_BYTES: usize = 300;
/// Longer white space ends a paragraph, whatever it is made of.
pub(crate) const MAX_BLANK_BYTES: usize = 256;
/// Marks and closing quotes in a row are looked at up to this length.
const MAX_RUN_BYTES: usize = 64;

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

/// What comes next in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    Segment(Segment),
    /// It depends on text that has not come yet.
    Unknown,
    /// Nothing but blanks is left.
    End,
}

/// Walks over the segments of a text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Segments {
    at: usize,
}

/// A text as the splitter sees it.
#[derive(Clone, Copy)]
pub(crate) struct Known<'t> {
    pub(crate) text: &'t str,
    /// Stretches that stay whole, ascending.
    pub(crate) fixed: &'t [Fixed],
    /// Whether more text may follow.
    pub(crate) open: bool,
}

impl<'t> Known<'t> {
    pub(crate) fn whole(text: &'t str) -> Known<'t> {
        Known {
            text,
            fixed: &[],
            open: false,
        }
    }
}

impl Segments {
    /// Where the last segment ended.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    /// The segment behind the last one.
    pub(crate) fn next(&mut self, known: Known<'_>) -> Next {
        let text = known.text;
        let (start, _) = skip_blank(text, self.at);
        if start >= text.len() {
            return if known.open { Next::Unknown } else { Next::End };
        }
        match known.find_end(start) {
            Some((end, boundary)) => {
                self.at = end;
                Next::Segment(Segment {
                    range: start..end,
                    boundary,
                })
            }
            None => Next::Unknown,
        }
    }
}

impl Known<'_> {
    /// The end of the segment that starts at `start`, and what ends it. `None` if that depends on text to come.
    fn find_end(self, start: usize) -> Option<(usize, Boundary)> {
        let text = self.text;
        let mut line_start = start;
        let mut at = start;
        let first = self.fixed.partition_point(|f| f.range.start < start);
        let mut fixed = self.fixed[first..].iter().peekable();
        while let Some(c) = text[at..].chars().next() {
            if at - start >= MAX_SEGMENT_BYTES {
                return Some((self.cut(start, at), Boundary::Cut));
            }
            if let Some(whole) = fixed.next_if(|f| f.range.start <= at) {
                at = whole.range.end.max(at);
                continue;
            }
            let after = at + c.len_utf8();
            match c {
                '<' => match skip_tag(text, at) {
                    Tag::None => at = after,
                    Tag::To(end) => at = end,
                    Tag::Unclosed if self.open => return None,
                    Tag::Unclosed => at = after,
                },
                '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                    let (resume, lines) = skip_blank(text, at);
                    if lines > 1 || c == '\u{2029}' || resume - at > MAX_BLANK_BYTES {
                        return Some((at, Boundary::Paragraph));
                    }
                    if resume == text.len() {
                        return (!self.open).then_some((at, Boundary::Paragraph));
                    }
                    if ends_on_purpose(&text[line_start..at], &text[resume..], self.open)? {
                        return Some((at, Boundary::Line));
                    }
                    line_start = resume;
                    at = resume;
                }
                '。' | '！' | '？' | '｡' | '।' | '؟' | '۔' => {
                    let end = skip_closers(text, after);
                    if self.open && end == text.len() {
                        return None;
                    }
                    return Some((end, self.boundary_after(end)));
                }
                '.' | '!' | '?' | '…' => {
                    let run_end = skip_run(text, after, |c| matches!(c, '.' | '!' | '?' | '…'));
                    let end = skip_closers(text, run_end);
                    let rest = &text[end..];
                    if self.open && rest.is_empty() {
                        return None;
                    }
                    if rest.starts_with(char::is_whitespace) || rest.is_empty() {
                        let next = rest.trim_start();
                        let ends = rest.len() - next.len() > MAX_BLANK_BYTES
                            || sentence_ends(
                                &text[start..at],
                                &text[at..run_end],
                                end > run_end,
                                next,
                                self.open,
                            )?;
                        if ends {
                            return Some((end, self.boundary_after(end)));
                        }
                    }
                    at = run_end;
                }
                _ => at = after,
            }
        }
        (!self.open).then_some((text.len(), Boundary::Paragraph))
    }

    /// The end of a sentence, or the stronger one that blank lines or the end of the text make.
    ///
    /// Where the text may go on behind the blanks, what is known so far counts.
    fn boundary_after(self, end: usize) -> Boundary {
        let (resume, lines) = skip_blank(self.text, end);
        match (resume == self.text.len() && !self.open, lines) {
            (true, _) | (_, 2..) => Boundary::Paragraph,
            _ => Boundary::Sentence,
        }
    }

    /// Where to cut `start..limit` when the sentence is longer: late, and where a reader would breathe.
    fn cut(self, start: usize, limit: usize) -> usize {
        let part = &self.text[start..limit];
        let late = |i: &usize| *i >= part.len() / 2;
        let after_mark = part
            .char_indices()
            .filter(|(i, c)| {
                matches!(c, ',' | ';' | ':' | '—' | '，' | '、' | '；')
                    && part[i + c.len_utf8()..]
                        .starts_with(|n: char| n.is_whitespace() || !n.is_ascii())
            })
            .map(|(i, c)| i + c.len_utf8())
            .rfind(late);
        let at_blank = || part.rfind(char::is_whitespace).filter(late);
        let at = start + after_mark.or_else(at_blank).unwrap_or(part.len());
        // A stretch with a given reading stays whole.
        match self
            .fixed
            .iter()
            .find(|f| f.range.start < at && at < f.range.end)
        {
            Some(whole) if whole.range.start > start => whole.range.start,
            Some(whole) => whole.range.end,
            None => at,
        }
    }
}

/// Skips white space from `at`; also counts line ends (`\r\n` once).
pub(crate) fn skip_blank(text: &str, at: usize) -> (usize, usize) {
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
    skip_run(text, at, |c| {
        matches!(
            c,
            '"' | '\'' | '”' | '’' | ')' | ']' | '»' | '}' | '」' | '』' | '*' | '_' | '）'
        )
    })
}

/// Skips characters of a kind, up to [`MAX_RUN_BYTES`].
fn skip_run(text: &str, at: usize, kind: impl Fn(char) -> bool) -> usize {
    at + text[at..]
        .char_indices()
        .find(|(i, c)| *i >= MAX_RUN_BYTES || !kind(*c))
        .map_or(text.len() - at, |(i, _)| i)
}

/// What a `<` begins.
enum Tag {
    /// No tag.
    None,
    /// A tag that ends at this byte.
    To(usize),
    /// A tag whose end is not in the text.
    Unclosed,
}

/// The markup tag at `at`.
fn skip_tag(text: &str, at: usize) -> Tag {
    let rest = &text[at + 1..];
    if rest.is_empty() {
        return Tag::Unclosed;
    }
    if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
        return Tag::None;
    }
    match rest
        .char_indices()
        .find(|(i, c)| *i >= MAX_TAG_BYTES || matches!(c, '<' | '>'))
    {
        Some((i, '>')) if i < MAX_TAG_BYTES => Tag::To(at + 1 + i + 1),
        Some(_) => Tag::None,
        None => Tag::Unclosed,
    }
}

#[cfg(test)]
mod tests;

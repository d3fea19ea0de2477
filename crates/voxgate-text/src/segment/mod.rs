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
        let mut fixed = self
            .fixed
            .iter()
            .skip_while(|f| f.range.start < start)
            .peekable();
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
mod tests {
    use super::*;

    fn segments(text: &str) -> Vec<Segment> {
        let mut segments = Segments::default();
        std::iter::from_fn(|| match segments.next(Known::whole(text)) {
            Next::Segment(segment) => Some(segment),
            Next::Unknown | Next::End => None,
        })
        .collect()
    }

    fn split(text: &str) -> Vec<&str> {
        segments(text).into_iter().map(|s| &text[s.range]).collect()
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
        let found: Vec<(&str, Boundary)> = segments(text)
            .into_iter()
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
        assert!(segments(&text).len() > 1_000);
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
            for s in segments(&text) {
                assert!(s.range.start >= end && s.range.end > s.range.start);
                assert!(text[end..s.range.start].trim().is_empty());
                assert!(s.range.len() <= MAX_SEGMENT_BYTES + 4);
                end = s.range.end;
            }
            assert!(text[end..].trim().is_empty());
        }
    }

    /// Whatever beginning of a text is known, what is answered stays true.
    #[test]
    fn a_beginning_is_split_as_the_whole() {
        for text in [
            "Dr. Smith met J. K. Rowling at 5 p.m. EST. They left. \"Why?\" she asked. No. 5 is e.g. red.",
            "One...  two?! (Three.) A <b title=\"x. Y\">tag</b>. 1. Open it. 3.14 is pi.\r\nA line\nAnother\n\n- item\n2) next",
            "。你好。」 Then. And… so Plan B. Then the U.S. We go. etc. Next",
        ] {
            let whole = segments(text);
            for end in (0..=text.len()).filter(|e| text.is_char_boundary(*e)) {
                let known = Known {
                    text: &text[..end],
                    fixed: &[],
                    open: true,
                };
                let mut walk = Segments::default();
                let mut found = Vec::new();
                while let Next::Segment(segment) = walk.next(known) {
                    found.push(segment.range);
                }
                let expected: Vec<_> = whole
                    .iter()
                    .take(found.len())
                    .map(|s| s.range.clone())
                    .collect();
                assert_eq!(found, expected, "{:?}", &text[..end]);
            }
        }
    }

    #[test]
    fn given_readings_stay_whole() {
        let text = "Say a. B. c now. End.";
        let fixed = [Fixed {
            range: 4..11,
            reading: crate::passage::FixedReading::SayAs(crate::normalise::SayAs::Characters),
        }];
        let known = Known {
            text,
            fixed: &fixed,
            open: false,
        };
        let mut walk = Segments::default();
        let Next::Segment(first) = walk.next(known) else {
            panic!("a segment")
        };
        assert_eq!(&text[first.range], "Say a. B. c now.");
    }
}

//! Text that comes piece by piece, as a language model writes it, to passages that can be spoken at once.
//!
//! Owns when a passage is complete. A sentence is handed on when no continuation could change where it ends, so the
//! passages do not depend on how the text was cut on its way, and together say the words of the whole. Only the first
//! passage may come before its sentence ends, at a mark where no reading goes across; what follows it is then read with it
//! as context. Holds at most one sentence and the short ones that wait for it. Knows plain text only, no markup.

mod early;

use crate::clause::pause;
use crate::passage::{Ending, Passage};
use crate::segment::{
    Boundary, Known, MAX_BLANK_BYTES, MAX_SEGMENT_BYTES, Next, Segments, skip_blank,
};

/// A longer piece is taken in parts of this size.
const MAX_PIECE_BYTES: usize = 4_096;

/// When passages are handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncrementalSettings {
    /// The first passage may end before its sentence does, at a comma or the like, once it has this many words. `None`:
    /// it waits for the end of the sentence.
    pub first_words: Option<usize>,
    /// A later sentence with fewer words waits for the next, since models sound unnatural on a lone "Yes." Also holds for
    /// the first passage if `first_words` is `None`.
    pub later_words: usize,
}

impl Default for IncrementalSettings {
    fn default() -> IncrementalSettings {
        IncrementalSettings {
            first_words: Some(4),
            later_words: 3,
        }
    }
}

/// Cuts text that comes piece by piece into passages.
///
/// [`Incremental::feed`] takes a piece and answers what is complete; [`Incremental::flush`] answers the rest. Sources
/// count bytes of everything fed so far.
#[derive(Debug, Clone)]
pub struct Incremental {
    settings: IncrementalSettings,
    buffer: String,
    /// Bytes fed before the first of the buffer.
    offset: usize,
    /// Bytes at the start of the buffer that were handed on and are only context.
    spoken: usize,
    /// Walks over the buffer; stands behind the sentences that wait.
    segments: Segments,
    /// Where the sentences that wait end, and how. They begin with the buffer.
    waiting: Option<(usize, Boundary)>,
    /// Whether a passage was handed on since the start or the last flush.
    started: bool,
    /// How the last passage ended: the blank lines behind it may not have come then.
    last_ending: Option<Boundary>,
    /// Silence the next passage asks for.
    pause_before_ms: u32,
}

impl Incremental {
    /// An empty text.
    #[must_use]
    pub fn new(settings: IncrementalSettings) -> Incremental {
        Incremental {
            settings,
            buffer: String::new(),
            offset: 0,
            spoken: 0,
            segments: Segments::default(),
            waiting: None,
            started: false,
            last_ending: None,
            pause_before_ms: 0,
        }
    }

    /// Takes a piece of text; answers the passages that are complete with it, in order.
    pub fn feed(&mut self, text: &str) -> Vec<Passage<'static>> {
        let mut out = Vec::new();
        let mut rest = text;
        // The passages do not depend on how the text is cut; a short buffer is quick to take from.
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(MAX_PIECE_BYTES));
            self.buffer.push_str(piece);
            self.advance(true, &mut out);
            rest = tail;
        }
        out
    }

    /// Ends the text; answers what is left of it. What is fed afterwards is a new text behind this one.
    pub fn flush(&mut self) -> Vec<Passage<'static>> {
        let mut out = Vec::new();
        self.advance(false, &mut out);
        self.offset += self.buffer.len();
        *self = Incremental {
            offset: self.offset,
            ..Incremental::new(self.settings)
        };
        out
    }

    /// Hands on what has come up to the last blank, in the middle of its sentence: for a caller that must not wait longer.
    /// The word behind the blank may not be complete and stays.
    pub fn release(&mut self) -> Option<Passage<'static>> {
        let end = self.buffer.trim_end().rfind(char::is_whitespace)?;
        let complete = self.buffer.ends_with(char::is_whitespace);
        let end = if complete {
            self.buffer.trim_end().len()
        } else {
            end
        };
        if end <= self.spoken || words(&self.buffer[self.spoken..end]) == 0 {
            return None;
        }
        Some(self.cut(end))
    }

    /// Text that was fed and not handed on.
    #[must_use]
    pub fn pending(&self) -> &str {
        &self.buffer[self.spoken..]
    }

    /// Finds what is complete. With `open`, more text may follow.
    fn advance(&mut self, open: bool, out: &mut Vec<Passage<'static>>) {
        loop {
            self.look_behind(out);
            let before = self.segments.clone();
            let known = Known {
                text: &self.buffer,
                fixed: &[],
                open,
            };
            let next = self.segments.next(known);
            let limit = match &next {
                Next::Segment(segment) => segment.range.end,
                Next::Unknown | Next::End => self.buffer.len(),
            };
            if let Some(at) = self.early_cut(before.position(), limit) {
                self.segments = before;
                let passage = self.cut(at);
                out.push(passage);
                continue;
            }
            let Next::Segment(segment) = next else { break };
            if self.waiting.is_none() && self.spoken == 0 {
                self.note_gap(segment.range.start);
            }
            self.waiting = Some((segment.range.end, segment.boundary));
            // What ends a line or paragraph is not spoken in one breath with what follows; and who hears the beginning of
            // a sentence waits for its end.
            let alone = matches!(segment.boundary, Boundary::Line | Boundary::Paragraph)
                || self.spoken > 0
                || segment.range.end >= MAX_SEGMENT_BYTES;
            let needed = match self.settings.first_words {
                _ if alone => 0,
                Some(first) if !self.started => first,
                _ => self.settings.later_words,
            };
            if words(&self.buffer[self.spoken..segment.range.end]) >= needed {
                out.extend(self.hand_on());
            }
        }
        if !open {
            out.extend(self.hand_on());
        } else if self.waiting.is_none()
            && self.buffer.len() > MAX_BLANK_BYTES
            && self.buffer.trim_start().is_empty()
        {
            // Endless white space is a paragraph's end, and need not be kept.
            self.note_gap(self.buffer.len());
            self.last_ending = None;
            self.offset += self.buffer.len();
            self.buffer.clear();
            self.segments = Segments::default();
        }
    }

    /// Hands on the sentences that wait if what came behind them ends their paragraph.
    fn look_behind(&mut self, out: &mut Vec<Passage<'static>>) {
        if let Some((end, boundary)) = &mut self.waiting {
            let (resume, lines) = skip_blank(&self.buffer, *end);
            if lines > 1 || resume - *end > MAX_BLANK_BYTES {
                *boundary = Boundary::Paragraph;
                out.extend(self.hand_on());
            }
        }
    }

    /// Where the first passage may end before its sentence, which begins at byte `from` of the buffer and does not go
    /// beyond `limit`.
    fn early_cut(&self, from: usize, limit: usize) -> Option<usize> {
        let needed = self.settings.first_words.filter(|_| !self.started)?;
        let (from, _) = skip_blank(&self.buffer, from);
        let sentence = self.buffer.get(from..limit)?;
        let before = words(&self.buffer[..from]);
        early::cut(sentence, needed.saturating_sub(before)).map(|at| from + at)
    }

    /// Hands on the buffer up to `end`, which is inside the sentence that begins where the walk stands. The sentence stays
    /// as context.
    fn cut(&mut self, end: usize) -> Passage<'static> {
        let (start, _) = skip_blank(&self.buffer, self.segments.position());
        let start = start.min(end);
        let passage = self.passage(end, Ending::Open);
        self.buffer.drain(..start);
        self.offset += start;
        self.spoken = end - start;
        self.segments = Segments::default();
        self.waiting = None;
        self.last_ending = None;
        passage
    }

    /// Hands on the sentences that wait.
    fn hand_on(&mut self) -> Option<Passage<'static>> {
        let (end, boundary) = self.waiting.take()?;
        let ending = match boundary {
            Boundary::Cut => Ending::Open,
            Boundary::Sentence => Ending::Sentence,
            Boundary::Line => Ending::Line,
            Boundary::Paragraph => Ending::Paragraph,
        };
        let passage = self.passage(end, ending);
        self.buffer.drain(..end);
        self.offset += end;
        self.spoken = 0;
        self.segments = Segments::default();
        self.last_ending = Some(boundary);
        // Signs without a word say nothing; nobody needs to be woken for them.
        (words(passage.text()) > 0 || passage.text().contains(|c: char| !c.is_ascii()))
            .then_some(passage)
    }

    fn passage(&mut self, end: usize, ending: Ending) -> Passage<'static> {
        let text = self.buffer[..end].to_owned();
        let mut passage = Passage::part(text, self.offset, self.spoken, ending);
        passage.set_continues(self.started);
        passage.set_pause_before_ms(std::mem::take(&mut self.pause_before_ms));
        self.started = true;
        passage
    }

    /// Looks at the blank before byte `start` of the buffer: if a paragraph ended there unnoticed, the rest of its pause is
    /// due.
    fn note_gap(&mut self, start: usize) {
        let given = match self.last_ending.take() {
            Some(Boundary::Sentence) => pause::SENTENCE,
            Some(Boundary::Line) => pause::LINE,
            _ => return,
        };
        let (_, lines) = skip_blank(&self.buffer[..start], 0);
        if lines > 1 || start > MAX_BLANK_BYTES {
            self.pause_before_ms = pause::PARAGRAPH - given;
        }
    }
}

/// Words of a text: what stands between blanks and holds a letter or digit.
fn words(text: &str) -> usize {
    text.split_whitespace()
        .filter(|word| word.contains(char::is_alphanumeric))
        .count()
}

#[cfg(test)]
mod tests;

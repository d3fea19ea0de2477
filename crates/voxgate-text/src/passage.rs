//! The text to be read, and the way back from each of its bytes to the caller's text.
//!
//! The two differ where markup was taken out, an entity decoded, an alias put in or a word respelled. A [`Passage`] owns
//! that mapping and the stretches whose reading is given from outside (phonemes, say-as). Does not parse markup and does
//! not know how anything is read.

use std::borrow::Cow;
use std::ops::Range;

use crate::normalise::SayAs;

/// A stretch of the text that is read in a given way, not as its letters say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fixed {
    /// Bytes of the passage's text. Not empty.
    pub(crate) range: Range<usize>,
    pub(crate) reading: FixedReading,
}

/// How a fixed stretch is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FixedReading {
    /// A pronunciation in IPA, known to be readable. `possessive` adds an English "'s" to it.
    Ipa { ipa: String, possessive: bool },
    /// The text, read as a thing of this kind.
    SayAs(SayAs),
}

/// Where a part of the text came from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Run {
    /// Its first byte in the passage's text; it ends where the next begins.
    at: usize,
    /// Bytes of the caller's text.
    source: Range<usize>,
    /// Whether it is a copy, byte for byte. Otherwise it stands for the source as a whole.
    copied: bool,
}

/// What stands behind a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// The sentence goes on in the next passage, unless its own punctuation ends it.
    Open,
    /// A sentence ends here.
    Sentence,
    /// A line ends here on purpose: a heading, an item of a list.
    Line,
    /// A paragraph ends here, or the text.
    Paragraph,
}

/// A text to be read as one: plain, or what markup made of it.
///
/// Holds the text the front end reads and, for each part of it, the bytes of the caller's text that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage<'t> {
    text: Cow<'t, str>,
    /// Ascending and without gaps; empty if the text is a copy of the caller's from `offset` on.
    runs: Vec<Run>,
    /// Ascending, apart from each other.
    fixed: Vec<Fixed>,
    offset: usize,
    spoken: usize,
    ending: Ending,
    pause_before_ms: u32,
    pause_follows: bool,
    /// Whether it goes on with a text whose script was checked.
    continues: bool,
}

impl<'t> Passage<'t> {
    /// A plain text, read to its end.
    #[must_use]
    pub fn new(text: &'t str) -> Passage<'t> {
        Passage {
            text: Cow::Borrowed(text),
            runs: Vec::new(),
            fixed: Vec::new(),
            offset: 0,
            spoken: 0,
            ending: Ending::Paragraph,
            pause_before_ms: 0,
            pause_follows: false,
            continues: false,
        }
    }

    /// A plain text that starts at byte `offset` of the caller's, whose first `spoken` bytes were read before and stand
    /// here only as what the rest follows.
    pub(crate) fn part(text: String, offset: usize, spoken: usize, ending: Ending) -> Passage<'t> {
        Passage {
            text: Cow::Owned(text),
            offset,
            spoken,
            ending,
            ..Passage::new("")
        }
    }

    /// The text as the front end reads it: without markup, with aliases.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Bytes at the start of [`Passage::text`] that an earlier passage spoke: context, not to be spoken again.
    #[must_use]
    pub fn spoken(&self) -> usize {
        self.spoken
    }

    /// What stands behind the passage.
    #[must_use]
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Silence to leave before it, on top of the pause that the clause before asked for, in milliseconds.
    #[must_use]
    pub fn pause_before_ms(&self) -> u32 {
        self.pause_before_ms
    }

    /// Whether a pause of given length follows: it replaces the one of the last clause, which then asks for none.
    #[must_use]
    pub fn pause_follows(&self) -> bool {
        self.pause_follows
    }

    /// The bytes of the caller's text that this passage came from.
    #[must_use]
    pub fn whole_source(&self) -> Range<usize> {
        self.source(0..self.text.len())
    }

    /// The same passage, independent of the text it was made from.
    #[must_use]
    pub fn into_owned(self) -> Passage<'static> {
        Passage {
            text: Cow::Owned(self.text.into_owned()),
            runs: self.runs,
            fixed: self.fixed,
            offset: self.offset,
            spoken: self.spoken,
            ending: self.ending,
            pause_before_ms: self.pause_before_ms,
            pause_follows: self.pause_follows,
            continues: self.continues,
        }
    }

    /// The bytes of the caller's text behind a range of the passage's text.
    pub(crate) fn source(&self, range: Range<usize>) -> Range<usize> {
        let Some(first) = self.run_at(range.start) else {
            return range.start + self.offset..range.end + self.offset;
        };
        let last = self
            .run_at(range.end.saturating_sub(1).max(range.start))
            .unwrap_or(first);
        let start = if first.copied {
            (first.source.start + range.start.saturating_sub(first.at)).min(first.source.end)
        } else {
            first.source.start
        };
        let end = if last.copied {
            (last.source.start + range.end.saturating_sub(last.at)).min(last.source.end)
        } else {
            last.source.end
        };
        start..end.max(start)
    }

    /// Whether a range of the text is the caller's own, byte for byte.
    pub(crate) fn is_copied(&self, range: &Range<usize>) -> bool {
        match self.run_at(range.start) {
            Some(run) => run.copied && self.source(range.clone()).len() == range.len(),
            None => true,
        }
    }

    fn run_at(&self, at: usize) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.at <= at);
        self.runs.get(after.saturating_sub(1))
    }

    /// The stretches with a given reading, ascending.
    pub(crate) fn fixed(&self) -> &[Fixed] {
        &self.fixed
    }

    pub(crate) fn set_ending(&mut self, ending: Ending) {
        self.ending = ending;
    }

    pub(crate) fn set_pause_follows(&mut self) {
        self.pause_follows = true;
    }

    /// Whether it goes on with a text whose script was checked.
    pub(crate) fn continues(&self) -> bool {
        self.continues
    }

    pub(crate) fn set_continues(&mut self, continues: bool) {
        self.continues = continues;
    }

    pub(crate) fn set_pause_before_ms(&mut self, pause: u32) {
        self.pause_before_ms = pause;
    }

    /// Appends a copy of the caller's text that starts at byte `from` of it.
    pub(crate) fn push_copy(&mut self, text: &str, from: usize) {
        let at = self.text.len();
        match self.runs.last_mut() {
            // What joins on is one run.
            Some(run) if run.copied && run.source.end == from => run.source.end = from + text.len(),
            _ => self.runs.push(Run {
                at,
                source: from..from + text.len(),
                copied: true,
            }),
        }
        self.text.to_mut().push_str(text);
    }

    /// Appends text that stands for `source` as a whole.
    pub(crate) fn push_instead(&mut self, text: &str, source: Range<usize>) {
        if text.is_empty() {
            return;
        }
        self.runs.push(Run {
            at: self.text.len(),
            source,
            copied: false,
        });
        self.text.to_mut().push_str(text);
    }

    /// Gives what was appended since byte `from` of the text its reading. Nothing appended, nothing given.
    pub(crate) fn fix_since(&mut self, from: usize, reading: FixedReading) {
        if from < self.text.len() {
            self.fixed.push(Fixed {
                range: from..self.text.len(),
                reading,
            });
        }
    }

    /// An empty passage in the place of this one.
    pub(crate) fn emptied(&self) -> Passage<'static> {
        Passage {
            text: Cow::Borrowed(""),
            runs: Vec::new(),
            fixed: Vec::new(),
            offset: 0,
            spoken: 0,
            ..*self
        }
    }

    /// Appends a part of another passage. Only to a passage that was made by appending.
    pub(crate) fn push_part(&mut self, other: &Passage<'_>, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let shift = self.text.len();
        let part = other.slice(range);
        if part.runs.is_empty() {
            self.push_copy(&part.text, part.offset);
        } else {
            self.text.to_mut().push_str(&part.text);
            self.runs.extend(part.runs.into_iter().map(|run| Run {
                at: run.at + shift,
                ..run
            }));
        }
        self.fixed.extend(part.fixed.into_iter().map(|fixed| Fixed {
            range: fixed.range.start + shift..fixed.range.end + shift,
            reading: fixed.reading,
        }));
    }

    /// Says that what was appended so far was spoken before.
    pub(crate) fn set_spoken(&mut self) {
        self.spoken = self.text.len();
    }

    /// A part of the passage as one of its own. No fixed stretch may cross its ends.
    pub(crate) fn slice(&self, range: Range<usize>) -> Passage<'_> {
        let runs = if self.runs.is_empty() {
            Vec::new()
        } else {
            let first = self
                .runs
                .partition_point(|run| run.at <= range.start)
                .saturating_sub(1);
            let end = self.runs.partition_point(|run| run.at < range.end);
            let ends = self.runs[first..]
                .iter()
                .skip(1)
                .map(|next| next.at)
                .chain([self.text.len()]);
            self.runs[first..end.max(first)]
                .iter()
                .zip(ends)
                .map(|(run, run_end)| {
                    let (from, to) = (run.at.max(range.start), run_end.min(range.end));
                    let source = if run.copied {
                        run.source.start + (from - run.at)..run.source.start + (to - run.at)
                    } else {
                        run.source.clone()
                    };
                    Run {
                        at: from - range.start,
                        source,
                        copied: run.copied,
                    }
                })
                .collect()
        };
        let from = self.fixed.partition_point(|f| f.range.end <= range.start);
        let to = self.fixed.partition_point(|f| f.range.start < range.end);
        let fixed = self.fixed[from..to.max(from)]
            .iter()
            .map(|f| Fixed {
                range: f.range.start.saturating_sub(range.start)
                    ..f.range.end.min(range.end) - range.start,
                reading: f.reading.clone(),
            })
            .collect();
        Passage {
            text: Cow::Borrowed(&self.text[range.clone()]),
            runs,
            fixed,
            offset: self.offset + range.start,
            spoken: self.spoken.saturating_sub(range.start).min(range.len()),
            ending: self.ending,
            pause_before_ms: 0,
            pause_follows: false,
            continues: true,
        }
    }
}

#[cfg(test)]
mod tests;

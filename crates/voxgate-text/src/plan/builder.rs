//! Puts a plan together from text in a style, given readings and pauses, in the order they come.

use std::ops::Range;

use super::{Item, MAX_BREAKS_MS, Plan, Utterance};
use crate::passage::{Ending, FixedReading, Passage};

/// How text is spoken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Style {
    pub(super) rate: f32,
    pub(super) volume: f32,
    pub(super) voice: Option<String>,
    pub(super) language: Option<String>,
}

impl Default for Style {
    fn default() -> Style {
        Style {
            rate: 1.0,
            volume: 1.0,
            voice: None,
            language: None,
        }
    }
}

/// The pauses together are longer than [`MAX_BREAKS_MS`].
pub(super) struct TooLong;

#[derive(Default)]
pub(super) struct Builder {
    items: Vec<Item<'static>>,
    /// The place of the last utterance among the items.
    last: Option<usize>,
    current: Option<(Style, Passage<'static>)>,
    breaks_ms: u32,
}

impl Builder {
    /// Text as the caller wrote it, from byte `from` of theirs. Line ends are blanks: markup says where lines end.
    pub(super) fn text(&mut self, style: &Style, text: &str, from: usize) {
        let flat: String = text
            .chars()
            .map(|c| {
                if matches!(c, '\n' | '\r' | '\t') {
                    ' '
                } else {
                    c
                }
            })
            .collect();
        if let Some(passage) = self.passage(style, &flat) {
            passage.push_copy(&flat, from);
        }
    }

    /// As [`Builder::text`], but line ends are the text's own.
    pub(super) fn lines(&mut self, style: &Style, text: &str, from: usize) {
        if let Some(passage) = self.passage(style, text) {
            passage.push_copy(text, from);
        }
    }

    /// Text that stands for `source`.
    pub(super) fn instead(&mut self, style: &Style, text: &str, source: Range<usize>) {
        if let Some(passage) = self.passage(style, text) {
            passage.push_instead(text, source);
        }
    }

    /// Text with a given reading.
    pub(super) fn given(
        &mut self,
        style: &Style,
        text: &str,
        reading: FixedReading,
        source: Range<usize>,
    ) {
        if let Some(passage) = self.passage(style, text) {
            let from = passage.text().len();
            passage.push_instead(text, source);
            passage.fix_since(from, reading);
        }
    }

    /// The passage that `text` in this style goes to; none for blanks where none has begun.
    fn passage(&mut self, style: &Style, text: &str) -> Option<&mut Passage<'static>> {
        let blank = text.trim().is_empty();
        let same = self.current.as_ref().is_some_and(|(s, _)| s == style);
        if !same && blank {
            // A blank between two styles ends the word before it, which the end of the passage does as well.
            return None;
        }
        if !same {
            self.close(Ending::Open);
            self.current = Some((style.clone(), Passage::new("")));
        }
        self.current.as_mut().map(|(_, passage)| passage)
    }

    /// Ends what is being said. Where nothing is, what was said last ends so, if that is a stronger ending.
    pub(super) fn close(&mut self, ending: Ending) {
        match self.current.take() {
            Some((style, mut passage)) => {
                passage.set_ending(ending);
                passage.set_continues(!self.items.is_empty());
                self.last = Some(self.items.len());
                self.items.push(Item::Speech(Utterance {
                    passage,
                    rate: style.rate,
                    volume: style.volume,
                    voice: style.voice,
                    language: style.language,
                }));
            }
            None => {
                if let Some(Item::Speech(last)) = self.last.and_then(|at| self.items.get_mut(at)) {
                    let ending = ending.max(last.passage.ending());
                    last.passage.set_ending(ending);
                }
            }
        }
    }

    /// A pause.
    pub(super) fn pause(&mut self, milliseconds: u32, source: Range<usize>) -> Result<(), TooLong> {
        self.breaks_ms = self.breaks_ms.saturating_add(milliseconds);
        if self.breaks_ms > MAX_BREAKS_MS {
            return Err(TooLong);
        }
        self.close(Ending::Open);
        if let Some(Item::Speech(last)) = self.items.last_mut() {
            last.passage.set_pause_follows();
        }
        self.items.push(Item::Break {
            milliseconds,
            source,
        });
        Ok(())
    }

    pub(super) fn finish(mut self) -> Plan<'static> {
        self.close(Ending::Paragraph);
        Plan { items: self.items }
    }
}

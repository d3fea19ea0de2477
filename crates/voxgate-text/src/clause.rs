//! Sentences to clauses an engine can take: bounded, ordered, with pauses.
//!
//! Owns the length bound and the joining of fragments. Does not know spelling or sound.

mod split;

use std::collections::VecDeque;
use std::ops::Range;

use crate::dictionary::Rules;
use crate::normalise::{Piece, PieceKind, compose, pieces};
use crate::passage::{Ending, Passage};
use crate::pronounce::{Given, is_sound};
use crate::segment::{Boundary, Known, Next, Segment, Segments};
use crate::word::{self, Unit, Word};
use crate::{Frontend, TextError};
use split::{halve, split_index};

/// The most symbols of phonemes in a clause. Kokoro takes 510 tokens a call; the rest is room for an engine's own.
pub const MAX_CLAUSE_PHONEMES: usize = 400;
/// A sentence with fewer sounds is spoken together with its neighbour: models sound unnatural on a lone "Yes."
const FRAGMENT_SOUNDS: usize = 18;
/// Fragments are not joined into anything longer than this.
const MAX_JOINED_PHONEMES: usize = 160;

/// Pauses by what ends a clause, in milliseconds.
pub(crate) mod pause {
    pub(crate) const PARAGRAPH: u32 = 700;
    pub(crate) const LINE: u32 = 450;
    pub(crate) const SENTENCE: u32 = 350;
    pub(super) const ELLIPSIS: u32 = 450;
    pub(super) const SEMICOLON: u32 = 250;
    pub(super) const DASH: u32 = 200;
    pub(super) const COMMA: u32 = 150;
    /// Inside a phrase that was cut only for its length.
    pub(super) const NONE: u32 = 0;
}

/// A stretch of speech for one engine call: a sentence, a part of a long one, or a few short ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// The words as spoken, with punctuation.
    pub text: String,
    /// Phonemes in the alphabet Kokoro's voices know, with the punctuation they use for prosody; at most
    /// [`MAX_CLAUSE_PHONEMES`] symbols, of which at least one sounds.
    pub phonemes: String,
    /// Bytes of the caller's text this clause speaks. Ranges ascend and do not overlap.
    pub source: Range<usize>,
    /// The words of the caller's text that it speaks, in order, each with its phonemes. Nothing that sounds is missing.
    /// Only the first may be one of the clause before, going on ([`Word::continues`]).
    pub words: Vec<Word>,
    /// Silence to leave after it, in milliseconds.
    pub pause_after_ms: u32,
    /// Whether a sentence ends here.
    pub sentence_end: bool,
}

/// Iterates over the clauses of a passage. Holds one sentence at a time.
pub(crate) struct Clauses<'a> {
    frontend: &'a Frontend,
    rules: Option<&'a Rules>,
    passage: Passage<'a>,
    segments: Segments,
    /// Where the last clause ended in the caller's text.
    end: usize,
    /// The last word of the caller's text in it.
    last_word: Option<Range<usize>>,
    ready: VecDeque<Clause>,
    /// A fragment that waits for its neighbour.
    fragment: Option<Clause>,
    refused: Option<TextError>,
}

/// A part of a sentence that is within the bound.
struct Part {
    text: String,
    phonemes: String,
    units: Vec<Unit>,
    /// Where it ends in the sentence.
    end: usize,
}

impl<'a> Clauses<'a> {
    pub(crate) fn new(
        frontend: &'a Frontend,
        passage: Passage<'a>,
        rules: Option<&'a Rules>,
    ) -> Clauses<'a> {
        let refused = if passage.continues() {
            None
        } else {
            frontend.check_script(passage.text()).err()
        };
        let end = passage.source(0..passage.spoken()).end;
        Clauses {
            frontend,
            rules,
            end: if passage.spoken() > 0 { end } else { 0 },
            passage,
            segments: Segments::default(),
            last_word: None,
            ready: VecDeque::new(),
            fragment: None,
            refused,
        }
    }

    /// Turns a segment into clauses and queues them behind a waiting fragment.
    fn take(&mut self, segment: &Segment) {
        for (mut clause, boundary) in self.read(segment) {
            self.end = clause.source.end;
            // A word that was cut for its length goes on where it stopped.
            if let (Some(last), Some(first)) = (&self.last_word, clause.words.first_mut())
                && first.source.start == last.end
            {
                first.source.start = last.start;
            }
            if let Some(last) = clause.words.last() {
                self.last_word = Some(last.source.clone());
            }
            self.queue(clause, boundary);
        }
    }

    fn read(&self, segment: &Segment) -> Vec<(Clause, Boundary)> {
        let slice = self.passage.slice(segment.range.clone());
        let sentence = match self.rules {
            Some(rules) => rules.apply(slice),
            None => slice,
        };
        let pieces = pieces(&sentence, self.frontend.context());
        if !pieces.iter().any(|p| p.kind == PieceKind::Word) {
            return Vec::new();
        }
        let closing = self.passage.text()[segment.range.end..].trim().is_empty();
        let boundary = if closing {
            closing_boundary(segment, &self.passage)
        } else {
            segment.boundary
        };
        let mut parts = Vec::new();
        self.fit(pieces, &mut parts);
        let count = parts.len();
        let whole = self.passage.source(segment.range.clone());
        let mut start = whole.start.max(self.end);
        let mut out = Vec::with_capacity(count);
        for (i, part) in parts.into_iter().enumerate() {
            let last = i + 1 == count;
            let end = if last {
                whole.end
            } else {
                sentence.source(0..part.end).end
            }
            .max(start);
            let boundary = if last { boundary } else { Boundary::Cut };
            let sentence_end = boundary != Boundary::Cut;
            let mut phonemes = part.phonemes;
            if sentence_end
                && !phonemes
                    .trim_end_matches(['”', ')', '“', '('])
                    .ends_with(['.', '!', '?', '…', ';', ':', ',', '—'])
            {
                phonemes.push('.');
            }
            let pause_after_ms = if last && closing && self.passage.pause_follows() {
                pause::NONE
            } else {
                pause_after(&part.text, boundary)
            };
            let clause = Clause {
                pause_after_ms,
                words: word::words(&part.units, &part.text, &sentence),
                text: part.text,
                phonemes,
                source: start..end,
                sentence_end,
            };
            start = end;
            out.push((clause, boundary));
        }
        out
    }

    fn queue(&mut self, clause: Clause, boundary: Boundary) {
        let clause = match self.fragment.take() {
            Some(fragment)
                if fragment.phonemes.chars().count() + clause.phonemes.chars().count()
                    < MAX_JOINED_PHONEMES =>
            {
                join(fragment, clause)
            }
            Some(fragment) => {
                self.ready.push_back(fragment);
                clause
            }
            None => clause,
        };
        let sounds = clause.phonemes.chars().filter(|c| is_sound(*c)).count();
        if boundary == Boundary::Sentence && sounds < FRAGMENT_SOUNDS {
            self.fragment = Some(clause);
        } else {
            self.ready.push_back(clause);
        }
    }

    /// Splits `pieces` until each part's phonemes are within the bound, at the best place near the middle.
    fn fit(&self, pieces: Vec<Piece>, out: &mut Vec<Part>) {
        let part = self.sound(&pieces);
        if !part.phonemes.chars().any(is_sound) {
            // Marks left over by a split: their bytes belong to the part before.
            if let Some(last) = out.last_mut() {
                last.end = last.end.max(part.end);
            }
            return;
        }
        // One symbol is kept for a full stop that the caller may add.
        if part.phonemes.chars().count() < MAX_CLAUSE_PHONEMES {
            out.push(part);
            return;
        }
        match split_index(&pieces) {
            Some(at) => {
                let mut head = pieces;
                let tail = head.split_off(at);
                self.fit(head, out);
                self.fit(tail, out);
            }
            None => self.fit_piece(&pieces, &part, out),
        }
    }

    /// How pieces sound together.
    fn sound(&self, pieces: &[Piece]) -> Part {
        let line = compose(pieces);
        let given: Vec<Given<'_>> = pieces
            .iter()
            .zip(&line.ranges)
            .filter_map(|(piece, range)| {
                let phonemes = piece.phonemes.as_deref()?;
                Some(Given {
                    range: range.clone(),
                    phonemes,
                })
            })
            .collect();
        let sounded = self.frontend.pronouncer.phonemes(&line.text, &given);
        let units = sounded
            .words
            .into_iter()
            .map(|(at, phonemes)| {
                let piece = line
                    .ranges
                    .partition_point(|r| r.start <= at)
                    .saturating_sub(1);
                Unit {
                    range: pieces[piece].source.clone(),
                    spoken: at,
                    phonemes,
                }
            })
            .collect();
        Part {
            phonemes: sounded.phonemes,
            units,
            end: pieces.last().map_or(0, |p| p.source.end),
            text: line.text,
        }
    }

    /// A single piece that is too long: a number of hundreds of digits, say.
    fn fit_piece(&self, pieces: &[Piece], whole: &Part, out: &mut Vec<Part>) {
        let Some(piece) = pieces.iter().find(|p| p.kind == PieceKind::Word) else {
            return;
        };
        if piece.phonemes.is_none()
            && let Some((head, tail)) = halve(&piece.text)
        {
            for text in [head, tail] {
                let half = Piece {
                    text: text.to_owned(),
                    ..piece.clone()
                };
                self.fit(vec![half], out);
            }
            return;
        }
        // One word without a place to break: cut its sound.
        let symbols: Vec<char> = whole.phonemes.chars().collect();
        for chunk in symbols.chunks(MAX_CLAUSE_PHONEMES - 1) {
            let phonemes: String = chunk.iter().collect();
            if phonemes.chars().any(is_sound) {
                out.push(Part {
                    text: piece.text.clone(),
                    units: vec![Unit {
                        range: piece.source.clone(),
                        spoken: 0,
                        phonemes: 0..chunk.len(),
                    }],
                    phonemes,
                    end: whole.end,
                });
            }
        }
    }
}

/// What ends the last segment of a passage: its own punctuation, or what stands behind the passage.
fn closing_boundary(segment: &Segment, passage: &Passage<'_>) -> Boundary {
    match passage.ending() {
        Ending::Paragraph => Boundary::Paragraph,
        Ending::Sentence => Boundary::Sentence,
        Ending::Line => Boundary::Line,
        Ending::Open => {
            let text = passage.text()[segment.range.clone()]
                .trim_end_matches(['"', '\'', '”', '’', ')', ']', '»']);
            if text.ends_with(['.', '!', '?', '…', '。', '！', '？']) {
                Boundary::Sentence
            } else {
                Boundary::Cut
            }
        }
    }
}

impl Iterator for Clauses<'_> {
    type Item = Result<Clause, TextError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.refused.take() {
            // A refused text has nothing more to say.
            self.passage = Passage::new("");
            return Some(Err(error));
        }
        loop {
            if let Some(clause) = self.ready.pop_front() {
                return Some(Ok(clause));
            }
            let known = Known {
                text: self.passage.text(),
                fixed: self.passage.fixed(),
                open: false,
            };
            match self.segments.next(known) {
                Next::Segment(segment) => self.take(&segment),
                Next::Unknown | Next::End => return self.fragment.take().map(Ok),
            }
        }
    }
}

/// Two clauses spoken in one breath.
fn join(first: Clause, second: Clause) -> Clause {
    let mut words = first.words;
    let shift = first.phonemes.chars().count() + 1;
    word::join(&mut words, second.words, shift);
    Clause {
        words,
        text: format!("{} {}", first.text, second.text),
        phonemes: format!("{} {}", first.phonemes, second.phonemes),
        source: first.source.start..second.source.end,
        pause_after_ms: second.pause_after_ms,
        sentence_end: second.sentence_end,
    }
}

fn pause_after(text: &str, boundary: Boundary) -> u32 {
    let by_mark = match text
        .trim_end_matches(['”', ')', '“', '('])
        .chars()
        .next_back()
    {
        Some('…') => pause::ELLIPSIS,
        Some('.' | '!' | '?') => pause::SENTENCE,
        Some(';' | ':') => pause::SEMICOLON,
        Some('—') => pause::DASH,
        Some(',') => pause::COMMA,
        _ => pause::NONE,
    };
    match boundary {
        Boundary::Paragraph => pause::PARAGRAPH,
        Boundary::Line => pause::LINE,
        Boundary::Sentence => by_mark.max(pause::SENTENCE),
        Boundary::Cut => by_mark,
    }
}

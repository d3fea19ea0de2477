//! Sentences to clauses an engine can take: bounded, ordered, with pauses.
//!
//! Owns the length bound and the joining of fragments. Does not know spelling or sound.

use std::collections::VecDeque;
use std::ops::Range;

use crate::normalise::{Piece, PieceKind, compose};
use crate::pronounce::is_sound;
use crate::segment::{Boundary, Segment, Segments};
use crate::{Frontend, TextError};

/// The most symbols of phonemes in a clause. Kokoro takes 510 tokens a call; the rest is room for an engine's own.
pub const MAX_CLAUSE_PHONEMES: usize = 400;
/// A sentence with fewer sounds is spoken together with its neighbour: models sound unnatural on a lone "Yes."
const FRAGMENT_SOUNDS: usize = 18;
/// Fragments are not joined into anything longer than this.
const MAX_JOINED_PHONEMES: usize = 160;

/// Pauses by what ends a clause, in milliseconds.
mod pause {
    pub(super) const PARAGRAPH: u32 = 700;
    pub(super) const LINE: u32 = 450;
    pub(super) const SENTENCE: u32 = 350;
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
    /// Silence to leave after it, in milliseconds.
    pub pause_after_ms: u32,
    /// Whether a sentence ends here.
    pub sentence_end: bool,
}

/// Iterates over the clauses of a text. Holds one sentence at a time.
pub(crate) struct Clauses<'a> {
    frontend: &'a Frontend,
    text: &'a str,
    segments: Segments<'a>,
    ready: VecDeque<Clause>,
    /// A fragment that waits for its neighbour.
    fragment: Option<Clause>,
    refused: Option<TextError>,
}

impl<'a> Clauses<'a> {
    pub(crate) fn new(frontend: &'a Frontend, text: &'a str) -> Clauses<'a> {
        let refused = frontend.check_script(text).err();
        // A refused text has nothing more to say.
        let readable = if refused.is_some() { "" } else { text };
        Clauses {
            frontend,
            text,
            segments: Segments::new(readable),
            ready: VecDeque::new(),
            fragment: None,
            refused,
        }
    }

    /// Turns a segment into clauses and queues them behind a waiting fragment.
    fn take(&mut self, segment: &Segment) {
        let pieces = self
            .frontend
            .pieces(&self.text[segment.range.clone()], segment.range.start);
        if !pieces.iter().any(|p| p.kind == PieceKind::Word) {
            return;
        }
        let mut parts = Vec::new();
        self.fit(pieces, &mut parts);
        let count = parts.len();
        let mut start = segment.range.start;
        for (i, (pieces, mut phonemes)) in parts.into_iter().enumerate() {
            let last = i + 1 == count;
            let end = if last {
                segment.range.end
            } else {
                pieces.last().map_or(start, |p| p.source.end).max(start)
            };
            let boundary = if last {
                segment.boundary
            } else {
                Boundary::Cut
            };
            let sentence_end = boundary != Boundary::Cut;
            if sentence_end
                && !phonemes
                    .trim_end_matches(['”', ')', '“', '('])
                    .ends_with(['.', '!', '?', '…', ';', ':', ',', '—'])
            {
                phonemes.push('.');
            }
            let text = compose(&pieces);
            let clause = Clause {
                pause_after_ms: pause_after(&text, boundary),
                text,
                phonemes,
                source: start..end,
                sentence_end,
            };
            start = end;
            self.queue(clause, boundary);
        }
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
    fn fit(&self, pieces: Vec<Piece>, out: &mut Vec<(Vec<Piece>, String)>) {
        let phonemes = self.frontend.phonemes(&compose(&pieces));
        if !phonemes.chars().any(is_sound) {
            // Marks left over by a split: their bytes belong to the part before.
            if let (Some((last, _)), Some(end)) = (
                out.last_mut()
                    .and_then(|(p, _)| p.last_mut().map(|p| (p, ()))),
                pieces.last(),
            ) {
                last.source.end = last.source.end.max(end.source.end);
            }
            return;
        }
        // One symbol is kept for a full stop that the caller may add.
        if phonemes.chars().count() < MAX_CLAUSE_PHONEMES {
            out.push((pieces, phonemes));
            return;
        }
        match split_index(&pieces) {
            Some(at) => {
                let mut head = pieces;
                let tail = head.split_off(at);
                self.fit(head, out);
                self.fit(tail, out);
            }
            None => self.fit_piece(&pieces, &phonemes, out),
        }
    }

    /// A single piece that is too long: a number of hundreds of digits, say.
    fn fit_piece(&self, pieces: &[Piece], phonemes: &str, out: &mut Vec<(Vec<Piece>, String)>) {
        let Some(piece) = pieces.iter().find(|p| p.kind == PieceKind::Word) else {
            return;
        };
        let part = |text: &str, source: Range<usize>| {
            vec![Piece {
                text: text.to_owned(),
                source,
                kind: PieceKind::Word,
            }]
        };
        if let Some((head, tail)) = halve(&piece.text) {
            let end = piece.source.end;
            self.fit(part(head, piece.source.clone()), out);
            self.fit(part(tail, end..end), out);
            return;
        }
        // One word without a place to break: cut its sound.
        let symbols: Vec<char> = phonemes.chars().collect();
        for (i, chunk) in symbols.chunks(MAX_CLAUSE_PHONEMES - 1).enumerate() {
            let chunk: String = chunk.iter().collect();
            if chunk.chars().any(is_sound) {
                let source = if i == 0 {
                    piece.source.clone()
                } else {
                    piece.source.end..piece.source.end
                };
                out.push((part(&piece.text, source), chunk));
            }
        }
    }
}

impl Iterator for Clauses<'_> {
    type Item = Result<Clause, TextError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.refused.take() {
            return Some(Err(error));
        }
        loop {
            if let Some(clause) = self.ready.pop_front() {
                return Some(Ok(clause));
            }
            match self.segments.next() {
                Some(segment) => self.take(&segment),
                None => return self.fragment.take().map(Ok),
            }
        }
    }
}

/// Two clauses spoken in one breath.
fn join(first: Clause, second: Clause) -> Clause {
    Clause {
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

/// Where to split a sentence that is too long: after strong punctuation, after a comma, before a conjunction, between
/// words; among equals, nearest the middle. `None` if there is only one word.
fn split_index(pieces: &[Piece]) -> Option<usize> {
    let total: usize = pieces.iter().map(|p| p.text.len() + 1).sum();
    let mut before = 0;
    let mut best: Option<(i64, usize)> = None;
    for (i, pair) in pieces.windows(2).enumerate() {
        before += pair[0].text.len() + 1;
        if pair[1].kind != PieceKind::Word && pair[1].kind != PieceKind::Open
            || pair[0].kind == PieceKind::Open
        {
            continue;
        }
        let rank: i64 = match (pair[0].kind, pair[0].text.as_str()) {
            (PieceKind::Mark, ",") => 2,
            (PieceKind::Mark, _) => 3,
            (PieceKind::Close, _) => 2,
            _ if is_conjunction(&pair[1].text) => 1,
            _ => 0,
        };
        // Permille off the middle. A rank is worth a sixth of the sentence, so that no part becomes a stub.
        let off = (before as i64 * 1_000 / total as i64 - 500).abs();
        let score = rank * 160 - off;
        if best.is_none_or(|(s, _)| score > s) {
            best = Some((score, i + 1));
        }
    }
    best.map(|(_, at)| at)
        .filter(|at| pieces[..*at].iter().any(|p| p.kind == PieceKind::Word))
}

fn is_conjunction(word: &str) -> bool {
    const CONJUNCTIONS: [&str; 18] = [
        "and", "but", "or", "nor", "so", "yet", "because", "although", "though", "while", "when",
        "where", "which", "who", "that", "if", "unless", "until",
    ];
    CONJUNCTIONS.contains(&word)
}

/// The words of a piece in two halves.
fn halve(text: &str) -> Option<(&str, &str)> {
    let middle = text.len() / 2;
    let at = text
        .match_indices(' ')
        .map(|(i, _)| i)
        .min_by_key(|i| i.abs_diff(middle))?;
    Some((&text[..at], &text[at + 1..]))
}

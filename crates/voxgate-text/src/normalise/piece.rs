//! The pieces a sentence is spoken from: words and marks, with their source.
//!
//! Owns how marks merge and how pieces become a line of text.

use std::ops::Range;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PieceKind {
    /// One or more words.
    Word,
    /// A mark of prosody: `. , ; : ! ? … —`.
    Mark,
    /// `“` or `(`.
    Open,
    /// `”` or `)`.
    Close,
}

/// A word or mark of the spoken sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Bytes of the caller's text.
    pub(crate) source: Range<usize>,
    pub(crate) kind: PieceKind,
    /// How it sounds, where that is given and not for the pronouncer to find.
    pub(crate) phonemes: Option<String>,
}

/// Collects pieces; merges runs of marks and drops marks that belong to no word.
#[derive(Default)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    open_brackets: usize,
    open_quotes: usize,
}

impl Pieces {
    /// Adds what a class said: words, between which marks may stand.
    pub(super) fn words(&mut self, words: &str, source: Range<usize>) {
        let mut start = 0;
        for (i, c) in words.char_indices().filter(|(_, c)| is_mark(*c)) {
            self.plain(words[start..i].trim(), &source);
            self.mark(c, &source);
            start = i + c.len_utf8();
        }
        self.plain(words[start..].trim(), &source);
    }

    fn plain(&mut self, words: &str, source: &Range<usize>) {
        if !words.is_empty() {
            self.push(words, source, PieceKind::Word);
        }
    }

    fn push(&mut self, text: &str, source: &Range<usize>, kind: PieceKind) {
        self.pieces.push(Piece {
            text: text.to_owned(),
            source: source.clone(),
            kind,
            phonemes: None,
        });
    }

    /// Adds words whose sound is given.
    pub(super) fn given(&mut self, text: String, phonemes: String, source: Range<usize>) {
        if !text.is_empty() && !phonemes.is_empty() {
            self.pieces.push(Piece {
                text,
                source,
                kind: PieceKind::Word,
                phonemes: Some(phonemes),
            });
        }
    }

    /// Adds a piece that was made elsewhere.
    pub(super) fn piece(&mut self, piece: Piece, source: Range<usize>) {
        match piece.phonemes {
            Some(phonemes) => self.given(piece.text, phonemes, source),
            None => self.words(&piece.text, source),
        }
    }

    fn mark(&mut self, mark: char, source: &Range<usize>) {
        let text = mark.encode_utf8(&mut [0; 4]).to_owned();
        match mark {
            '“' | '(' => {
                *self.depth(mark) += 1;
                self.push(&text, source, PieceKind::Open);
            }
            '”' | ')' => {
                if *self.depth(mark) == 0 {
                    return;
                }
                *self.depth(mark) -= 1;
                // Nothing between: neither is spoken.
                if self
                    .pieces
                    .last()
                    .is_some_and(|p| p.kind == PieceKind::Open)
                {
                    self.pieces.pop();
                } else {
                    self.push(&text, source, PieceKind::Close);
                }
            }
            _ => match self.pieces.last_mut() {
                None => {}
                Some(last) if last.kind == PieceKind::Open => {}
                Some(last) if last.kind == PieceKind::Mark => {
                    last.source.end = source.end;
                    if strength(&text) > strength(&last.text) {
                        last.text = text;
                    }
                }
                Some(_) => self.push(&text, source, PieceKind::Mark),
            },
        }
    }

    fn depth(&mut self, mark: char) -> &mut usize {
        if matches!(mark, '(' | ')') {
            &mut self.open_brackets
        } else {
            &mut self.open_quotes
        }
    }

    /// The pieces, without opening marks at the end.
    pub(super) fn finish(mut self) -> Vec<Piece> {
        while self
            .pieces
            .last()
            .is_some_and(|p| p.kind == PieceKind::Open)
        {
            self.pieces.pop();
        }
        self.pieces
    }
}

fn is_mark(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '…' | '—' | '“' | '”' | '(' | ')'
    )
}

/// Which mark of a run is spoken.
fn strength(mark: &str) -> usize {
    [",", "—", ":", ";", "…", ".", "!", "?"]
        .iter()
        .position(|m| *m == mark)
        .map_or(0, |i| i + 1)
}

/// Pieces as a line of text.
pub(crate) struct Line {
    pub(crate) text: String,
    /// The bytes of each piece.
    pub(crate) ranges: Vec<Range<usize>>,
}

/// The pieces as a line of text.
pub(crate) fn compose(pieces: &[Piece]) -> Line {
    let mut text = String::with_capacity(pieces.iter().map(|p| p.text.len() + 1).sum());
    let mut ranges = Vec::with_capacity(pieces.len());
    let mut tight = true;
    for piece in pieces {
        let attached =
            matches!(piece.kind, PieceKind::Mark | PieceKind::Close) && piece.text != "—";
        if !tight && !attached {
            text.push(' ');
        }
        ranges.push(text.len()..text.len() + piece.text.len());
        text.push_str(&piece.text);
        tight = piece.kind == PieceKind::Open;
    }
    Line { text, ranges }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(parts: &[&str]) -> String {
        let mut pieces = Pieces::default();
        for (i, part) in parts.iter().enumerate() {
            pieces.words(part, i..i + 1);
        }
        compose(&pieces.finish()).text
    }

    #[test]
    fn marks_merge_and_attach() {
        for (parts, expected) in [
            (&["a", ",", "b", "."][..], "a, b."),
            (&["a", ",", ".", "!", "?", "!"], "a?"),
            (&[",", "a"], "a"),
            (&["a", "“", "b", ".", "”"], "a “b.”"),
            (&["(", ")", "a", ")", "("], "a"),
            (&["a", "—", "b"], "a — b"),
            (&["five, six"], "five, six"),
        ] {
            assert_eq!(line(parts), expected, "{parts:?}");
        }
    }
}

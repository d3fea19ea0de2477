//! Where a sentence that is too long for an engine is split.

use crate::normalise::{Piece, PieceKind};

/// Where to split a sentence that is too long: after strong punctuation, after a comma, before a conjunction, between
/// words; among equals, nearest the middle. `None` if there is only one word.
pub(super) fn split_index(pieces: &[Piece]) -> Option<usize> {
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
pub(super) fn halve(text: &str) -> Option<(&str, &str)> {
    let middle = text.len() / 2;
    let at = text
        .match_indices(' ')
        .map(|(i, _)| i)
        .min_by_key(|i| i.abs_diff(middle))?;
    Some((&text[..at], &text[at + 1..]))
}

//! What every clause sequence must satisfy, whatever the text.

use voxgate_text::{
    Clause, Frontend, MAX_CLAUSE_PHONEMES, TextError, is_phoneme_symbol, to_espeak_ipa,
};

/// The symbols of a packaged espeak-based Piper voice.
const PIPER: &str = "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɔɕəɚɛɜɡɪɫɹɾʃʊʌʒʔʲˈˌːθᵻ\"";

/// The clauses of `text`, checked: known symbols only, bounded length, ascending ranges on character boundaries, and
/// nothing between them that could have been spoken.
pub(crate) fn checked_clauses(frontend: &Frontend, text: &str) -> Result<Vec<Clause>, TextError> {
    let clauses: Vec<Clause> = frontend.clauses(text).collect::<Result<_, _>>()?;
    let mut end = 0;
    for clause in &clauses {
        let shown = || format!("{clause:?}");
        assert!(
            clause.source.start >= end && clause.source.end >= clause.source.start,
            "order: {}",
            shown()
        );
        assert!(
            text.get(clause.source.clone()).is_some(),
            "boundary: {}",
            shown()
        );
        assert_silent(frontend, &text[end..clause.source.start]);
        end = clause.source.end;
        assert!(
            clause.phonemes.chars().count() <= MAX_CLAUSE_PHONEMES,
            "length: {}",
            shown()
        );
        assert!(
            clause.phonemes.chars().all(is_phoneme_symbol),
            "symbols: {}",
            shown()
        );
        assert!(
            clause
                .phonemes
                .chars()
                .any(|c| "AIOQWYaiuæɐɑɒɔəɛɜɪʊʌᵊᵻ".contains(c) || c.is_alphabetic()),
            "silence: {}",
            shown()
        );
        assert!(
            !clause.text.contains(['❓', '<', '>', '#', '@', '\u{fffd}']),
            "markers: {}",
            shown()
        );
        assert!(
            !clause.text.is_empty() && clause.text.trim() == clause.text,
            "blanks: {}",
            shown()
        );
        assert!(
            to_espeak_ipa(&clause.phonemes)
                .chars()
                .all(|c| PIPER.contains(c)),
            "espeak: {}",
            shown()
        );
        assert!(clause.pause_after_ms <= 1_000, "pause: {}", shown());
    }
    assert_silent(frontend, &text[end..]);
    Ok(clauses)
}

/// A gap holds nothing that would have been spoken.
fn assert_silent(frontend: &Frontend, gap: &str) {
    if gap.chars().any(char::is_alphanumeric) {
        assert_eq!(frontend.normalise(gap), "", "lost: {gap:?}");
    }
}

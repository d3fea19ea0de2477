//! What every clause sequence must satisfy, whatever the text.

#![allow(dead_code)] // Each test file uses a part.

use proptest::prelude::ProptestConfig;
use voxgate_text::{
    Clause, Frontend, MAX_CLAUSE_PHONEMES, TextError, Word, is_phoneme_symbol, to_espeak_ipa,
    to_espeak_words,
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
        check_clause(clause);
    }
    assert_silent(frontend, &text[end..]);
    check_words(frontend, text, &clauses);
    Ok(clauses)
}

/// How many cases a property is tried with: so many, or `PROPTEST_CASES` for a long search.
pub(crate) fn cases(usual: u32) -> u32 {
    // The default configuration has read the environment.
    const WITHOUT: u32 = 256;
    match ProptestConfig::default().cases {
        WITHOUT => usual,
        asked => asked,
    }
}

/// What holds for a clause by itself.
pub(crate) fn check_clause(clause: &Clause) {
    let shown = || format!("{clause:?}");
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
    check_clause_words(clause);
}

/// Whether a symbol of phonemes sounds.
fn sounds(c: char) -> bool {
    is_phoneme_symbol(c) && !";:,.!?—…()“” ˈˌː".contains(c)
}

/// The words of the caller's text that the clauses name: merged, in order, each once.
pub(crate) fn named_words(clauses: &[Clause]) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    for word in clauses.iter().flat_map(|c| c.words.iter()) {
        match out.last_mut() {
            Some(last) if word.continues(last) => {
                last.source.end = last.source.end.max(word.source.end);
            }
            _ => out.push(word.clone()),
        }
    }
    out
}

/// Words ascend and have all the sounds of the clause.
fn check_clause_words(clause: &Clause) {
    let symbols: Vec<char> = clause.phonemes.chars().collect();
    let mut end = 0;
    for (i, word) in clause.words.iter().enumerate() {
        assert!(
            word.phonemes.start >= end && word.phonemes.end <= symbols.len(),
            "phonemes: {clause:?}"
        );
        assert!(
            symbols[word.phonemes.clone()].iter().any(|c| sounds(*c)),
            "silent word: {clause:?}"
        );
        assert!(
            !symbols[end..word.phonemes.start].iter().any(|c| sounds(*c)),
            "sound of no word: {clause:?}"
        );
        end = word.phonemes.end;
        assert!(
            i == 0 || !word.continues(&clause.words[i - 1]),
            "overlap: {clause:?}"
        );
    }
    assert!(
        !symbols[end..].iter().any(|c| sounds(*c)),
        "sound of no word: {clause:?}"
    );
    let (_, words) = to_espeak_words(&clause.phonemes, &clause.words);
    assert!(
        words.iter().all(|w| !w.phonemes.is_empty()),
        "espeak: {clause:?}"
    );
}

/// Words ascend, lie on character boundaries, and leave out nothing that is spoken.
fn check_words(frontend: &Frontend, text: &str, clauses: &[Clause]) {
    let words = named_words(clauses);
    let mut end = 0;
    for word in &words {
        assert!(
            word.source.start >= end && !word.source.is_empty(),
            "order: {words:?}"
        );
        assert!(text.get(word.source.clone()).is_some(), "bounds: {words:?}");
        assert_silent(frontend, &text[end..word.source.start]);
        end = word.source.end;
    }
    assert_silent(frontend, &text[end..]);
}

/// A gap holds nothing that would have been spoken. (A letter without any reading may stand in it.)
fn assert_silent(frontend: &Frontend, gap: &str) {
    // A superscript by itself is read only behind something.
    if gap.contains(|c: char| c.is_alphabetic() || c.is_ascii_digit()) {
        let phonemes = frontend.phonemes(&frontend.normalise(gap));
        assert!(!phonemes.contains(sounds), "lost: {gap:?} ({phonemes})");
    }
}

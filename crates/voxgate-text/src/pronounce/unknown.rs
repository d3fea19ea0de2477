//! Words in no lexicon: compounds of known words, a neural guess, letter names.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use loqui_g2p::{Dialect, NeuralG2p};

use super::alphabet;
use crate::{Language, TextError};

/// Guesses kept. A guess costs about 20 ms and names repeat; 4,096 words take well under a megabyte.
const CACHE_WORDS: usize = 4_096;
/// Each half of a compound has at least this many letters: shorter halves match by accident.
const MIN_COMPOUND_PART: usize = 4;
/// Up to this length a word without a vowel letter is an abbreviation, and is spelled.
const MAX_VOWELLESS: usize = 5;
/// The network sees at most 62 letters; longer words are read in pieces so that nothing is lost.
const MAX_GUESSED: usize = 40;

pub(super) struct UnknownWords {
    network: NeuralG2p,
    guesses: Mutex<HashMap<String, String>>,
}

impl UnknownWords {
    pub(super) fn load(language: Language) -> Result<UnknownWords, TextError> {
        let dialect = if language == Language::EnGb {
            Dialect::British
        } else {
            Dialect::American
        };
        let network = NeuralG2p::load(dialect)
            .map_err(|e| TextError::Internal(format!("fallback network: {e}")))?;
        Ok(UnknownWords {
            network,
            guesses: Mutex::new(HashMap::new()),
        })
    }

    /// Phonemes of `word`, an ASCII word without digits. Never empty if it holds a letter.
    ///
    /// `known` asks the lexicon, `part` pronounces a known word, `spell` names letters.
    pub(super) fn pronounce(
        &self,
        word: &str,
        known: impl Fn(&str) -> bool,
        part: impl Fn(&str) -> String,
        spell: impl Fn(&str) -> String,
    ) -> String {
        let letters: String = word.chars().filter(char::is_ascii_alphabetic).collect();
        let lower = letters.to_ascii_lowercase();
        if !lower.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
            if letters.len() <= MAX_VOWELLESS {
                return spell(&letters);
            }
        } else if letters.len() == word.len()
            && let Some((head, tail)) = split_compound(&lower, known)
        {
            // The second half of an English compound carries the weaker stress.
            return format!("{}{}", part(head), part(tail).replace('ˈ', "ˌ"));
        }
        let mut out = String::new();
        for piece in pieces(word) {
            let guess = self.guess(piece);
            out.push_str(&if guess.is_empty() {
                spell(piece)
            } else {
                guess
            });
        }
        out
    }

    fn guess(&self, word: &str) -> String {
        // A poisoned cache is still a cache: values are inserted whole.
        if let Some(hit) = self
            .guesses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(word)
        {
            return hit.clone();
        }
        let guess = self.network.phonemize(word).unwrap_or_default();
        let guess = if guess.chars().any(alphabet::is_vowel) {
            guess
        } else {
            String::new()
        };
        let mut guesses = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= CACHE_WORDS {
            guesses.clear();
        }
        guesses.insert(word.to_owned(), guess.clone());
        guess
    }
}

/// Two known words written as one, the longest first half first.
fn split_compound(word: &str, known: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
    (MIN_COMPOUND_PART..=word.len().checked_sub(MIN_COMPOUND_PART)?)
        .rev()
        .filter_map(|at| word.split_at_checked(at))
        .find(|(head, tail)| known(head) && known(tail))
}

fn pieces(word: &str) -> impl Iterator<Item = &str> {
    let count = word.len().div_ceil(MAX_GUESSED).max(1);
    let size = word.len().div_ceil(count).max(1);
    (0..count)
        .filter_map(move |i| word.get(i * size..((i + 1) * size).min(word.len())))
        .filter(|p| !p.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compounds_split_where_both_halves_are_words() {
        let known = |w: &str| ["voice", "gate", "over", "head"].contains(&w);
        assert_eq!(split_compound("voicegate", known), Some(("voice", "gate")));
        assert_eq!(split_compound("voxgate", known), None);
        assert_eq!(split_compound("gate", known), None);
    }

    #[test]
    fn pieces_lose_nothing() {
        for length in [1, 39, 40, 41, 100, 10_000] {
            let word = "a".repeat(length);
            assert_eq!(pieces(&word).collect::<String>(), word);
            assert!(pieces(&word).all(|p| p.len() <= MAX_GUESSED));
        }
    }
}

//! What is wrong with a dictionary.

use thiserror::Error;

use super::{MAX_DICTIONARIES, MAX_RESPELLING_BYTES, MAX_RULES, MAX_WORD_BYTES, MAX_WORD_PARTS};
use crate::IpaError;

/// Why dictionaries cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DictionaryError {
    /// More than [`MAX_DICTIONARIES`].
    #[error("{0} dictionaries were given; at most {MAX_DICTIONARIES} can be used together")]
    TooManyDictionaries(usize),
    /// More than [`MAX_RULES`].
    #[error("the dictionary has {0} rules; it may have {MAX_RULES}")]
    TooManyRules(usize),
    /// A rule that cannot be used.
    #[error("rule {} ({word:?}): {problem}", .index + 1)]
    Rule {
        /// Its place in its dictionary, from 0.
        index: usize,
        /// Its word, or the beginning of it.
        word: String,
        /// What is wrong with it.
        problem: RuleProblem,
    },
}

/// What is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleProblem {
    /// No word.
    #[error("the word is empty")]
    EmptyWord,
    /// Longer than [`MAX_WORD_BYTES`].
    #[error("the word is longer than {MAX_WORD_BYTES} bytes")]
    LongWord,
    /// More parts than [`MAX_WORD_PARTS`].
    #[error("the phrase has more than {MAX_WORD_PARTS} words and signs")]
    ManyParts,
    /// Nothing a reader would say.
    #[error("the word holds no letter and no digit")]
    NoLetters,
    /// A character that is no text.
    #[error("the {0} holds a control character")]
    Control(&'static str),
    /// No respelling.
    #[error("the pronunciation is empty")]
    EmptyRespelling,
    /// Longer than [`MAX_RESPELLING_BYTES`].
    #[error("the pronunciation is longer than {MAX_RESPELLING_BYTES} bytes")]
    LongRespelling,
    /// A respelling that says nothing.
    #[error("the pronunciation holds no letter and no digit")]
    SilentRespelling,
    /// IPA that cannot be spoken.
    #[error(transparent)]
    Ipa(#[from] IpaError),
    /// The dictionary has the word before.
    #[error("the word stands in the dictionary twice, first as rule {}", .0 + 1)]
    Duplicate(
        /// The place of the first, from 0.
        usize,
    ),
}

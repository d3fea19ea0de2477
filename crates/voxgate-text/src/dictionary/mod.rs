//! Pronunciation dictionaries: words and phrases with a respelling or a pronunciation in IPA.
//!
//! Owns the rules, their limits and their matching. [`Rules`] are compiled once from one or more dictionaries and are
//! applied to each sentence before it is normalised, so that a respelled word is read like any other and IPA goes straight
//! to the phonemes. Does not store dictionaries and does not know whose they are.

mod dry_run;
mod error;
mod rules;

pub use dry_run::{DryRun, DryWord, MAX_DRY_RUN_BYTES};
pub use error::{DictionaryError, RuleProblem};
pub use rules::Rules;

/// Rules in one dictionary.
pub const MAX_RULES: usize = 5_000;
/// Dictionaries that may be used together.
pub const MAX_DICTIONARIES: usize = 16;
/// The longest word or phrase, in bytes.
pub const MAX_WORD_BYTES: usize = 100;
/// The most parts of a phrase: its words, blanks and signs.
pub const MAX_WORD_PARTS: usize = 20;
/// The longest respelling, in bytes.
pub const MAX_RESPELLING_BYTES: usize = 200;

/// How a word or phrase is to be said.
///
/// It matches whole words only, by the word boundaries of Unicode (UAX 29); blanks in a phrase match any white space. The
/// possessive ("GIF's") is matched as well. Where several rules match at a place, the longest does; of equally long ones
/// that of the first dictionary, and in one dictionary the case-sensitive one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The word or phrase as it is written.
    pub word: String,
    /// How it is said.
    pub say: Say,
    /// Whether capitals matter.
    pub case_sensitive: bool,
}

/// A way to say a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// Other words or another spelling, read as any text: `GIF` → `jif`, `W3C` → `World Wide Web Consortium`. Parts in
    /// capitals between hyphens (`koo-ber-NET-eez`) are syllables, not initials.
    Respelling(String),
    /// A pronunciation in IPA ([`crate::check_ipa`]).
    Ipa(String),
}

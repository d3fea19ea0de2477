//! Text front end of speech synthesis: normalisation, sentences, phonemes.
//!
//! A [`Frontend`] turns any text into [`Clause`]s, lazily and in order: raw text → sentences (`segment`) → words as
//! spoken (`normalise`) → phonemes (`pronounce`) → clauses of bounded length (`clause`). Memory is bounded by the
//! sentence, never by the text.
//!
//! Owns everything between a character and a phoneme, for American and British English. Does not know engines,
//! voices or audio, and does no I/O: its lexicons are part of the program.
//!
//! No text is fatal. What has no reading is skipped, a foreign word is transliterated, a word in no lexicon is guessed
//! and at the worst spelled; only a text that is mostly of another script is refused, before any work
//! ([`Frontend::check_script`]).

mod abbreviations;
mod clause;
mod error;
mod language;
mod normalise;
mod pronounce;
mod script;
mod segment;

use std::sync::{Arc, OnceLock};

pub use clause::{Clause, MAX_CLAUSE_PHONEMES};
pub use error::TextError;
pub use language::Language;
pub use pronounce::{is_phoneme_symbol, to_espeak_ipa};

use normalise::Piece;
use pronounce::Pronouncer;

/// Reaches every token class.
const WARM_UP: &str = "Mr. 5 7% 1/2 1st $5 5 km 3:05 3/4/2026 Mar. 3 v1.2 555-1234 a.b@c.com /a/b a.txt #a IV <b>&amp;";

/// Text to phonemes in one language. Cheap to clone; shared by all threads.
#[derive(Clone)]
pub struct Frontend {
    language: Language,
    pronouncer: Arc<Pronouncer>,
}

impl Frontend {
    /// The front end of `language`. The first call per language reads the lexicons (about 0.2 s); later ones share
    /// them.
    ///
    /// # Errors
    ///
    /// [`TextError::Internal`] if the embedded data is broken.
    pub fn new(language: Language) -> Result<Frontend, TextError> {
        static AMERICAN: OnceLock<Result<Arc<Pronouncer>, TextError>> = OnceLock::new();
        static BRITISH: OnceLock<Result<Arc<Pronouncer>, TextError>> = OnceLock::new();
        let shared = match language {
            Language::EnUs => &AMERICAN,
            Language::EnGb => &BRITISH,
        };
        let load = || -> Result<Arc<Pronouncer>, TextError> {
            let pronouncer = Pronouncer::load(language)?;
            // The patterns of the token classes compile at their first use: not in a caller's first sentence.
            normalise::pieces(WARM_UP, 0, language, &pronouncer);
            Ok(Arc::new(pronouncer))
        };
        let pronouncer = shared.get_or_init(load).clone()?;
        Ok(Frontend {
            language,
            pronouncer,
        })
    }

    /// The language this front end speaks.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Refuses a text most of whose letters are of a script that has no English reading.
    ///
    /// One pass over the text and no allocation, so that a caller can answer before any synthesis. The rule: letters
    /// of other scripts than Latin outnumber the Latin ones, a Han, kana or Hangul character counting twice.
    ///
    /// # Errors
    ///
    /// [`TextError::UnsupportedScript`], naming the commonest foreign script.
    pub fn check_script(&self, text: &str) -> Result<(), TextError> {
        script::check(text, self.language)
    }

    /// The clauses of `text`, in order, nothing lost. A text with nothing speakable has none.
    ///
    /// Each step works on one sentence. A refused script is the only item.
    pub fn clauses<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = Result<Clause, TextError>> + 'a {
        clause::Clauses::new(self, text)
    }

    /// The words of `text` as spoken, with punctuation: `$5 on 3/4` → `five dollars on March fourth`.
    ///
    /// Works on the whole text at once; for long texts use [`Frontend::clauses`].
    #[must_use]
    pub fn normalise(&self, text: &str) -> String {
        let sentences: Vec<String> = segment::Segments::new(text)
            .map(|s| normalise::compose(&self.pieces(&text[s.range.clone()], s.range.start)))
            .filter(|s| !s.is_empty())
            .collect();
        sentences.join(" ")
    }

    /// Phonemes of words that [`Frontend::normalise`] or [`Clause::text`] gave.
    #[must_use]
    pub fn phonemes(&self, normalised: &str) -> String {
        self.pronouncer.phonemes(normalised)
    }

    /// The spoken pieces of one sentence that starts at byte `offset` of the caller's text.
    fn pieces(&self, sentence: &str, offset: usize) -> Vec<Piece> {
        normalise::pieces(sentence, offset, self.language, &self.pronouncer)
    }
}

impl std::fmt::Debug for Frontend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frontend")
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

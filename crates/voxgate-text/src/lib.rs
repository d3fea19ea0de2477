//! Text front end of speech synthesis: normalisation, sentences, phonemes.
//!
//! A [`Frontend`] turns any text into [`Clause`]s, lazily and in order: raw text → sentences (`segment`) → words as
//! spoken (`normalise`) → phonemes (`pronounce`) → clauses of bounded length (`clause`). Memory is bounded by the
//! sentence, never by the text.
//!
//! What is to be spoken is a [`Plan`]: utterances, each with its voice, rate and volume, and pauses between them. Plain
//! text, inline control and SSML come down to it. Each utterance holds a [`Passage`], the text to be read with the way back
//! from each of its bytes to the caller's, so that clauses name the words of the caller's text ([`Clause::words`]).
//! Pronunciation dictionaries ([`Rules`]) are applied to each sentence before it is normalised. Text that comes piece by
//! piece is cut into passages by [`Incremental`].
//!
//! ```
//! use voxgate_text::{Frontend, Item, Language, Plan};
//!
//! let frontend = Frontend::new(Language::EnUs)?;
//! let text = "<speak>It costs $5. <break time=\"1s\"/> Buy it.</speak>";
//! let mut heard = Vec::new();
//! for item in Plan::detect(text)?.items {
//!     match item {
//!         Item::Break { milliseconds, .. } => heard.push(format!("{milliseconds} ms")),
//!         Item::Speech(utterance) => {
//!             for clause in frontend.read(utterance.passage, None) {
//!                 let clause = clause?;
//!                 heard.extend(clause.words.iter().map(|w| text[w.source.clone()].to_owned()));
//!             }
//!         }
//!     }
//! }
//! assert_eq!(heard, ["It", "costs", "$5", "1000 ms", "Buy", "it"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Owns everything between a character and a phoneme, for American and British English. Does not know engines,
//! voices or audio, and does no I/O: its lexicons are part of the program.
//!
//! No text is fatal. What has no reading is skipped, a foreign word is transliterated, a word in no lexicon is guessed
//! and at the worst spelled; only a text that is mostly of another script is refused, before any work
//! ([`Frontend::check_script`]).

mod abbreviations;
mod clause;
mod dictionary;
mod error;
mod incremental;
mod language;
mod normalise;
mod passage;
mod plan;
mod pronounce;
mod script;
mod segment;
mod word;

use std::sync::{Arc, OnceLock};

pub use clause::{Clause, MAX_CLAUSE_PHONEMES};
pub use dictionary::{
    DictionaryError, DryRun, DryWord, MAX_DICTIONARIES, MAX_DRY_RUN_BYTES, MAX_RESPELLING_BYTES,
    MAX_RULES, MAX_WORD_BYTES, MAX_WORD_PARTS, Rule, RuleProblem, Rules, Say,
};
pub use error::TextError;
pub use incremental::{Incremental, IncrementalSettings};
pub use language::Language;
pub use normalise::{DateOrder, SayAs};
pub use passage::{Ending, Passage};
pub use plan::{
    Item, MAX_BREAK_MS, MAX_BREAKS_MS, MAX_GIVEN_BYTES, MAX_MARKUP_BYTES, MAX_MARKUP_DEPTH,
    MarkupError, Plan, Utterance, is_ssml,
};
pub use pronounce::{
    IpaError, MAX_IPA_CHARS, check_ipa, is_phoneme_symbol, to_espeak_ipa, to_espeak_words,
};
pub use word::Word;

use normalise::Context;
use pronounce::Pronouncer;
use segment::{Known, Next, Segments};

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
            let context = Context {
                language,
                lexicon: &pronouncer,
            };
            normalise::pieces(&Passage::new(WARM_UP), context);
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

    /// As [`Frontend::check_script`], over all that a plan says. [`Frontend::read`] by itself checks the first utterance of a
    /// plan and the first passage of an incremental text, whose others go on with it.
    ///
    /// # Errors
    ///
    /// As [`Frontend::check_script`].
    pub fn check_plan(&self, plan: &Plan<'_>) -> Result<(), TextError> {
        let all: Vec<&str> = plan.utterances().map(|u| u.passage.text()).collect();
        script::check(&all.join(" "), self.language)
    }

    /// The clauses of `text`, in order, nothing lost. A text with nothing speakable has none.
    ///
    /// Each step works on one sentence. A refused script is the only item.
    pub fn clauses<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = Result<Clause, TextError>> + 'a {
        self.read(Passage::new(text), None)
    }

    /// The clauses of a passage, in order, nothing lost, with pronunciation rules applied.
    ///
    /// Each step works on one sentence. A refused script is the only item.
    pub fn read<'a>(
        &'a self,
        passage: Passage<'a>,
        rules: Option<&'a Rules>,
    ) -> impl Iterator<Item = Result<Clause, TextError>> + 'a {
        clause::Clauses::new(self, passage, rules)
    }

    /// The words of `text` as spoken, with punctuation: `$5 on 3/4` → `five dollars on March fourth`.
    ///
    /// Works on the whole text at once; for long texts use [`Frontend::clauses`].
    #[must_use]
    pub fn normalise(&self, text: &str) -> String {
        let passage = Passage::new(text);
        let mut segments = Segments::default();
        let mut out = String::with_capacity(text.len() + text.len() / 4);
        while let Next::Segment(segment) = segments.next(Known::whole(text)) {
            let pieces = normalise::pieces(&passage.slice(segment.range), self.context());
            let line = normalise::compose(&pieces).text;
            if !out.is_empty() && !line.is_empty() {
                out.push(' ');
            }
            out.push_str(&line);
        }
        out
    }

    /// Phonemes of words that [`Frontend::normalise`] or [`Clause::text`] gave.
    #[must_use]
    pub fn phonemes(&self, normalised: &str) -> String {
        self.pronouncer.phonemes(normalised, &[]).phonemes
    }

    fn context(&self) -> Context<'_> {
        Context {
            language: self.language,
            lexicon: &self.pronouncer,
        }
    }
}

impl std::fmt::Debug for Frontend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frontend")
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

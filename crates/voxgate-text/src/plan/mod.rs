//! What is to be spoken, in order: passages in their voice, rate and volume, and pauses.
//!
//! A [`Plan`] is what every way of writing text comes down to, whatever the engine: plain text, plain text with inline
//! control, SSML. Owns the markup and its limits. Does not know engines or which voices exist: a voice is a name.
//!
//! # SSML
//!
//! A subset of SSML 1.1. A document is SSML if the caller says so or if its first characters that are not blank are
//! `<speak`; everything else is plain text. Elements and attributes that would change nothing here are refused, not
//! ignored, so that nobody wonders why nothing happens.
//!
//! | element | attributes | effect |
//! |---|---|---|
//! | `speak` | `version`, `xmlns…`, `xml:lang` | the root |
//! | `p`, `s` | `xml:lang` | paragraph, sentence |
//! | `break` | `time` (`500ms`, `1.5s`, up to [`MAX_BREAK_MS`]), `strength` | a pause in place of the usual one |
//! | `prosody` | `rate` (words, `120%`, `+20%`, `1.2`), `volume` (words, `+6dB`, `80`) | rate and volume, also nested |
//! | `say-as` | `interpret-as`, `format`, `detail` | [`crate::SayAs`] |
//! | `sub` | `alias` | the alias in place of the text |
//! | `phoneme` | `ph`, `alphabet` (`ipa`) | a pronunciation |
//! | `voice` | `name` | the voice |
//! | `lang` | `xml:lang` | the language: for the caller to match with the voice |
//! | `emphasis` | `level` | accepted, without effect: the models find their own emphasis |
//!
//! `prosody pitch`, `contour` and `range` are refused unless they change nothing (`medium`, `default`, `+0%`): the voices
//! cannot change their pitch. There is no DTD, no entity but the five of XML and character numbers, no processing
//! instruction.

mod builder;
mod error;
mod inline;
mod ssml;
mod values;

use std::ops::Range;

pub use error::MarkupError;

use crate::Passage;

/// The longest document with markup, in bytes.
pub const MAX_MARKUP_BYTES: usize = 1 << 20;
/// How deep elements may stand in each other.
pub const MAX_MARKUP_DEPTH: usize = 32;
/// The longest pause, in milliseconds.
pub const MAX_BREAK_MS: u32 = 10_000;
/// All pauses of a document together, in milliseconds.
pub const MAX_BREAKS_MS: u32 = 600_000;
/// The longest text inside `say-as`, `sub` or `phoneme`, and the longest alias, in bytes.
pub const MAX_GIVEN_BYTES: usize = 500;

/// What is to be spoken, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<'t> {
    /// Utterances and pauses.
    pub items: Vec<Item<'t>>,
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'t> {
    /// Something to say.
    Speech(Utterance<'t>),
    /// Silence.
    Break {
        /// Its length in milliseconds, at most [`MAX_BREAK_MS`]. Rate does not change it.
        milliseconds: u32,
        /// Bytes of the caller's text that asked for it.
        source: Range<usize>,
    },
}

/// A passage and how it is spoken.
#[derive(Debug, Clone, PartialEq)]
pub struct Utterance<'t> {
    /// What is said. [`crate::Frontend::read`] makes clauses of it.
    pub passage: Passage<'t>,
    /// Times the usual speaking rate, 0.25 to 4.
    pub rate: f32,
    /// Times the usual amplitude (linear), 0 to 4.
    pub volume: f32,
    /// The voice asked for, as written; `None` for the caller's own.
    pub voice: Option<String>,
    /// The language asked for, as a BCP-47 tag; `None` for that of the voice. A caller whose voice does not speak it
    /// should refuse it.
    pub language: Option<String>,
}

impl<'t> Plan<'t> {
    /// A plain text: one utterance.
    #[must_use]
    pub fn plain(text: &'t str) -> Plan<'t> {
        Plan {
            items: vec![Item::Speech(Utterance {
                passage: Passage::new(text),
                rate: 1.0,
                volume: 1.0,
                voice: None,
                language: None,
            })],
        }
    }

    /// A document in SSML, whether or not it looks like one.
    ///
    /// # Errors
    ///
    /// [`MarkupError`] says what is wrong, where, and what to change.
    pub fn ssml(text: &str) -> Result<Plan<'static>, MarkupError> {
        ssml::parse(text)
    }

    /// Plain text with control inside: `[word](/IPA/)` gives a pronunciation, `[pause:1.5s]` and `<break time="1.5s"/>` a
    /// pause. Everything else is text, brackets and tags included.
    ///
    /// # Errors
    ///
    /// [`MarkupError`] for a pronunciation or a time that cannot be read.
    pub fn inline(text: &str) -> Result<Plan<'static>, MarkupError> {
        inline::parse(text)
    }

    /// SSML if [`is_ssml`] finds it, else plain text.
    ///
    /// # Errors
    ///
    /// As [`Plan::ssml`].
    pub fn detect(text: &'t str) -> Result<Plan<'t>, MarkupError> {
        if is_ssml(text) {
            Plan::ssml(text)
        } else {
            Ok(Plan::plain(text))
        }
    }

    /// The utterances in order.
    pub fn utterances(&self) -> impl Iterator<Item = &Utterance<'t>> {
        self.items.iter().filter_map(|item| match item {
            Item::Speech(utterance) => Some(utterance),
            Item::Break { .. } => None,
        })
    }

    /// The same plan, independent of the text it was made from.
    #[must_use]
    pub fn into_owned(self) -> Plan<'static> {
        let owned = |item| match item {
            Item::Speech(utterance) => Item::Speech(utterance.into_owned()),
            Item::Break {
                milliseconds,
                source,
            } => Item::Break {
                milliseconds,
                source,
            },
        };
        Plan {
            items: self.items.into_iter().map(owned).collect(),
        }
    }
}

impl Utterance<'_> {
    /// The same utterance, independent of the text it was made from.
    #[must_use]
    pub fn into_owned(self) -> Utterance<'static> {
        Utterance {
            passage: self.passage.into_owned(),
            rate: self.rate,
            volume: self.volume,
            voice: self.voice,
            language: self.language,
        }
    }
}

/// Whether a text is an SSML document: its first characters that are not blank are `<speak`, followed by a blank, `>` or
/// `/`.
#[must_use]
pub fn is_ssml(text: &str) -> bool {
    text.trim_start_matches(is_lead)
        .strip_prefix("<speak")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || matches!(c, '>' | '/')))
}

/// What may stand before a document.
fn is_lead(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_speak_document_is_ssml() {
        for text in [
            "<speak>",
            " \n<speak version='1.1'>x",
            "<speak/>",
            "\u{feff}<speak\n>",
        ] {
            assert!(is_ssml(text), "{text}");
        }
        for text in [
            "",
            "speak",
            "<speaker>",
            "<p>x</p>",
            "x <speak>",
            "<speak",
            "< speak>",
            "<Speak>",
        ] {
            assert!(!is_ssml(text), "{text}");
        }
    }

    #[test]
    fn plain_text_is_one_utterance() {
        let text = "<b>1 < 2</b>";
        let plan = Plan::detect(text).unwrap();
        assert_eq!(plan.items.len(), 1);
        assert_eq!(plan.utterances().next().unwrap().passage.text(), text);
        assert_eq!(plan.clone().into_owned(), plan);
    }
}

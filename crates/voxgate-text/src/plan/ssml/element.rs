//! The elements: which attributes they take and what they do to the text inside.

use std::ops::Range;

use super::super::builder::Style;
use super::super::error::quoted;
use super::super::{MAX_GIVEN_BYTES, values};
use crate::passage::{Ending, FixedReading};
use crate::pronounce::check_ipa;

const ELEMENTS: &str =
    "speak, p, s, break, prosody, say-as, sub, phoneme, voice, lang and emphasis";
/// The longest name of a voice, in bytes.
const MAX_VOICE_BYTES: usize = 128;

/// Names and values, unescaped.
pub(super) type Attributes = Vec<(String, String)>;

/// An element that is open.
pub(super) struct Open {
    pub(super) name: String,
    /// Where its start tag stands.
    pub(super) tag: Range<usize>,
    pub(super) style: Style,
    /// What its end ends.
    pub(super) ending: Option<Ending>,
    pub(super) given: Option<Given>,
}

/// An element whose text is read in a given way.
pub(super) struct Given {
    /// Its text so far.
    pub(super) text: String,
    pub(super) what: GivenWhat,
}

pub(super) enum GivenWhat {
    Alias(String),
    Reading(FixedReading),
}

/// An element while its attributes are read.
pub(super) struct Element {
    pub(super) attributes: Attributes,
    pub(super) open: Open,
}

impl Element {
    /// Applies the element; the answer is the pause it makes. An error is what to change.
    pub(super) fn read(&mut self) -> Result<Option<u32>, String> {
        let name = self.open.name.clone();
        match name.as_str() {
            "speak" => {
                self.attributes.retain(|(name, _)| {
                    name != "version" && !name.starts_with("xmlns") && name != "xsi:schemaLocation"
                });
                self.language()?;
            }
            "p" => {
                self.language()?;
                self.open.ending = Some(Ending::Paragraph);
            }
            "s" => {
                self.language()?;
                self.open.ending = Some(Ending::Sentence);
            }
            "break" => return self.pause().map(Some),
            "prosody" => self.prosody()?,
            "say-as" => {
                let kind = self.needed("interpret-as", "cardinal")?;
                let format = self.take("format");
                self.take("detail");
                let kind = values::say_as(&kind, format.as_deref())?;
                self.give(GivenWhat::Reading(FixedReading::SayAs(kind)));
            }
            "sub" => {
                let alias = self.needed("alias", "what to say")?;
                if alias.trim().is_empty() || alias.len() > MAX_GIVEN_BYTES {
                    return Err(format!("an alias has 1 to {MAX_GIVEN_BYTES} bytes"));
                }
                self.give(GivenWhat::Alias(alias));
            }
            "phoneme" => {
                let ipa = self.needed("ph", "təˈmeɪtoʊ")?;
                if let Some(alphabet) = self.take("alphabet").filter(|a| a != "ipa") {
                    return Err(format!(
                        "the alphabet {} is not known here; write the pronunciation in \"ipa\"",
                        quoted(&alphabet)
                    ));
                }
                check_ipa(&ipa).map_err(|error| error.to_string())?;
                self.give(GivenWhat::Reading(FixedReading::Ipa {
                    ipa,
                    possessive: false,
                }));
            }
            "voice" => {
                let voice = self
                    .needed("name", "the name of a voice")?
                    .trim()
                    .to_owned();
                if voice.is_empty() || voice.len() > MAX_VOICE_BYTES {
                    return Err(format!(
                        "the name of a voice has 1 to {MAX_VOICE_BYTES} bytes"
                    ));
                }
                self.open.style.voice = Some(voice);
            }
            "lang" => {
                if !self.attributes.iter().any(|(name, _)| name == "xml:lang") {
                    return Err(
                        "<lang> needs the attribute xml:lang, such as xml:lang=\"en-GB\""
                            .to_owned(),
                    );
                }
                self.language()?;
            }
            "emphasis" => {
                let level = self.take("level").unwrap_or_else(|| "moderate".to_owned());
                if !matches!(level.as_str(), "strong" | "moderate" | "none" | "reduced") {
                    return Err(
                        "the level of <emphasis> is strong, moderate, none or reduced".to_owned(),
                    );
                }
            }
            other => {
                return Err(format!(
                    "<{}> is not known here; remove its tags. Known are {ELEMENTS}",
                    quoted(other).trim_matches('"')
                ));
            }
        }
        match self.attributes.first() {
            Some((attribute, _)) => Err(format!(
                "<{name}> has no attribute {} here; remove it",
                quoted(attribute)
            )),
            None => Ok(None),
        }
    }

    fn give(&mut self, what: GivenWhat) {
        self.open.given = Some(Given {
            text: String::new(),
            what,
        });
    }

    /// Takes an attribute out, so that what is left is unknown.
    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.attributes.iter().position(|(n, _)| n == name)?;
        Some(self.attributes.swap_remove(at).1)
    }

    fn needed(&mut self, name: &str, example: &str) -> Result<String, String> {
        self.take(name).ok_or_else(|| {
            format!(
                "<{}> needs the attribute {name}=\"{example}\"",
                self.open.name
            )
        })
    }

    fn language(&mut self) -> Result<(), String> {
        if let Some(tag) = self.take("xml:lang") {
            if !values::is_language_tag(&tag) {
                return Err(format!(
                    "{} is no language tag; write one such as en-US",
                    quoted(&tag)
                ));
            }
            self.open.style.language = Some(tag);
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<u32, String> {
        let time = self.take("time").map(|t| values::time(&t)).transpose()?;
        let strength = self
            .take("strength")
            .map(|s| values::strength(&s))
            .transpose()?;
        match self.attributes.first() {
            Some((attribute, _)) => Err(format!(
                "<break> has no attribute {} here; remove it",
                quoted(attribute)
            )),
            None => match time.or(strength) {
                Some(milliseconds) => Ok(milliseconds),
                None => values::strength("medium"),
            },
        }
    }

    fn prosody(&mut self) -> Result<(), String> {
        if let Some(rate) = self.take("rate") {
            let rate = self.open.style.rate * values::rate(&rate)?;
            self.open.style.rate = values::bounded_rate(rate);
        }
        if let Some(volume) = self.take("volume") {
            let volume = self.open.style.volume * values::volume(&volume)?;
            self.open.style.volume = values::bounded_volume(volume);
        }
        for name in ["pitch", "range", "contour"] {
            if self
                .take(name)
                .is_some_and(|value| !values::is_neutral(&value))
            {
                return Err(format!(
                    "the voices here cannot change their pitch; remove the attribute {name}"
                ));
            }
        }
        Ok(())
    }
}

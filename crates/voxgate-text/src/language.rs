//! Which English a front end speaks.
//!
//! Owns the mapping from BCP-47 tags. Does not know lexicons or voices.

use std::fmt;

/// A language with a lexicon and a normaliser in this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// American English (`en-US`).
    EnUs,
    /// British English (`en-GB`).
    EnGb,
}

impl Language {
    /// The language of a BCP-47 tag. Case and separator do not matter (`en-us`, `en_US`).
    ///
    /// `en` and English of any region but those that follow British spelling and sounds answer American English.
    /// Returns `None` for another language.
    #[must_use]
    pub fn from_bcp47(tag: &str) -> Option<Language> {
        let mut subtags = tag.split(['-', '_']);
        if !subtags.next()?.eq_ignore_ascii_case("en") {
            return None;
        }
        let british = subtags.any(|s| {
            ["gb", "uk", "ie", "au", "nz", "za", "in"]
                .iter()
                .any(|region| s.eq_ignore_ascii_case(region))
        });
        Some(if british {
            Language::EnGb
        } else {
            Language::EnUs
        })
    }

    /// The BCP-47 tag: `en-US` or `en-GB`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Language::EnUs => "en-US",
            Language::EnGb => "en-GB",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_map_to_the_nearest_english() {
        for (tag, expected) in [
            ("en-US", Some(Language::EnUs)),
            ("en", Some(Language::EnUs)),
            ("EN_us", Some(Language::EnUs)),
            ("en-CA", Some(Language::EnUs)),
            ("en-GB", Some(Language::EnGb)),
            ("en-au", Some(Language::EnGb)),
            ("de-DE", None),
            ("", None),
        ] {
            assert_eq!(Language::from_bcp47(tag), expected, "{tag}");
        }
    }
}

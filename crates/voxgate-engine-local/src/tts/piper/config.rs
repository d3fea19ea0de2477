//! The `.onnx.json` beside a Piper voice.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// The fields we read; others are the maker's.
#[derive(Debug, Deserialize)]
pub(super) struct VoiceConfig {
    pub(super) audio: Audio,
    #[serde(default)]
    pub(super) espeak: Espeak,
    #[serde(default)]
    pub(super) inference: Inference,
    #[serde(default)]
    pub(super) phoneme_type: PhonemeType,
    pub(super) phoneme_id_map: HashMap<String, Vec<i32>>,
    #[serde(default = "one")]
    pub(super) num_speakers: u32,
    #[serde(default)]
    pub(super) speaker_id_map: BTreeMap<String, i32>,
    #[serde(default)]
    pub(super) default_speaker_id: i32,
    pub(super) language: Option<LanguageInfo>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Audio {
    pub(super) sample_rate: u32,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Espeak {
    #[serde(default)]
    pub(super) voice: String,
}

/// Piper's own defaults where a field is absent.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Inference {
    pub(super) noise_scale: f32,
    pub(super) length_scale: f32,
    pub(super) noise_w: f32,
}

impl Default for Inference {
    fn default() -> Self {
        Self {
            noise_scale: 0.667,
            length_scale: 1.0,
            noise_w: 0.8,
        }
    }
}

/// What the voice's symbols are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PhonemeType {
    /// espeak-ng's IPA.
    #[default]
    Espeak,
    /// Characters of the text, decomposed.
    Text,
    /// Another alphabet, which needs a front end we do not have.
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct LanguageInfo {
    pub(super) code: String,
}

fn one() -> u32 {
    1
}

impl VoiceConfig {
    /// BCP-47 tag of the voice's language: from the language block, else from the espeak voice.
    pub(super) fn language_tag(&self) -> String {
        let code = self
            .language
            .as_ref()
            .map_or(self.espeak.voice.as_str(), |language| {
                language.code.as_str()
            });
        let mut subtags = code.split(['_', '-']);
        let language = subtags.next().unwrap_or_default().to_ascii_lowercase();
        match subtags.next() {
            Some(region) if region.len() == 2 => {
                format!("{language}-{}", region.to_ascii_uppercase())
            }
            _ if language.is_empty() => "und".to_owned(),
            _ => language,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(json: &str) -> VoiceConfig {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn absent_fields_have_pipers_defaults() {
        let config = parse(
            r#"{"audio":{"sample_rate":16000},"espeak":{"voice":"en-gb-x-rp"},"phoneme_id_map":{"_":[0]}}"#,
        );
        assert_eq!(config.inference, Inference::default());
        assert_eq!(config.phoneme_type, PhonemeType::Espeak);
        assert_eq!(config.num_speakers, 1);
        assert_eq!(config.language_tag(), "en-GB");
    }

    #[test]
    fn the_language_block_wins_and_other_alphabets_are_told_apart() {
        let config = parse(
            r#"{"audio":{"sample_rate":22050,"quality":"medium"},"language":{"code":"uk_UA"},"phoneme_type":"text",
                "inference":{"noise_scale":0.1},"phoneme_id_map":{}}"#,
        );
        assert_eq!(config.language_tag(), "uk-UA");
        assert_eq!(config.phoneme_type, PhonemeType::Text);
        assert!((config.inference.noise_scale - 0.1).abs() < 1e-6);
        assert!((config.inference.noise_w - 0.8).abs() < 1e-6);
        let config =
            parse(r#"{"audio":{"sample_rate":22050},"phoneme_type":"pinyin","phoneme_id_map":{}}"#);
        assert_eq!(config.phoneme_type, PhonemeType::Other);
    }
}

//! Kokoro's voices on disk: one file of little-endian f32 `[510, 1, 256]` each, named by the voice.

use std::fs;
use std::path::Path;

use voxgate_engine::{Gender, VoiceInfo};

use super::{ENGINE_NAME, SAMPLE_RATE_HZ, VOICES_NAME};
use crate::error::LoadError;

/// Rows of a style table, one per number of phoneme tokens.
const ROWS: usize = 510;
/// Values of a row.
const WIDTH: usize = 256;
/// The maker's licence for model and voices.
const LICENCE: &str = "Apache-2.0";

/// How a voice sounds, by length of the utterance.
pub(super) struct Style {
    /// Brings the voice to the level of the others.
    pub(super) gain: f32,
    /// `ROWS` × `WIDTH`, row by row.
    table: Vec<f32>,
}

impl Style {
    /// The style for an utterance of this many phoneme tokens.
    pub(super) fn row(&self, tokens: usize) -> &[f32] {
        let row = tokens.min(ROWS - 1);
        &self.table[row * WIDTH..(row + 1) * WIDTH]
    }

    fn from_bytes(bytes: &[u8], gain: f32) -> Result<Self, String> {
        if bytes.len() != ROWS * WIDTH * size_of::<f32>() {
            return Err(format!(
                "{} bytes instead of {}",
                bytes.len(),
                ROWS * WIDTH * size_of::<f32>()
            ));
        }
        let (values, _) = bytes.as_chunks::<4>();
        let table: Vec<f32> = values
            .iter()
            .map(|&value| f32::from_le_bytes(value))
            .collect();
        if table.iter().all(|value| value.is_finite()) {
            Ok(Self { gain, table })
        } else {
            Err("a value is not a number".to_owned())
        }
    }
}

/// Reads every English voice in the folder, sorted by id. Voices of other languages are passed over:
/// there is no pronunciation for them yet.
pub(super) fn load(folder: &Path) -> Result<Vec<(VoiceInfo, Style)>, LoadError> {
    let unreadable = |error| LoadError::unreadable(folder, VOICES_NAME, &error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let id = path.file_stem().and_then(|stem| stem.to_str());
        if path.extension().is_none_or(|extension| extension != "bin") {
            continue;
        }
        let Some(voice) = id.and_then(describe) else {
            tracing::debug!(file = %path.display(), "passed over a voice without an English front end");
            continue;
        };
        let bytes =
            fs::read(&path).map_err(|error| LoadError::unreadable(&path, VOICES_NAME, &error))?;
        let style = Style::from_bytes(&bytes, gain(&voice.id))
            .map_err(|reason| LoadError::invalid(&path, VOICES_NAME, reason))?;
        found.push((voice, style));
    }
    if found.is_empty() {
        return Err(LoadError::MissingFile {
            path: folder.join("af_heart.bin"),
            model: VOICES_NAME.to_owned(),
        });
    }
    found.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    Ok(found)
}

/// What a voice's id says: language and gender in its two letters, then the name. `None` for other languages.
fn describe(id: &str) -> Option<VoiceInfo> {
    let (kind, name) = id.split_once('_')?;
    let (language, gender) = match kind {
        "af" => ("en-US", Gender::Female),
        "am" => ("en-US", Gender::Male),
        "bf" => ("en-GB", Gender::Female),
        "bm" => ("en-GB", Gender::Male),
        _ => return None,
    };
    let mut letters = name.chars();
    let first = letters.next()?;
    Some(VoiceInfo {
        id: id.to_owned(),
        name: first.to_uppercase().chain(letters).collect(),
        language: language.to_owned(),
        gender,
        styles: styles(id).iter().map(|&style| style.to_owned()).collect(),
        engine: ENGINE_NAME.to_owned(),
        licence: LICENCE.to_owned(),
        sample_rate_hz: SAMPLE_RATE_HZ,
    })
}

/// What was heard and measured of each voice: its loudness in LUFS on one pangram of 5 s, without gain, and style words.
/// The makers did not level the voices: 10 dB lie between the quietest and the loudest.
const MEASURED: &[(&str, f32, &[&str])] = &[
    ("af_alloy", -23.8, &["neutral"]),
    ("af_aoede", -19.6, &["bright"]),
    ("af_bella", -23.2, &["warm", "expressive"]),
    ("af_heart", -23.9, &["warm", "natural"]),
    ("af_jessica", -24.3, &["young", "lively"]),
    ("af_kore", -19.8, &["firm"]),
    ("af_nicole", -22.2, &["soft", "whisper"]),
    ("af_nova", -28.4, &["lively"]),
    ("af_river", -23.3, &["calm"]),
    ("af_sarah", -22.7, &["natural", "narration"]),
    ("af_sky", -25.7, &["young", "lively"]),
    ("am_adam", -20.0, &["calm"]),
    ("am_echo", -23.9, &["neutral"]),
    ("am_eric", -23.1, &["formal", "narration"]),
    ("am_fenrir", -20.9, &["deep", "expressive"]),
    ("am_liam", -23.3, &["lively"]),
    ("am_michael", -25.3, &["natural", "narration"]),
    ("am_onyx", -25.8, &["firm"]),
    ("am_puck", -20.4, &["young", "lively"]),
    ("am_santa", -24.4, &["character"]),
    ("bf_alice", -22.6, &["bright"]),
    ("bf_emma", -21.5, &["natural", "narration"]),
    ("bf_isabella", -18.7, &["warm"]),
    ("bf_lily", -23.1, &["young", "lively"]),
    ("bm_daniel", -22.8, &["formal", "narration"]),
    ("bm_fable", -22.6, &["storytelling"]),
    ("bm_george", -23.1, &["formal", "narration"]),
    ("bm_lewis", -26.6, &["neutral"]),
];

/// Loudness every voice is brought to, in LUFS.
const TARGET_LUFS: f32 = -20.0;
/// Assumed of a voice that is not in the table: the mean of those that are.
const USUAL_LUFS: f32 = -23.0;

/// The fixed gain of a voice.
fn gain(id: &str) -> f32 {
    let measured = MEASURED
        .iter()
        .find(|(known, ..)| *known == id)
        .map_or(USUAL_LUFS, |&(_, lufs, _)| lufs);
    10_f32.powf((TARGET_LUFS - measured) / 20.0)
}

/// Style words of a voice; none for a voice not in the table.
fn styles(id: &str) -> &'static [&'static str] {
    MEASURED
        .iter()
        .find(|(known, ..)| *known == id)
        .map_or(&[], |&(.., styles)| styles)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_tells_language_gender_and_name() {
        let heart = describe("af_heart").unwrap();
        assert_eq!(
            (heart.name.as_str(), heart.language.as_str(), heart.gender),
            ("Heart", "en-US", Gender::Female)
        );
        let george = describe("bm_george").unwrap();
        assert_eq!(
            (george.language.as_str(), george.gender),
            ("en-GB", Gender::Male)
        );
        assert!(describe("jf_alpha").is_none());
        assert!(describe("readme").is_none());
    }

    #[test]
    fn rows_follow_the_number_of_tokens_up_to_the_last() {
        let bytes: Vec<u8> = (0..ROWS * WIDTH)
            .flat_map(|n| ((n / WIDTH) as f32).to_le_bytes())
            .collect();
        let style = Style::from_bytes(&bytes, 1.0).unwrap();
        assert_eq!(style.row(7), [7.0; WIDTH]);
        assert_eq!(style.row(5_000), [(ROWS - 1) as f32; WIDTH]);
    }

    #[test]
    fn gains_level_the_voices() {
        assert!((gain("af_heart") - 10_f32.powf(3.9 / 20.0)).abs() < 1e-5);
        assert!(gain("bf_isabella") < 1.0 && gain("af_nova") > 2.0);
        assert!((gain("af_unheard") - 10_f32.powf(3.0 / 20.0)).abs() < 1e-5);
    }

    #[test]
    fn a_file_of_the_wrong_size_or_with_nan_is_refused() {
        assert!(Style::from_bytes(&[0; 16], 1.0).is_err());
        let mut bytes = vec![0; ROWS * WIDTH * 4];
        bytes[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(Style::from_bytes(&bytes, 1.0).is_err());
    }
}

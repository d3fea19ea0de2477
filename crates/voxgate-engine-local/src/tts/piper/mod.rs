//! Piper voices: one VITS model per voice file, any voice that is published as `.onnx` and `.onnx.json`.
//!
//! Owns the file format, the symbols and the running of the model. Voices of espeak
//! phonemes speak English (through our own pronunciation); voices of plain characters speak what they were trained on.

mod catalogue;
mod config;
mod flow;
mod generator;
mod model;
mod symbols;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rten::ThreadPool;
use unicode_script::{Script, UnicodeScript};
use voxgate_engine::{EngineError, PcmSink, SpeechEngine, SpeechRequest, SpeechStats, VoiceInfo};
use voxgate_text::{Frontend, Language};

use super::{ClauseSink, Finish, Part, clamp_speed, plain, speak, text_error};
use crate::error::LoadError;
use crate::local::joined;
use config::{Inference, PhonemeType, VoiceConfig};
use model::VoiceModel;
use symbols::Symbols;

/// `voxgate models pull` calls a voice by this prefix and its name: `piper-en_US-joe-medium`.
pub const MODEL_PREFIX: &str = "piper-";
const ENGINE_NAME: &str = "piper";
/// Brings voices from the about -25 LUFS of Piper's training recipe (-24.8 to -26.1 measured) to about -20 LUFS.
const GAIN: f32 = 1.8;

/// All Piper voices of the configuration.
pub(crate) struct PiperEngine {
    models: Vec<PiperModel>,
    /// Every speaker of every model, in the order of `models`.
    voices: Vec<VoiceInfo>,
    /// For each voice: its model, and its speaker where the model has several.
    places: Vec<(usize, Option<i32>)>,
}

/// One voice file.
struct PiperModel {
    model: VoiceModel,
    symbols: Symbols,
    inference: Inference,
    sample_rate_hz: u32,
    language: String,
    reading: Reading,
}

/// A voice with its speaker id, where the model has several.
type Speaker = (VoiceInfo, Option<i32>);

/// How text becomes the voice's symbols.
enum Reading {
    Phonemes(Frontend),
    Characters,
}

impl PiperEngine {
    /// Loads the named voices, each on a thread of its own.
    pub(crate) fn load(
        models_dir: &Path,
        names: &[String],
        threads: &Arc<ThreadPool>,
    ) -> Result<Self, LoadError> {
        let loaded: Vec<Result<_, LoadError>> = thread::scope(|scope| {
            let loading: Vec<_> = names
                .iter()
                .map(|name| scope.spawn(|| PiperModel::load(models_dir, name, Arc::clone(threads))))
                .collect();
            loading.into_iter().map(joined).collect()
        });
        let mut engine = Self {
            models: Vec::new(),
            voices: Vec::new(),
            places: Vec::new(),
        };
        for loaded in loaded {
            let (model, speakers) = match loaded {
                Ok(loaded) => loaded,
                // A voice this version cannot speak with must not keep the others from speaking.
                Err(error @ LoadError::Unsupported { .. }) => {
                    tracing::warn!(%error, "a Piper voice is left out");
                    continue;
                }
                Err(error) => return Err(error),
            };
            let index = engine.models.len();
            for (voice, speaker) in speakers {
                engine.voices.push(voice);
                engine.places.push((index, speaker));
            }
            engine.models.push(model);
        }
        Ok(engine)
    }
}

impl PiperModel {
    /// The model and its voices, one for each speaker.
    fn load(
        models_dir: &Path,
        name: &str,
        threads: Arc<ThreadPool>,
    ) -> Result<(Self, Vec<Speaker>), LoadError> {
        let model_name = format!("{MODEL_PREFIX}{name}");
        let folder = models_dir.join(&model_name);
        let path = folder.join(format!("{name}.onnx"));
        let config_path = folder.join(format!("{name}.onnx.json"));
        if !path.exists() {
            return Err(LoadError::MissingFile {
                path,
                model: model_name,
            });
        }
        let json = fs::read(&config_path)
            .map_err(|error| LoadError::unreadable(&config_path, &model_name, &error))?;
        let config: VoiceConfig = serde_json::from_slice(&json)
            .map_err(|error| LoadError::invalid(&config_path, &model_name, error.to_string()))?;
        let symbols = Symbols::new(&config.phoneme_id_map)
            .map_err(|reason| LoadError::invalid(&config_path, &model_name, reason))?;
        let (model, reading) = thread::scope(|scope| {
            let reading = scope.spawn(|| Reading::of(&config, &config_path));
            let several = config.num_speakers > 1;
            let rate = config.audio.sample_rate;
            let model = VoiceModel::load(&path, &model_name, several, rate, threads);
            (model, joined(reading))
        });
        let (model, reading) = (model?, reading?);
        let voices = voices(name, &folder, &config);
        Ok((
            Self {
                model,
                symbols,
                inference: config.inference,
                sample_rate_hz: config.audio.sample_rate,
                language: config.language_tag(),
                reading,
            },
            voices,
        ))
    }

    /// Speaks one part and answers how many of its symbols the voice knows.
    fn speak(
        &self,
        speaker: Option<i32>,
        speed: f32,
        text: &str,
        clause: &mut ClauseSink<'_, '_>,
    ) -> Result<u32, EngineError> {
        let encoded = self.symbols.encode(text);
        let known = u32::try_from(encoded.counts.len()).unwrap_or(u32::MAX);
        self.model
            .speak(encoded, speaker, &self.inference, speed, clause)?;
        Ok(known)
    }

    /// Refuses a text of which the voice has no letter, naming the script of its first letter.
    fn check_characters(&self, text: &str) -> Result<(), EngineError> {
        match text.chars().find(|c| c.is_alphanumeric()) {
            None => Err(EngineError::NothingToSpeak),
            Some(_) if self.symbols.can_read(text) => Ok(()),
            Some(letter) => Err(EngineError::UnsupportedScript {
                script: match letter.script() {
                    Script::Common | Script::Inherited | Script::Unknown => "another".to_owned(),
                    script => script.full_name().to_owned(),
                },
                language: self.language.clone(),
            }),
        }
    }
}

impl Reading {
    fn of(config: &VoiceConfig, path: &Path) -> Result<Self, LoadError> {
        let unsupported = |reason: String| LoadError::Unsupported {
            path: path.to_owned(),
            reason,
        };
        match config.phoneme_type {
            PhonemeType::Text => Ok(Self::Characters),
            PhonemeType::Espeak => {
                let tag = config.language_tag();
                let language = Language::from_bcp47(&tag).ok_or_else(|| {
                    unsupported(format!(
                        "it speaks {tag} from phonemes, and there is pronunciation for English only so far"
                    ))
                })?;
                Frontend::new(language)
                    .map(Self::Phonemes)
                    .map_err(|error| LoadError::Text(error.to_string()))
            }
            PhonemeType::Other => Err(unsupported(
                "its phoneme_type is neither \"espeak\" nor \"text\"".to_owned(),
            )),
        }
    }
}

/// The voices of a model with their speaker ids. One speaker: the voice has the file's name; several: `name:speaker`.
fn voices(name: &str, folder: &Path, config: &VoiceConfig) -> Vec<Speaker> {
    // A voice name is language_REGION-dataset-quality.
    let dataset = name.split('-').nth(1).unwrap_or(name);
    let voice = |id: String, shown: &str| VoiceInfo {
        id,
        name: shown.to_owned(),
        language: config.language_tag(),
        gender: catalogue::gender(dataset),
        styles: vec!["neutral".to_owned()],
        engine: ENGINE_NAME.to_owned(),
        licence: catalogue::licence(folder, dataset),
        sample_rate_hz: config.audio.sample_rate,
    };
    if config.num_speakers <= 1 {
        return vec![(voice(name.to_owned(), &capitalised(dataset)), None)];
    }
    let mut speakers: Vec<(&str, i32)> = config
        .speaker_id_map
        .iter()
        .map(|(speaker, &id)| (speaker.as_str(), id))
        .collect();
    if speakers.is_empty() {
        return vec![(
            voice(name.to_owned(), &capitalised(dataset)),
            Some(config.default_speaker_id),
        )];
    }
    speakers.sort_by_key(|&(_, id)| id);
    speakers
        .into_iter()
        .map(|(speaker, id)| (voice(format!("{name}:{speaker}"), speaker), Some(id)))
        .collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

impl SpeechEngine for PiperEngine {
    fn name(&self) -> &str {
        ENGINE_NAME
    }

    fn voices(&self) -> &[VoiceInfo] {
        &self.voices
    }

    fn synthesize(
        &self,
        request: &SpeechRequest,
        sink: &mut dyn PcmSink,
    ) -> Result<SpeechStats, EngineError> {
        let place = self
            .voices
            .iter()
            .position(|voice| voice.id == request.voice)
            .ok_or_else(|| EngineError::UnknownVoice(request.voice.clone()))?;
        let (index, speaker) = self.places[place];
        let model = &self.models[index];
        let finish = Finish {
            rate_hz: model.sample_rate_hz,
            gain: GAIN,
            speed: clamp_speed(request.speed),
        };
        let voice = |symbols: &str, clause: &mut ClauseSink<'_, '_>| {
            model.speak(speaker, finish.speed, symbols, clause)
        };
        match &model.reading {
            Reading::Phonemes(frontend) => {
                let parts = frontend.clauses(&request.text).map(|clause| {
                    clause
                        .map(|clause| Part {
                            symbols: voxgate_text::to_espeak_ipa(&clause.phonemes),
                            ..clause.into()
                        })
                        .map_err(text_error)
                });
                speak(parts, &finish, sink, voice)
            }
            Reading::Characters => {
                model.check_characters(&request.text)?;
                speak(plain::sentences(&request.text), &finish, sink, voice)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn config(json: &str) -> VoiceConfig {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn each_speaker_is_a_voice() {
        let config = config(
            r#"{"audio":{"sample_rate":22050},"language":{"code":"en_GB"},"num_speakers":2,
                "speaker_id_map":{"p2":1,"p1":0},"phoneme_id_map":{}}"#,
        );
        let voices = voices("en_GB-vctk-medium", Path::new("none"), &config);
        let ids: Vec<_> = voices
            .iter()
            .map(|(voice, speaker)| (voice.id.as_str(), *speaker))
            .collect();
        assert_eq!(
            ids,
            [
                ("en_GB-vctk-medium:p1", Some(0)),
                ("en_GB-vctk-medium:p2", Some(1))
            ]
        );
        assert_eq!(voices[0].0.language, "en-GB");
    }

    #[test]
    fn a_single_speaker_has_the_name_of_the_file() {
        let config = config(
            r#"{"audio":{"sample_rate":22050},"language":{"code":"en_US"},"phoneme_id_map":{}}"#,
        );
        let voices = voices("en_US-joe-medium", Path::new("none"), &config);
        assert_eq!(voices.len(), 1);
        assert_eq!(voices[0].0.id, "en_US-joe-medium");
        assert_eq!(voices[0].0.name, "Joe");
        assert_eq!(voices[0].0.gender, voxgate_engine::Gender::Male);
    }

    #[test]
    fn a_phoneme_voice_of_another_language_is_refused_in_words() {
        let config = config(
            r#"{"audio":{"sample_rate":22050},"language":{"code":"de_DE"},"phoneme_id_map":{}}"#,
        );
        let refusal = match Reading::of(&config, Path::new("de.onnx.json")) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(
            refusal.contains("de-DE") && refusal.contains("English only"),
            "{refusal}"
        );
    }
}

//! Which voices exist, under which names. Owns the mapping from a requested name to an engine;
//! knows nothing about who may use a voice.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use crate::speech::{SpeechEngine, VoiceInfo};

/// All voices of all engines, and the aliases configuration gives them. Built once at start.
#[derive(Clone)]
pub struct VoiceRegistry {
    tables: Arc<Tables>,
}

struct Tables {
    engines: Vec<Arc<dyn SpeechEngine>>,
    /// In engine order, then in the engine's own order.
    voices: Vec<VoiceInfo>,
    /// Voice id to (index into `engines`, index into `voices`).
    by_id: HashMap<String, (usize, usize)>,
    aliases: BTreeMap<String, String>,
}

/// A voice that was found, with the engine that speaks it.
#[derive(Clone)]
pub struct ResolvedVoice {
    /// The engine to hand the request to.
    pub engine: Arc<dyn SpeechEngine>,
    /// The voice itself; its `id` is what [`crate::SpeechRequest::voice`] wants.
    pub info: VoiceInfo,
    /// The name the caller used: a voice id or an alias.
    pub requested: String,
}

impl fmt::Debug for ResolvedVoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedVoice")
            .field("engine", &self.engine.name())
            .field("info", &self.info)
            .field("requested", &self.requested)
            .finish()
    }
}

/// Why a set of engines and aliases does not make a registry. Each is a configuration mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two engines offer the same voice id.
    #[error("voice {voice:?} is offered by both engine {first:?} and engine {second:?}")]
    DuplicateVoice {
        /// The voice id.
        voice: String,
        /// The engine listed first.
        first: String,
        /// The engine listed later.
        second: String,
    },
    /// An alias points to a voice no engine offers.
    #[error("alias {alias:?} names unknown voice {target:?}")]
    UnknownTarget {
        /// The alias.
        alias: String,
        /// The voice it names.
        target: String,
    },
    /// An alias would hide a voice of the same name.
    #[error("alias {0:?} has the same name as a voice")]
    AliasHidesVoice(String),
}

impl VoiceRegistry {
    /// Builds the registry from engines, in listing order, and `(alias, voice id)` pairs.
    ///
    /// # Errors
    /// [`RegistryError`] when ids clash or an alias does not name a voice. Aliases of aliases are not followed.
    pub fn new(
        engines: Vec<Arc<dyn SpeechEngine>>,
        aliases: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, RegistryError> {
        let mut voices: Vec<VoiceInfo> = Vec::new();
        let mut by_id: HashMap<String, (usize, usize)> = HashMap::new();
        for (engine_index, engine) in engines.iter().enumerate() {
            for voice in engine.voices() {
                let place = (engine_index, voices.len());
                if let Some((first, _)) = by_id.insert(voice.id.clone(), place) {
                    return Err(RegistryError::DuplicateVoice {
                        voice: voice.id.clone(),
                        first: engines[first].name().to_owned(),
                        second: engine.name().to_owned(),
                    });
                }
                voices.push(voice.clone());
            }
        }
        let aliases: BTreeMap<String, String> = aliases.into_iter().collect();
        for (alias, target) in &aliases {
            if by_id.contains_key(alias) {
                return Err(RegistryError::AliasHidesVoice(alias.clone()));
            }
            if !by_id.contains_key(target) {
                return Err(RegistryError::UnknownTarget {
                    alias: alias.clone(),
                    target: target.clone(),
                });
            }
        }
        Ok(Self {
            tables: Arc::new(Tables {
                engines,
                voices,
                by_id,
                aliases,
            }),
        })
    }

    /// Finds a voice by id or alias; names are matched exactly.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<ResolvedVoice> {
        let id = self.tables.aliases.get(name).map_or(name, String::as_str);
        let &(engine, voice) = self.tables.by_id.get(id)?;
        Some(ResolvedVoice {
            engine: Arc::clone(&self.tables.engines[engine]),
            info: self.tables.voices[voice].clone(),
            requested: name.to_owned(),
        })
    }

    /// Every voice, in listing order.
    #[must_use]
    pub fn voices(&self) -> &[VoiceInfo] {
        &self.tables.voices
    }

    /// Every alias with the voice id it names, sorted by alias.
    #[must_use]
    pub fn aliases(&self) -> &BTreeMap<String, String> {
        &self.tables.aliases
    }

    /// The engines, in listing order.
    #[must_use]
    pub fn engines(&self) -> &[Arc<dyn SpeechEngine>] {
        &self.tables.engines
    }
}

impl fmt::Debug for VoiceRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VoiceRegistry")
            .field("voices", &self.tables.voices.len())
            .field("aliases", &self.tables.aliases)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake::FakeEngine;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    fn engines() -> Vec<Arc<dyn SpeechEngine>> {
        vec![Arc::new(FakeEngine::new())]
    }

    #[test]
    fn an_alias_and_its_target_resolve_to_the_same_voice() {
        let registry =
            VoiceRegistry::new(engines(), pairs(&[("en_female_warm_1", "fake_anna")])).unwrap();
        let by_alias = registry.resolve("en_female_warm_1").unwrap();
        let by_id = registry.resolve("fake_anna").unwrap();
        assert_eq!(by_alias.info, by_id.info);
        assert_eq!(by_alias.requested, "en_female_warm_1");
        assert_eq!(by_id.requested, "fake_anna");
        assert!(registry.resolve("nobody").is_none());
    }

    #[test]
    fn an_alias_to_nothing_is_refused() {
        let error = VoiceRegistry::new(engines(), pairs(&[("warm", "nobody")])).unwrap_err();
        assert_eq!(
            error,
            RegistryError::UnknownTarget {
                alias: "warm".into(),
                target: "nobody".into()
            }
        );
    }

    #[test]
    fn an_alias_may_not_hide_a_voice() {
        let error =
            VoiceRegistry::new(engines(), pairs(&[("fake_anna", "fake_bert")])).unwrap_err();
        assert_eq!(error, RegistryError::AliasHidesVoice("fake_anna".into()));
    }

    #[test]
    fn one_voice_id_in_two_engines_is_refused() {
        let two: Vec<Arc<dyn SpeechEngine>> =
            vec![Arc::new(FakeEngine::new()), Arc::new(FakeEngine::new())];
        assert!(matches!(
            VoiceRegistry::new(two, Vec::new()),
            Err(RegistryError::DuplicateVoice { .. })
        ));
    }
}

//! Engines by configuration: what is loaded, under which names, on how many threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use voxgate_engine::{PoolConfig, RegistryError, SpeechEngine, SpeechPool, VoiceRegistry};
use voxgate_services::speech::SpeechEngines;

use crate::config::Config;

/// Why no engine can be started.
#[derive(Debug, thiserror::Error)]
pub enum EnginesError {
    /// A model cannot be loaded.
    #[cfg(feature = "native")]
    #[error(transparent)]
    Load(#[from] voxgate_engine_local::LoadError),
    /// Two engines claim one voice.
    #[error("voices: {0}")]
    Registry(#[from] RegistryError),
    /// Nothing is configured or installed that could speak.
    #[error(
        "no engine is on: set engines.kokoro or engines.piper (this build has local engines: {}), or engines.fake for tests",
        cfg!(feature = "native")
    )]
    None,
}

/// Loads the configured engines. Blocks for as long as loading takes; call it off the runtime.
///
/// # Errors
/// [`EnginesError`].
pub fn load(config: &Config) -> Result<VoiceRegistry, EnginesError> {
    let mut engines: Vec<Arc<dyn SpeechEngine>> = Vec::new();
    if config.engines.fake {
        engines.push(Arc::new(voxgate_engine::fake::FakeEngine::new()));
    } else {
        load_local(config, &mut engines)?;
    }
    if engines.is_empty() {
        return Err(EnginesError::None);
    }
    let aliases = usable_aliases(&config.voices.aliases, &engines, config.engines.fake);
    Ok(VoiceRegistry::new(engines, aliases)?)
}

#[cfg(feature = "native")]
fn load_local(
    config: &Config,
    engines: &mut Vec<Arc<dyn SpeechEngine>>,
) -> Result<(), EnginesError> {
    if !(config.engines.kokoro || config.engines.piper) {
        return Ok(());
    }
    let local = voxgate_engine_local::LocalEngines::load(&local_config(config))?;
    engines.extend(local);
    Ok(())
}

/// Kokoro if it is wanted by default or installed, and every Piper voice whose folder is among the models.
#[cfg(feature = "native")]
fn local_config(config: &Config) -> voxgate_engine_local::LocalConfig {
    let models_dir = config.models_dir();
    let mut piper_voices: Vec<String> = if config.engines.piper {
        std::fs::read_dir(&models_dir)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| {
                Some(
                    name.strip_prefix(voxgate_engine_local::PIPER_MODEL_PREFIX)?
                        .to_owned(),
                )
            })
            .collect()
    } else {
        Vec::new()
    };
    piper_voices.sort();
    let kokoro = voxgate_engine_local::KOKORO_MODEL_NAME;
    let kokoro_wanted = config.models.defaults.iter().any(|name| name == kokoro)
        || models_dir.join(kokoro).exists();
    voxgate_engine_local::LocalConfig {
        models_dir,
        kokoro: config.engines.kokoro && kokoro_wanted,
        piper_voices,
        threads: config.engines.threads,
    }
}

#[cfg(not(feature = "native"))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "the same signature as with engines"
)]
fn load_local(
    _config: &Config,
    _engines: &mut Vec<Arc<dyn SpeechEngine>>,
) -> Result<(), EnginesError> {
    Ok(())
}

/// Threads of the pool: as configured, else one per core.
#[must_use]
pub fn pool_config(config: &Config) -> PoolConfig {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    PoolConfig {
        threads: if config.engines.threads == 0 {
            cores
        } else {
            config.engines.threads
        },
        queue_depth: config.engines.queue_depth,
    }
}

/// Starts the threads and hands out engines ready for the use cases.
#[must_use]
pub fn start(config: &Config, voices: VoiceRegistry) -> SpeechEngines {
    SpeechEngines {
        pool: SpeechPool::start(pool_config(config)),
        voices,
    }
}

/// Aliases whose voice is installed. The default aliases name voices of every default model, and an operator may have
/// installed only some. With the fake engine every alias speaks through its first voice, so that clients can be tested
/// with the names they use.
fn usable_aliases(
    aliases: &BTreeMap<String, String>,
    engines: &[Arc<dyn SpeechEngine>],
    fake: bool,
) -> Vec<(String, String)> {
    let voices: Vec<&str> = engines
        .iter()
        .flat_map(|engine| engine.voices())
        .map(|voice| voice.id.as_str())
        .collect();
    let mut usable = Vec::with_capacity(aliases.len());
    for (alias, voice) in aliases {
        if voices.contains(&alias.as_str()) {
            tracing::warn!(%alias, "an alias has the name of an installed voice and is left out");
        } else if voices.contains(&voice.as_str()) {
            usable.push((alias.clone(), voice.clone()));
        } else if let (true, Some(first)) = (fake, voices.first()) {
            usable.push((alias.clone(), (*first).to_owned()));
        } else {
            tracing::warn!(%alias, %voice, "an alias names a voice that is not installed and is left out");
        }
    }
    usable
}

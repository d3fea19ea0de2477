//! Which local engines to run, and loading them all at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rten::ThreadPool;
use voxgate_engine::SpeechEngine;

use crate::error::LoadError;
use crate::tts::kokoro::KokoroEngine;
use crate::tts::piper::PiperEngine;

/// Which models to load, from where. Files lie at `<models_dir>/<model name>/<file>`:
/// `kokoro-v1.0-int8/model.onnx`, `kokoro-voices/af_heart.bin`, `piper-en_US-joe-medium/en_US-joe-medium.onnx` and `….onnx.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalConfig {
    /// The folder `voxgate models pull` fills.
    pub models_dir: PathBuf,
    /// Load Kokoro-82M with every English voice found.
    pub kokoro: bool,
    /// Piper voices to load, by voice name, for example `en_US-joe-medium`.
    pub piper_voices: Vec<String>,
    /// Threads that compute, shared by all engines and all requests; 0 means one per core.
    /// More than the cores there are only costs.
    pub threads: usize,
}

/// Loads local engines.
#[derive(Debug)]
pub struct LocalEngines;

impl LocalEngines {
    /// Loads everything the configuration names, in parallel: Kokoro first in the result, then Piper.
    ///
    /// All engines share one pool of compute threads, so that many requests at once do not start more
    /// threads than there are cores, while a single request uses them all.
    ///
    /// # Errors
    /// [`LoadError`] for the first model that is missing or broken, naming the file and the command that fetches it.
    pub fn load(config: &LocalConfig) -> Result<Vec<Arc<dyn SpeechEngine>>, LoadError> {
        let begun = Instant::now();
        let threads = if config.threads == 0 {
            thread::available_parallelism().map_or(1, usize::from)
        } else {
            config.threads
        };
        let pool = Arc::new(ThreadPool::with_num_threads(threads));
        let models_dir = config.models_dir.as_path();
        let (kokoro, piper) = thread::scope(|scope| {
            let kokoro = config
                .kokoro
                .then(|| scope.spawn(|| KokoroEngine::load(models_dir, Arc::clone(&pool))));
            let piper = (!config.piper_voices.is_empty()).then(|| {
                scope.spawn(|| PiperEngine::load(models_dir, &config.piper_voices, &pool))
            });
            (kokoro.map(joined), piper.map(joined))
        });
        let mut engines: Vec<Arc<dyn SpeechEngine>> = Vec::new();
        if let Some(kokoro) = kokoro {
            engines.push(Arc::new(kokoro?));
        }
        if let Some(piper) = piper {
            engines.push(Arc::new(piper?));
        }
        tracing::info!(
            engines = engines.len(),
            voices = engines
                .iter()
                .map(|engine| engine.voices().len())
                .sum::<usize>(),
            duration_ms = begun.elapsed().as_millis() as u64,
            "loaded local speech engines"
        );
        Ok(engines)
    }
}

/// The result of a loading thread; its panic goes on in the caller.
pub(crate) fn joined<T>(handle: thread::ScopedJoinHandle<'_, T>) -> T {
    handle
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_error(config: &LocalConfig) -> String {
        match LocalEngines::load(config) {
            Ok(_) => "loaded".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_missing_model_is_named_with_the_command_that_fetches_it() {
        let mut config = LocalConfig {
            models_dir: PathBuf::from("no-such-folder"),
            kokoro: true,
            piper_voices: Vec::new(),
            threads: 1,
        };
        let message = load_error(&config);
        assert!(message.contains("model.onnx"), "{message}");
        assert!(
            message.contains("voxgate models pull kokoro-v1.0-int8"),
            "{message}"
        );

        config.kokoro = false;
        config.piper_voices = vec!["en_US-joe-medium".to_owned()];
        let message = load_error(&config);
        assert!(message.contains("en_US-joe-medium.onnx"), "{message}");
        assert!(
            message.contains("voxgate models pull piper-en_US-joe-medium"),
            "{message}"
        );
    }

    #[test]
    fn nothing_asked_for_is_nothing_loaded() {
        let config = LocalConfig {
            models_dir: PathBuf::from("no-such-folder"),
            kokoro: false,
            piper_voices: Vec::new(),
            threads: 1,
        };
        assert!(LocalEngines::load(&config).is_ok_and(|engines| engines.is_empty()));
    }
}

//! The self-test of `make run`: one sentence through the configured engines into a file.

use std::path::Path;
use std::time::{Duration, Instant};

use voxgate_audio::{AudioFormat, OutputSpec};
use voxgate_engine::{SpeechJob, SpeechRequest};
use voxgate_services::speech::SpeechEngines;

/// What it says.
const SENTENCE: &str = "Hello! This is Voxgate, speaking from your own machine.";

/// Why the self-test failed.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// The configured default voice is not installed.
    #[error(
        "voice {0:?} (configuration key voices.default) is not installed; `voxgate voices` lists what is"
    )]
    NoVoice(String),
    /// The engine is busy or has failed.
    #[error("the engine did not speak: {0}")]
    Engine(String),
    /// The file cannot be written.
    #[error("cannot write the file: {0}")]
    File(#[from] std::io::Error),
}

/// How it went.
#[derive(Debug, Clone, Copy)]
pub struct Hello {
    /// Length of the audio.
    pub audio: Duration,
    /// Time from the request to the first audio.
    pub first_audio: Duration,
    /// Time for the whole.
    pub total: Duration,
}

/// Speaks one sentence with the default voice into `path`, in the format its ending names (MP3 if none).
///
/// # Errors
/// [`HelloError`].
pub async fn speak(engines: &SpeechEngines, voice: &str, path: &Path) -> Result<Hello, HelloError> {
    let resolved = engines
        .voices
        .resolve(voice)
        .ok_or_else(|| HelloError::NoVoice(voice.to_owned()))?;
    let format = path
        .extension()
        .and_then(|e| e.to_str())
        .and_then(|e| e.parse::<AudioFormat>().ok())
        .unwrap_or(AudioFormat::Mp3);
    let begun = Instant::now();
    let mut stream = engines
        .pool
        .submit(SpeechJob {
            request: SpeechRequest {
                text: SENTENCE.to_owned(),
                voice: resolved.info.id.clone(),
                speed: 1.0,
            },
            voice: resolved,
            output: OutputSpec {
                format,
                sample_rate_hz: 24_000,
            },
        })
        .map_err(|busy| HelloError::Engine(busy.to_string()))?;
    let mut file = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|e| HelloError::Engine(e.to_string()))?;
        file.extend_from_slice(&piece);
    }
    let total = begun.elapsed();
    let outcome = stream
        .outcome()
        .ok_or_else(|| HelloError::Engine("it stopped early".to_owned()))?;
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        tokio::fs::create_dir_all(parent).await?;
    }
    tokio::fs::write(path, &file).await?;
    Ok(Hello {
        audio: Duration::from_millis(outcome.audio_ms),
        first_audio: outcome.first_audio,
        total,
    })
}

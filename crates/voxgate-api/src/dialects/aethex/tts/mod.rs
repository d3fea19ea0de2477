//! Text to speech.

pub mod synthesize;
pub mod voices;

const TAG: &str = "tts";

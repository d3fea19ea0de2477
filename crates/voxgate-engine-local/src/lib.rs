//! Real models behind the engine traits.
//!
//! Owns everything that knows a model's file layout, graph and alphabet: Kokoro-82M and Piper voices on
//! the pure-Rust runtime `rten`. It does not download models, queue requests or encode audio.
//!
//! The feature `native` (on by default) holds all of it; without it the crate is empty, so that a server
//! can be built and tested without any model runtime.

#[cfg(feature = "native")]
mod error;
#[cfg(feature = "native")]
mod local;
#[cfg(feature = "native")]
mod tts;

#[cfg(feature = "native")]
pub use error::LoadError;
#[cfg(feature = "native")]
pub use local::{LocalConfig, LocalEngines};
#[cfg(feature = "native")]
pub use tts::kokoro::{MODEL_NAME as KOKORO_MODEL_NAME, VOICES_NAME as KOKORO_VOICES_NAME};
#[cfg(feature = "native")]
pub use tts::piper::MODEL_PREFIX as PIPER_MODEL_PREFIX;

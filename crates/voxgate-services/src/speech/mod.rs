//! Synthesis: the one place that knows the order in which a text becomes audio and is accounted for.

mod error;
mod types;

use voxgate_engine::VoiceInfo;

use crate::Principal;
pub use error::SpeechError;
pub use types::{SpeechCommand, SpeechEngines, Spoken, SpokenBody, SpokenMeta};

/// The synthesis use cases.
#[derive(Clone)]
pub struct Speech {}

impl Speech {
    /// Hands over what speaks, once models are loaded; replaces what was there.
    pub fn attach(&self, _engines: SpeechEngines) {
        unimplemented!()
    }

    /// Whether anything speaks yet; for readiness.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        unimplemented!()
    }

    /// The voices, sorted as the engines list them; empty while no models are loaded.
    #[must_use]
    pub fn voices(&self) -> Vec<VoiceInfo> {
        unimplemented!()
    }

    /// The aliases and the voice ids they stand for.
    #[must_use]
    pub fn aliases(&self) -> Vec<(String, String)> {
        unimplemented!()
    }

    /// Speaks a text for the caller's organisation.
    ///
    /// # Errors
    /// [`SpeechError`]; words reserved for the request are given back then.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the engine, records the request as failed and gives its words back.
    pub async fn synthesize(
        &self,
        _principal: &Principal,
        _command: SpeechCommand,
    ) -> Result<Spoken, SpeechError> {
        unimplemented!()
    }
}

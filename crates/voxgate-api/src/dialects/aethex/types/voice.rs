//! A voice on the wire.

use crate::output::output;

output! {
    /// A voice that `POST /tts/tts` can speak with.
    pub struct VoiceRead {
        /// What to send as `voice_id`.
        voice_id: String,
        /// Other names that mean the same voice.
        aliases: Vec<String>,
        /// Name for people.
        name: String,
        /// BCP-47 language tag.
        language: String,
        /// female, male or neutral.
        gender: &'static str,
        /// Short style words.
        styles: Vec<String>,
        /// The engine that speaks it.
        engine: String,
        /// Licence of the voice.
        licence: String,
        /// Native sample rate in hertz.
        sample_rate_hz: u32,
    }
}

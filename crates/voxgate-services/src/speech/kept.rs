//! What is kept of an answer for its repetition: everything but the limits, which are those of the moment.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use voxgate_domain::RequestId;

use super::{SpeechCommand, SpokenMeta};
use crate::gate::LimitsView;

/// The answer's description, as the database keeps it beside the audio.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptMeta {
    request_id: Uuid,
    voice_id: String,
    format: String,
    sample_rate_hz: u32,
    words: u64,
    characters: u64,
}

impl KeptMeta {
    pub(super) fn of(meta: &SpokenMeta) -> String {
        let kept = Self {
            request_id: meta.request_id.as_uuid(),
            voice_id: meta.voice_id.clone(),
            format: meta.format.as_str().to_owned(),
            sample_rate_hz: meta.sample_rate_hz,
            words: meta.words,
            characters: meta.characters,
        };
        // A struct of numbers and texts can always be written.
        serde_json::to_string(&kept).unwrap_or_default()
    }

    /// Back to a description; `None` for what this version cannot read.
    pub(super) fn read(text: &str, limits: LimitsView) -> Option<SpokenMeta> {
        let kept: Self = serde_json::from_str(text).ok()?;
        Some(SpokenMeta {
            request_id: RequestId::from(kept.request_id),
            voice_id: kept.voice_id,
            format: kept.format.parse().ok()?,
            sample_rate_hz: kept.sample_rate_hz,
            words: kept.words,
            characters: kept.characters,
            limits,
            replayed: true,
        })
    }
}

/// What makes two requests the same: everything that decides the audio.
pub(super) fn fingerprint(command: &SpeechCommand) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("voxgate 2026-11 speech request fingerprint");
    for part in [
        command.text.as_str(),
        &command.voice,
        command.format.as_str(),
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&command.sample_rate_hz.to_le_bytes());
    hasher.update(&command.speed.to_bits().to_le_bytes());
    *hasher.finalize().as_bytes()
}

//! `GET /tts/voices`: ours, the vendor documents no voice list.

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::VoiceRead;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::output::{Components, Shown};
use crate::refused::{Refused, json_response};

fn schema(components: &mut Components) -> serde_json::Value {
    Vec::<VoiceRead>::schema(components)
}

/// Lists the voices.
#[derive(Debug)]
pub struct ListVoices;

impl Endpoint for ListVoices {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Voices",
            details: "Every voice with its aliases; empty while no models are loaded.",
            tag: TAG,
            answers: vec![Answer::json(StatusCode::OK, "The voices.", schema)],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let speech = call.state.services.speech();
        let aliases = speech.aliases();
        let voices: Vec<VoiceRead> = speech
            .voices()
            .into_iter()
            .map(|voice| VoiceRead {
                aliases: aliases
                    .iter()
                    .filter(|(_, id)| *id == voice.id)
                    .map(|(alias, _)| alias.clone())
                    .collect(),
                gender: voice.gender.as_str(),
                voice_id: voice.id,
                name: voice.name,
                language: voice.language,
                styles: voice.styles,
                engine: voice.engine,
                licence: voice.licence,
                sample_rate_hz: voice.sample_rate_hz,
            })
            .collect();
        Ok(json_response(StatusCode::OK, &voices))
    }
}

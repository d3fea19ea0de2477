//! `POST /admin/v1/prices/preview`: what something would cost, without doing it.

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_audio::AudioFormat;
use voxgate_domain::{Quantities, Service};
use voxgate_services::speech::SpeechCommand;

use super::super::types::AdminPriceQuote;
use super::super::{TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{one_of, optional, required, spoken_text, text};
use crate::extract::{Nothing, Style, input};
use crate::native::error::{invalid, refuse};
use crate::native::kinds::quantities;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// What is to be priced: a text with a voice, a text, or amounts.
    pub struct PreviewBody as "AdminPricePreview", Style::Strict; {
        /// The service.
        service: &'static str = required(one_of(&["tts", "stt", "llm", "media", "agents"])),
        /// The model whose prices hold; left out for the general lines of the service.
        model: Option<String> = optional(text().max(200).one_line()),
        /// A voice or an alias of one: the text is priced as a request to speak it would be, its audio estimated. Only for
        /// tts, and with `text`.
        voice: Option<String> = optional(text().max(200)),
        /// A text; its characters, words and tokens are counted.
        text: Option<String> = optional(spoken_text()),
        /// Amounts by name, added to those of the text.
        quantities: Option<Quantities> = optional(quantities()),
    }
}

/// Prices what is not done.
#[derive(Debug)]
pub struct PreviewPrice;

impl Endpoint for PreviewPrice {
    type Path = Nothing;
    type Query = Nothing;
    type Body = PreviewBody;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "What something would cost",
            details: "By the prices that hold for the caller. Nothing is held or charged.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The cost.", AdminPriceQuote::schema),
                Answer::refusal(StatusCode::NOT_FOUND, "No such voice."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let body = call.body;
        let services = &call.state.services;
        let Ok(service) = body.service.parse::<Service>() else {
            return Err(invalid("service", "there is no such service"));
        };
        if let Some(voice) = body.voice {
            let (Service::Tts, Some(text)) = (service, body.text) else {
                return Err(invalid("voice", "is for tts, together with text"));
            };
            if body.model.is_some() || body.quantities.is_some() {
                return Err(invalid("voice", "stands without model and quantities"));
            }
            let quote = services
                .speech()
                .quote(&principal, &spoken(voice, text))
                .await
                .map_err(refuse)?;
            let quote = AdminPriceQuote::new(service, quote.model, &quote.quantities, quote.micros);
            return Ok(shown(StatusCode::OK, &quote));
        }
        let of_text = body.text.as_deref().map(Quantities::of_text);
        let total = match (of_text, body.quantities) {
            (None, None) => return Err(invalid("text", "give a text or quantities")),
            (Some(amounts), None) | (None, Some(amounts)) => amounts,
            (Some(text), Some(more)) => sum(&text, &more),
        };
        let model = body.model.unwrap_or_default();
        let micros = services
            .credits()
            .preview(&principal, service, &model, &total)
            .await
            .map_err(refuse)?;
        let quote = AdminPriceQuote::new(service, model, &total, micros);
        Ok(shown(StatusCode::OK, &quote))
    }
}

/// A request to speak a text, in a format that every installation has.
fn spoken(voice: String, text: String) -> SpeechCommand {
    SpeechCommand {
        text,
        voice,
        format: AudioFormat::Wav,
        sample_rate_hz: 24_000,
        speed: 1.0,
        dialect: "native",
        endpoint: "/admin/v1/prices/preview",
        idempotency_key: None,
    }
}

fn sum(one: &Quantities, other: &Quantities) -> Quantities {
    Quantities {
        characters: one.characters.saturating_add(other.characters),
        words: one.words.saturating_add(other.words),
        tokens_in: one.tokens_in.saturating_add(other.tokens_in),
        tokens_out: one.tokens_out.saturating_add(other.tokens_out),
        audio_ms_in: one.audio_ms_in.saturating_add(other.audio_ms_in),
        audio_ms_out: one.audio_ms_out.saturating_add(other.audio_ms_out),
        bytes_in: one.bytes_in.saturating_add(other.bytes_in),
        bytes_out: one.bytes_out.saturating_add(other.bytes_out),
    }
}

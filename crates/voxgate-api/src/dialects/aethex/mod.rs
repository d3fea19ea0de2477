//! The AethexAI TTS API, v0.1.0: one file per endpoint, the wire types in `types`, every refusal in `error`.
//!
//! The contract is the behaviour of a FastAPI service built on FastAPI Users; what is kept and where we differ on
//! purpose is written down in `docs/compat/aethex.md`.

pub mod auth;
pub mod error;
pub mod invitations;
pub mod organizations;
pub mod tts;
pub mod types;
pub mod usage;
pub mod users;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use voxgate_domain::Paged;

use crate::openapi::Answer;
use crate::output::{Components, Shown};
use crate::refused::json_response;

/// Longest name of a person or an organisation in characters.
pub(crate) const NAME_MAX: usize = 200;

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// A list as a bare array, with the length of the whole in `X-Total-Count`.
pub(crate) fn list_response<T, W: Serialize + From<T>>(paged: Paged<T>) -> Response {
    let total = paged.total;
    let items: Vec<W> = paged.items.into_iter().map(W::from).collect();
    let mut response = json_response(StatusCode::OK, &items);
    response
        .headers_mut()
        .insert(TOTAL_COUNT, HeaderValue::from(total));
    response
}

/// How such a list is described.
pub(crate) fn list_answer<W: Shown>(when: &'static str) -> Answer {
    fn schema<W: Shown>(components: &mut Components) -> serde_json::Value {
        Vec::<W>::schema(components)
    }
    Answer::json(StatusCode::OK, when, schema::<W>).header(
        "X-Total-Count",
        "integer",
        "How many entries there are under the same filters.",
    )
}

//! `GET /admin/v1/keys/{key_id}`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminKey;
use super::super::{TAG, shown};
use super::KeyPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows an API key.
#[derive(Debug)]
pub struct ReadKey;

impl Endpoint for ReadKey {
    type Path = KeyPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "An API key",
            details: "For its account and the administrators of its organization. The secret is never shown again.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The key.", AdminKey::schema),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such key, a foreign one, or somebody else's.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let services = &call.state.services;
        let found = services.keys().get(principal, call.path.id()).await;
        let key = AdminKey::new(found.map_err(refuse)?, services.now());
        Ok(shown(StatusCode::OK, &key))
    }
}

//! `DELETE /admin/v1/keys/{key_id}`

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::super::TAG;
use super::KeyPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::refused::Refused;
use crate::surface::Surface;

/// Revokes an API key.
#[derive(Debug)]
pub struct RevokeKey;

impl Endpoint for RevokeKey {
    type Path = KeyPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Revoke an API key",
            details: "It and the keys it made end everywhere within two seconds. The key stays in lists; this cannot be undone.",
            tag: TAG,
            answers: vec![
                Answer::empty(StatusCode::NO_CONTENT, "The key is revoked."),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such key, a foreign one, or somebody else's.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let revoked = call
            .state
            .services
            .keys()
            .revoke(principal, call.path.id())
            .await;
        revoked.map_err(refuse)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

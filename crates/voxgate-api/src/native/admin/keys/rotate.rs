//! `POST /admin/v1/keys/{key_id}/rotate`

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_services::keys;

use super::super::types::AdminKeyCreated;
use super::super::{TAG, shown};
use super::KeyPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// The longest overlap in seconds: 30 days.
const MAX_OVERLAP: i64 = 30 * 86_400;

input! {
    /// How the old secret ends.
    pub struct KeyRotate as "AdminKeyRotate", Style::Strict; {
        /// Seconds for which the secrets it has go on working.
        overlap_seconds: i64 = defaulted(int(0, MAX_OVERLAP), 0),
    }
}

/// Gives an API key a new secret.
#[derive(Debug)]
pub struct RotateKey;

impl Endpoint for RotateKey {
    type Path = KeyPath;
    type Query = Nothing;
    type Body = KeyRotate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Rotate an API key",
            details: "The new secret is in this answer and nowhere else. The old ones go on working for the overlap.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The key and its new secret.",
                    AdminKeyCreated::schema,
                ),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such key, a foreign one, or somebody else's.",
                ),
                Answer::refusal(StatusCode::CONFLICT, "The key is revoked, or has expired."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let command = keys::RotateKey {
            overlap: Duration::from_secs(call.body.overlap_seconds.unsigned_abs()),
        };
        let services = &call.state.services;
        let rotated = services
            .keys()
            .rotate(principal, call.path.id(), command)
            .await;
        let key = AdminKeyCreated::new(rotated.map_err(refuse)?, services.now());
        Ok(shown(StatusCode::OK, &key))
    }
}

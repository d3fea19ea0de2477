//! `POST /auth/jwt/logout`

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::error::ToRefused;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::refused::Refused;

/// Ends the caller's session.
#[derive(Debug)]
pub struct Logout;

impl Endpoint for Logout {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Log out",
            details: "Ends the session: its token is refused from now on.",
            tag: TAG,
            answers: vec![Answer::empty(
                StatusCode::NO_CONTENT,
                "The session has ended.",
            )],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        call.state
            .services
            .identity()
            .logout(call.principal()?)
            .await
            .map_err(ToRefused::to_refused)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

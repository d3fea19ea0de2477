//! `GET /admin/v1/users/{user_id}`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminUser;
use super::super::{TAG, shown};
use super::UserPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows an account.
#[derive(Debug)]
pub struct ReadUser;

impl Endpoint for ReadUser {
    type Path = UserPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "An account",
            details: "For system administrators.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The account.", AdminUser::schema),
                Answer::refusal(StatusCode::NOT_FOUND, "No such account."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let found = call
            .state
            .services
            .identity()
            .user(principal, call.path.id())
            .await;
        Ok(shown(
            StatusCode::OK,
            &AdminUser::from(found.map_err(refuse)?),
        ))
    }
}

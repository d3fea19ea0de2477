//! `DELETE /admin/v1/users/{user_id}`

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::super::TAG;
use super::UserPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::refused::Refused;
use crate::surface::Surface;

/// Removes an account.
#[derive(Debug)]
pub struct DeleteUser;

impl Endpoint for DeleteUser {
    type Path = UserPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Remove an account",
            details: "For system administrators. Its keys end with it; its usage history stays.",
            tag: TAG,
            answers: vec![
                Answer::empty(StatusCode::NO_CONTENT, "The account is gone."),
                Answer::refusal(StatusCode::NOT_FOUND, "No such account."),
                Answer::refusal(StatusCode::CONFLICT, "It is the last system administrator."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let deleted = call
            .state
            .services
            .identity()
            .delete_user(principal, call.path.id())
            .await;
        deleted.map_err(refuse)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

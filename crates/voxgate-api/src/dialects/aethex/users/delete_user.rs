//! `DELETE /users/{id}`

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::error::{During, account};
use super::{TAG, UserPath};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, free_text};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::refused::Refused;

input! {
    /// Which account; `DELETE /users/me` has no placeholder and names none.
    pub struct DeletePath as "DeletePath", Style::Text; {
        /// The account's id.
        id: String = defaulted(free_text(), ""),
    }
}

/// Removes an account.
#[derive(Debug)]
pub struct DeleteUser;

impl Endpoint for DeleteUser {
    type Path = DeletePath;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Remove an account",
            details: "For system administrators. The usage history stays.",
            tag: TAG,
            answers: vec![
                Answer::empty(StatusCode::NO_CONTENT, "The account is gone."),
                Answer::refusal(StatusCode::NOT_FOUND, "No such account."),
                Answer::refusal(StatusCode::CONFLICT, "It is the last system administrator."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let id = UserPath {
            id: call.path.id.clone(),
        }
        .user_id()?;
        let deleted = call
            .state
            .services
            .identity()
            .delete_user(call.principal()?, id)
            .await;
        deleted.map_err(|error| account(error, During::Update))?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

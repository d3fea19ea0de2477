//! `GET /users/{id}`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::error::{During, account};
use super::super::types::UserRead;
use super::{TAG, UserPath};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

/// Shows any account.
#[derive(Debug)]
pub struct ReadUser;

impl Endpoint for ReadUser {
    type Path = UserPath;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Any account",
            details: "For system administrators.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The account.", UserRead::schema),
                Answer::refusal(StatusCode::NOT_FOUND, "No such account."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let id = call.path.user_id()?;
        let found = call
            .state
            .services
            .identity()
            .user(call.principal()?, id)
            .await;
        let user = found.map_err(|error| account(error, During::Update))?;
        Ok(json_response(StatusCode::OK, &UserRead::from(user)))
    }
}

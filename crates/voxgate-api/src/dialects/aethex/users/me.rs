//! `GET /users/me`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::error::{During, account};
use super::super::types::UserRead;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

/// Shows the caller's own account.
#[derive(Debug)]
pub struct ReadMe;

impl Endpoint for ReadMe {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Your account",
            details: "Shows the caller's own account.",
            tag: TAG,
            answers: vec![Answer::json(
                StatusCode::OK,
                "The account.",
                UserRead::schema,
            )],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let me = call.state.services.identity().me(call.principal()?).await;
        let user = me.map_err(|error| account(error, During::Update))?;
        Ok(json_response(StatusCode::OK, &UserRead::from(user)))
    }
}

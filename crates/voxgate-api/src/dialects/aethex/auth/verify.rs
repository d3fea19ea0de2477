//! `POST /auth/verify`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::error::{During, account};
use super::super::types::UserRead;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{free_text, required};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// The proof that an address is one's own.
    pub struct VerifyBody as "Body_verify_verify_auth_verify_post", Style::Embedded; {
        /// The token from the mail.
        token: String = required(free_text()),
    }
}

/// Verifies an address.
#[derive(Debug)]
pub struct Verify;

impl Endpoint for Verify {
    type Path = Nothing;
    type Query = Nothing;
    type Body = VerifyBody;

    fn describe() -> Description {
        Description {
            summary: "Verify an address",
            details: "Takes the token from the mail.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The account, now verified.",
                    UserRead::schema,
                ),
                Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "VERIFY_USER_BAD_TOKEN or VERIFY_USER_ALREADY_VERIFIED.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let user = call
            .state
            .services
            .identity()
            .verify(&call.body.token)
            .await
            .map_err(|error| account(error, During::Verification))?;
        Ok(json_response(StatusCode::OK, &UserRead::from(user)))
    }
}

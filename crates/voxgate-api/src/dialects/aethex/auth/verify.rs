//! `POST /auth/verify`

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::super::error::{During, account};
use super::super::types::UserRead;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{free_text, required};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Content, Description};
use crate::output::Shown;
use crate::page::{page, refusal_page, wants_page};
use crate::refused::{Refused, json_response};

input! {
    /// The proof that an address is one's own.
    pub struct VerifyBody as "Body_verify_verify_auth_verify_post", Style::EmbeddedOrForm; {
        /// The token from the mail.
        token: String = required(free_text()),
    }
}

const ASK_AGAIN: &str = "If the link is too old, ask for a new one.";

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
            details: "Takes the token from the mail. Forms are answered with pages, JSON with JSON.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The account, now verified.",
                    UserRead::schema,
                )
                .or(Content::Html),
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
        if wants_page(&call.headers) {
            return Ok(page(
                StatusCode::OK,
                "Thank you",
                "<p>Your e-mail address is confirmed.</p>",
            ));
        }
        Ok(json_response(StatusCode::OK, &UserRead::from(user)))
    }

    fn refuse(headers: &HeaderMap, refused: Refused) -> Response {
        if wants_page(headers) {
            refusal_page(&refused, ASK_AGAIN)
        } else {
            refused.into_response()
        }
    }
}

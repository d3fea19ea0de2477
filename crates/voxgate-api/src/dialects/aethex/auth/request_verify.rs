//! `POST /auth/request-verify-token`

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_domain::EmailAddress;

use super::super::error::{During, account};
use super::{TAG, null_schema};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{email, required};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::refused::{Refused, json_response};

input! {
    /// Which address is to be verified.
    pub struct RequestVerifyBody as "Body_verify_request_token_auth_request_verify_token_post", Style::Embedded; {
        /// The address.
        email: EmailAddress = required(email()),
    }
}

/// Mails a link that verifies an address.
#[derive(Debug)]
pub struct RequestVerify;

impl Endpoint for RequestVerify {
    type Path = Nothing;
    type Query = Nothing;
    type Body = RequestVerifyBody;

    fn describe() -> Description {
        Description {
            summary: "Ask for a verification token",
            details: "Mails a token, where there is an unverified account of this address. The answer is the same where there is none.",
            tag: TAG,
            answers: vec![Answer::json(StatusCode::ACCEPTED, "Received.", null_schema)],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        call.state
            .services
            .identity()
            .request_verify(call.body.email.as_str())
            .await
            .map_err(|error| account(error, During::Verification))?;
        Ok(json_response(StatusCode::ACCEPTED, &()))
    }
}

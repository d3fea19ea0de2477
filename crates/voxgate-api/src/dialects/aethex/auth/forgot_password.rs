//! `POST /auth/forgot-password`

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
    /// Whose password is forgotten.
    pub struct ForgotPasswordBody as "Body_reset_forgot_password_auth_forgot_password_post", Style::Embedded; {
        /// The address.
        email: EmailAddress = required(email()),
    }
}

/// Mails a link that resets the password.
#[derive(Debug)]
pub struct ForgotPassword;

impl Endpoint for ForgotPassword {
    type Path = Nothing;
    type Query = Nothing;
    type Body = ForgotPasswordBody;

    fn describe() -> Description {
        Description {
            summary: "Ask for a password reset",
            details: "Mails a link, where there is an active account of this address. The answer is the same where there is none.",
            tag: TAG,
            answers: vec![Answer::json(StatusCode::ACCEPTED, "Received.", null_schema)],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        call.state
            .services
            .identity()
            .forgot_password(call.body.email.as_str())
            .await
            .map_err(|error| account(error, During::Reset))?;
        Ok(json_response(StatusCode::ACCEPTED, &()))
    }
}

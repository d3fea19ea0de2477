//! `POST /auth/reset-password`

use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use voxgate_services::identity::ResetPasswordCommand;

use super::super::error::{During, account};
use super::{TAG, null_schema};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{free_text, password, required};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::refused::{Refused, json_response};

input! {
    /// A new password and the right to set it.
    pub struct ResetPasswordBody as "Body_reset_reset_password_auth_reset_password_post", Style::Embedded; {
        /// The token from the mail.
        token: String = required(free_text()),
        /// The new password.
        password: String = required(password()),
    }
}

/// Sets a new password.
#[derive(Debug)]
pub struct ResetPassword;

impl Endpoint for ResetPassword {
    type Path = Nothing;
    type Query = Nothing;
    type Body = ResetPasswordBody;

    fn describe() -> Description {
        Description {
            summary: "Reset the password",
            details: "Sets a new password with the token from the mail; a token works once.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The password is set.", null_schema),
                Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "RESET_PASSWORD_BAD_TOKEN or RESET_PASSWORD_INVALID_PASSWORD.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let command = ResetPasswordCommand {
            token: SecretString::from(call.body.token),
            password: SecretString::from(call.body.password),
        };
        call.state
            .services
            .identity()
            .reset_password(command)
            .await
            .map_err(|error| account(error, During::Reset))?;
        Ok(json_response(StatusCode::OK, &()))
    }
}

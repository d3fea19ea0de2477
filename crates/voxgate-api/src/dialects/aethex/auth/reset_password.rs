//! `POST /auth/reset-password`

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use voxgate_services::identity::{AccountError, ResetPasswordCommand};

use super::super::error::{During, account};
use super::{TAG, null_schema, reset_page};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{free_text, new_password, required};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Content, Description};
use crate::page::{page, refusal_page, wants_page};
use crate::refused::{Refused, json_response};

input! {
    /// A new password and the right to set it.
    pub struct ResetPasswordBody as "Body_reset_reset_password_auth_reset_password_post", Style::EmbeddedOrForm; {
        /// The token from the mail.
        token: String = required(free_text()),
        /// The new password.
        password: String = required(new_password()),
    }
}

const ASK_AGAIN: &str = "If the link is too old, ask for a new one.";

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
            details: "Sets a new password with the token from the mail; a token works once. Forms are answered with pages, JSON with JSON.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The password is set.", null_schema).or(Content::Html),
                Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "RESET_PASSWORD_BAD_TOKEN or RESET_PASSWORD_INVALID_PASSWORD.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let as_page = wants_page(&call.headers);
        let command = ResetPasswordCommand {
            token: SecretString::from(call.body.token.clone()),
            password: SecretString::from(call.body.password),
        };
        match call.state.services.identity().reset_password(command).await {
            Ok(()) if as_page => Ok(page(
                StatusCode::OK,
                "Done",
                "<p>Your new password is set. You can log in with it now.</p>",
            )),
            Ok(()) => Ok(json_response(StatusCode::OK, &())),
            Err(AccountError::InvalidPassword(error)) if as_page => Ok(reset_page::form(
                StatusCode::BAD_REQUEST,
                &call.body.token,
                Some(&error.reason),
            )),
            Err(error) => Err(account(error, During::Reset)),
        }
    }

    fn refuse(headers: &HeaderMap, refused: Refused) -> Response {
        if wants_page(headers) {
            refusal_page(&refused, ASK_AGAIN)
        } else {
            refused.into_response()
        }
    }
}

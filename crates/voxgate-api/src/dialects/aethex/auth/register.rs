//! `POST /auth/register`, mounted only where the installation allows registration.

use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use voxgate_domain::EmailAddress;
use voxgate_services::identity::RegisterCommand;

use super::super::NAME_MAX;
use super::super::error::{During, account};
use super::super::types::UserRead;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, email, flag, new_password, optional, required, text};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// A new account.
    pub struct UserCreate as "UserCreate", Style::Model; {
        /// The address.
        email: EmailAddress = required(email()),
        /// The password.
        password: String = required(new_password()),
        /// Ignored: new accounts are active.
        is_active: bool = defaulted(flag(), true),
        /// Ignored: nobody makes themselves an administrator.
        is_superuser: bool = defaulted(flag(), false),
        /// Ignored: the address must be verified by mail.
        is_verified: bool = defaulted(flag(), false),
        /// The name shown to others.
        full_name: Option<String> = optional(text().max(NAME_MAX).one_line()),
    }
}

/// Creates an account for a stranger.
#[derive(Debug)]
pub struct Register;

impl Endpoint for Register {
    type Path = Nothing;
    type Query = Nothing;
    type Body = UserCreate;

    fn describe() -> Description {
        Description {
            summary: "Register",
            details: "Creates an account. Off unless the operator switches it on; the route does not exist then.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::CREATED, "The account.", UserRead::schema),
                Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "REGISTER_USER_ALREADY_EXISTS or REGISTER_INVALID_PASSWORD.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let command = RegisterCommand {
            email: call.body.email.to_string(),
            password: SecretString::from(call.body.password),
            full_name: call.body.full_name,
        };
        let user = call
            .state
            .services
            .identity()
            .register(command)
            .await
            .map_err(|error| account(error, During::Registration))?;
        Ok(json_response(StatusCode::CREATED, &UserRead::from(user)))
    }
}

//! `PATCH /users/me`

use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use voxgate_domain::{EmailAddress, Patch};
use voxgate_services::identity;

use super::super::NAME_MAX;
use super::super::error::{During, account};
use super::super::types::UserRead;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{email, flag, new_password, optional, patch, text};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// What people may change about themselves. Null means no change, except for the name.
    pub struct MeUpdate as "UserUpdate", Style::Model; {
        /// A new password.
        password: Option<String> = optional(new_password()),
        /// A new address; it will be unverified.
        email: Option<EmailAddress> = optional(email()),
        /// Ignored.
        is_active: Option<bool> = optional(flag()),
        /// Ignored.
        is_superuser: Option<bool> = optional(flag()),
        /// Ignored.
        is_verified: Option<bool> = optional(flag()),
        /// A new name; null removes it.
        full_name: Patch<String> = patch(text().max(NAME_MAX).one_line()),
    }
}

/// Changes the caller's own account.
#[derive(Debug)]
pub struct UpdateMe;

impl Endpoint for UpdateMe {
    type Path = Nothing;
    type Query = Nothing;
    type Body = MeUpdate;

    fn describe() -> Description {
        Description {
            summary: "Change your account",
            details: "Changes address, password or name. A new address must be verified again.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The account as it is now.",
                    UserRead::schema,
                ),
                Answer::refusal(
                    StatusCode::BAD_REQUEST,
                    "UPDATE_USER_EMAIL_ALREADY_EXISTS or UPDATE_USER_INVALID_PASSWORD.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let change = identity::UpdateMe {
            email: call.body.email.map(|email| email.to_string()),
            password: call.body.password.map(SecretString::from),
            full_name: call.body.full_name,
        };
        let updated = call
            .state
            .services
            .identity()
            .update_me(&principal, change)
            .await;
        let user = updated.map_err(|error| account(error, During::Update))?;
        Ok(json_response(StatusCode::OK, &UserRead::from(user)))
    }
}

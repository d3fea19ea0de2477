//! `PATCH /users/{id}`

use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use uuid::Uuid;
use voxgate_domain::{EmailAddress, OrgId, Patch, Role};
use voxgate_services::identity;

use super::super::NAME_MAX;
use super::super::error::{During, account};
use super::super::types::UserRead;
use super::{TAG, UserPath};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{email, flag, new_password, one_of, optional, patch, text, uuid};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// What a system administrator may change about anybody. Null means no change, except for name and organisation.
    pub struct UserAdminUpdate as "UserAdminUpdate", Style::Model; {
        /// A new password.
        password: Option<String> = optional(new_password()),
        /// A new address; it will be unverified unless `is_verified` says otherwise.
        email: Option<EmailAddress> = optional(email()),
        /// Whether the account may be used.
        is_active: Option<bool> = optional(flag()),
        /// Whether it is a system administrator's; ignored where `role` is given.
        is_superuser: Option<bool> = optional(flag()),
        /// Whether the address counts as verified.
        is_verified: Option<bool> = optional(flag()),
        /// A new name; null removes it.
        full_name: Patch<String> = patch(text().max(NAME_MAX).one_line()),
        /// A new role.
        role: Option<&'static str> = optional(one_of(&["SYSTEM_ADMIN", "ORG_ADMIN", "ORG_USER"])),
        /// Another organisation; null for none.
        organization_id: Patch<Uuid> = patch(uuid()),
    }
}

/// Changes any account.
#[derive(Debug)]
pub struct UpdateUser;

impl Endpoint for UpdateUser {
    type Path = UserPath;
    type Query = Nothing;
    type Body = UserAdminUpdate;

    fn describe() -> Description {
        Description {
            summary: "Change any account",
            details: "For system administrators; flags may be changed here.",
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
                Answer::refusal(StatusCode::NOT_FOUND, "No such account."),
                Answer::refusal(StatusCode::CONFLICT, "It is the last system administrator."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let id = call.path.user_id()?;
        let body = call.body;
        let change = identity::UpdateUser {
            email: body.email.map(|email| email.to_string()),
            password: body.password.map(SecretString::from),
            full_name: body.full_name,
            is_active: body.is_active,
            is_superuser: body.is_superuser,
            is_verified: body.is_verified,
            role: body.role.and_then(|role| role.parse::<Role>().ok()),
            organization_id: match body.organization_id {
                Patch::Keep => Patch::Keep,
                Patch::Clear => Patch::Clear,
                Patch::Set(id) => Patch::Set(OrgId::from(id)),
            },
        };
        let updated = call
            .state
            .services
            .identity()
            .update_user(&principal, id, change)
            .await;
        let user = updated.map_err(|error| account(error, During::Update))?;
        Ok(json_response(StatusCode::OK, &UserRead::from(user)))
    }
}

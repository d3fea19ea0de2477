//! `PATCH /admin/v1/users/{user_id}`

use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use uuid::Uuid;
use voxgate_domain::{EmailAddress, OrgId, Patch, Role};
use voxgate_services::identity;

use super::super::types::AdminUser;
use super::super::{NAME_MAX, TAG, patched, shown};
use super::UserPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{email, flag, new_password, one_of, optional, patch, text, uuid};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// A change. Null means no change, except for name and organisation, which it empties.
    pub struct UserUpdate as "AdminUserUpdate", Style::Strict; {
        /// A new address; it will be unverified unless `is_verified` says otherwise.
        email: Option<EmailAddress> = optional(email()),
        /// A new password; ends the account's sessions.
        password: Option<String> = optional(new_password()),
        /// A new name.
        full_name: Patch<String> = patch(text().max(NAME_MAX).one_line()),
        /// Whether the account may be used.
        is_active: Option<bool> = optional(flag()),
        /// Whether the address counts as verified.
        is_verified: Option<bool> = optional(flag()),
        /// A new role.
        role: Option<&'static str> = optional(one_of(&["SYSTEM_ADMIN", "ORG_ADMIN", "ORG_USER"])),
        /// Another organisation, or none.
        organization_id: Patch<Uuid> = patch(uuid()),
    }
}

/// Changes an account.
#[derive(Debug)]
pub struct UpdateUser;

impl Endpoint for UpdateUser {
    type Path = UserPath;
    type Query = Nothing;
    type Body = UserUpdate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Change an account",
            details: "For system administrators.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The account as it is now.",
                    AdminUser::schema,
                ),
                Answer::refusal(StatusCode::NOT_FOUND, "No such account."),
                Answer::refusal(
                    StatusCode::CONFLICT,
                    "The address has an account, or this is the last system administrator.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let id = call.path.id();
        let body = call.body;
        let change = identity::UpdateUser {
            email: body.email.map(|email| email.to_string()),
            password: body.password.map(SecretString::from),
            full_name: body.full_name,
            is_active: body.is_active,
            is_superuser: None,
            is_verified: body.is_verified,
            role: body.role.and_then(|role| role.parse::<Role>().ok()),
            organization_id: patched(body.organization_id, OrgId::from),
        };
        let updated = call
            .state
            .services
            .identity()
            .update_user(&principal, id, change)
            .await;
        Ok(shown(
            StatusCode::OK,
            &AdminUser::from(updated.map_err(refuse)?),
        ))
    }
}

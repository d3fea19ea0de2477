//! `POST /admin/v1/users`

use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use uuid::Uuid;
use voxgate_domain::{EmailAddress, OrgId, Role};
use voxgate_services::identity::CreateUserCommand;

use super::super::types::AdminUserCreated;
use super::super::{NAME_MAX, TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{
    defaulted, email, new_password, one_of, optional, required, text, uuid,
};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// A new account. Its address counts as verified.
    pub struct UserCreate as "AdminUserCreate", Style::Strict; {
        /// The address.
        email: EmailAddress = required(email()),
        /// The password; left out, one is generated and shown this once.
        password: Option<String> = optional(new_password()),
        /// The name shown to others.
        full_name: Option<String> = optional(text().max(NAME_MAX).one_line()),
        /// What it may do.
        role: &'static str = defaulted(one_of(&["SYSTEM_ADMIN", "ORG_ADMIN", "ORG_USER"]), "ORG_USER"),
        /// The organisation it belongs to; only system administrators may have none.
        organization_id: Option<Uuid> = optional(uuid()),
    }
}

/// Creates an account.
#[derive(Debug)]
pub struct CreateUser;

impl Endpoint for CreateUser {
    type Path = Nothing;
    type Query = Nothing;
    type Body = UserCreate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Create an account",
            details: "For system administrators. Others invite people: POST /invitations.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::CREATED,
                    "The account.",
                    AdminUserCreated::schema,
                ),
                Answer::refusal(StatusCode::CONFLICT, "The address has an account."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let body = call.body;
        let command = CreateUserCommand {
            email: body.email.to_string(),
            password: body.password.map(SecretString::from),
            full_name: body.full_name,
            role: body.role.parse().unwrap_or(Role::OrgUser),
            organization_id: body.organization_id.map(OrgId::from),
        };
        let created = call
            .state
            .services
            .identity()
            .create_user(&principal, command)
            .await;
        let user = AdminUserCreated::from(created.map_err(refuse)?);
        Ok(shown(StatusCode::CREATED, &user))
    }
}

//! `POST /invitations`

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use voxgate_domain::{EmailAddress, OrgId, Role};
use voxgate_services::invitations;

use super::super::error::ToRefused;
use super::super::types::{InvitationRead, invitation_at};
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, email, one_of, optional, required, uuid};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// A new invitation.
    pub struct InvitationCreate as "InvitationCreate", Style::Model; {
        /// Whom to invite.
        email: EmailAddress = required(email()),
        /// The role the account will have.
        role: &'static str = defaulted(one_of(&["ORG_USER", "ORG_ADMIN", "SYSTEM_ADMIN"]), "ORG_USER"),
        /// Into which organisation; the caller's own where it is left out.
        organization_id: Option<Uuid> = optional(uuid()),
    }
}

/// Invites somebody by mail.
#[derive(Debug)]
pub struct CreateInvitation;

impl Endpoint for CreateInvitation {
    type Path = Nothing;
    type Query = Nothing;
    type Body = InvitationCreate;

    fn describe() -> Description {
        Description {
            summary: "Invite somebody",
            details: "Mails a link. Administrators of an organization invite into their own only, and never system administrators.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::CREATED,
                    "The invitation.",
                    InvitationRead::schema,
                ),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
                Answer::refusal(
                    StatusCode::CONFLICT,
                    "The address has an account, or the organization is closed.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let command = invitations::CreateInvitation {
            email: call.body.email.to_string(),
            role: call.body.role.parse().unwrap_or(Role::OrgUser),
            organization_id: call.body.organization_id.map(OrgId::from),
        };
        let service = call.state.services.invitations();
        let invitation = service
            .create(&principal, command)
            .await
            .map_err(ToRefused::to_refused)?;
        Ok(json_response(
            StatusCode::CREATED,
            &invitation_at(invitation, service.now()),
        ))
    }
}

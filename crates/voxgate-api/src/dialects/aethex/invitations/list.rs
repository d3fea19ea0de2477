//! `GET /invitations`

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use voxgate_domain::{InvitationStatus, OrgId};
use voxgate_services::invitations;

use super::super::error::ToRefused;
use super::super::organizations::{MAX_OFFSET, page};
use super::super::types::{InvitationRead, invitation_at};
use super::super::{list_answer, list_response};
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int, one_of, optional, uuid};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::refused::Refused;

input! {
    /// Which invitations.
    pub struct InvitationQuery as "InvitationQuery", Style::Text; {
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
        /// Only those in this state.
        status: Option<&'static str> = optional(one_of(&["pending", "accepted", "expired", "revoked"])),
        /// Only those of this organisation, for its administrators.
        organization_id: Option<Uuid> = optional(uuid()),
    }
}

fn status(name: &str) -> Option<InvitationStatus> {
    use InvitationStatus::{Accepted, Expired, Pending, Revoked};
    [Pending, Accepted, Expired, Revoked]
        .into_iter()
        .find(|status| status.as_str() == name)
}

/// Lists invitations.
#[derive(Debug)]
pub struct ListInvitations;

impl Endpoint for ListInvitations {
    type Path = Nothing;
    type Query = InvitationQuery;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "List invitations",
            details: "All for system administrators, the own organization's for its administrators, those to the own address for everybody else.",
            tag: TAG,
            answers: vec![
                list_answer::<InvitationRead>("The invitations, newest first."),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let query = invitations::ListInvitations {
            organization_id: call.query.organization_id.map(OrgId::from),
            status: call.query.status.and_then(status),
            page: page(call.query.limit, call.query.offset),
        };
        let service = call.state.services.invitations();
        let found = service
            .list(call.principal()?, query)
            .await
            .map_err(ToRefused::to_refused)?;
        let now = service.now();
        Ok(list_response::<_, InvitationRead>(
            found.map(|invitation| invitation_at(invitation, now)),
        ))
    }
}

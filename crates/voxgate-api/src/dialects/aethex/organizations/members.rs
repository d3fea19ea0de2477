//! `GET /organizations/{org_id}/users`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::error::ToRefused;
use super::super::types::UserRead;
use super::super::{list_answer, list_response};
use super::{OrganizationPath, Paging, TAG, page};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::refused::Refused;

/// Lists the members of an organisation.
#[derive(Debug)]
pub struct ListMembers;

impl Endpoint for ListMembers {
    type Path = OrganizationPath;
    type Query = Paging;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "An organization's members",
            details: "For its administrators and system administrators.",
            tag: TAG,
            answers: vec![
                list_answer::<UserRead>("The members."),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let page = page(call.query.limit, call.query.offset);
        let found = call
            .state
            .services
            .orgs()
            .members(call.principal()?, call.path.id(), page)
            .await;
        Ok(list_response::<_, UserRead>(
            found.map_err(ToRefused::to_refused)?,
        ))
    }
}

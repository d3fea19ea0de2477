//! `GET /admin/v1/organizations/{org_id}/users`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminUser;
use super::super::{OrganizationPath, TAG, list_answer, list_response};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int};
use crate::extract::page::{MAX_OFFSET, page};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// Which piece of the list.
    pub struct UsersQuery as "AdminUsersQuery", Style::Text; {
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
    }
}

/// Lists the people of an organisation.
#[derive(Debug)]
pub struct ListUsers;

impl Endpoint for ListUsers {
    type Path = OrganizationPath;
    type Query = UsersQuery;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The people of an organization",
            details: "For its administrators; oldest first.",
            tag: TAG,
            answers: vec![
                list_answer::<AdminUser>("The accounts."),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let id = call.path.id(principal)?;
        let page = page(call.query.limit, call.query.offset);
        let found = call
            .state
            .services
            .orgs()
            .members(principal, id, page)
            .await;
        Ok(list_response::<_, AdminUser>(found.map_err(refuse)?))
    }
}

//! `GET /organizations`

use axum::response::Response;
use voxgate_domain::OrgStatus;
use voxgate_services::orgs::ListOrgs;

use super::super::error::ToRefused;
use super::super::types::OrganizationRead;
use super::super::{list_answer, list_response};
use super::{MAX_OFFSET, TAG, page};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int, one_of, optional};
use crate::extract::{Nothing, Style, input};
use crate::openapi::Description;
use crate::refused::Refused;

input! {
    /// Which organisations.
    pub struct OrganizationQuery as "OrganizationQuery", Style::Text; {
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
        /// Only those in this state.
        status: Option<&'static str> = optional(one_of(&["active", "suspended", "inactive"])),
    }
}

/// Lists organisations.
#[derive(Debug)]
pub struct ListOrganizations;

impl Endpoint for ListOrganizations {
    type Path = Nothing;
    type Query = OrganizationQuery;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "List organizations",
            details: "All of them for system administrators, the own one for everybody else.",
            tag: TAG,
            answers: vec![list_answer::<OrganizationRead>("The organizations.")],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let query = ListOrgs {
            status: call
                .query
                .status
                .and_then(|status| status.parse::<OrgStatus>().ok()),
            page: page(call.query.limit, call.query.offset),
        };
        let found = call
            .state
            .services
            .orgs()
            .list(call.principal()?, query)
            .await;
        Ok(list_response::<_, OrganizationRead>(
            found.map_err(ToRefused::to_refused)?,
        ))
    }
}

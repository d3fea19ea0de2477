//! `GET /admin/v1/organizations`

use axum::response::Response;
use voxgate_domain::OrgStatus;
use voxgate_services::orgs::ListOrgs;

use super::super::types::AdminOrganization;
use super::super::{TAG, list_answer, list_response};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int, one_of, optional};
use crate::extract::page::{MAX_OFFSET, page};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::openapi::Description;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// Which organisations.
    pub struct OrganizationsQuery as "AdminOrganizationsQuery", Style::Text; {
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
    type Query = OrganizationsQuery;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "List organizations",
            details: "All of them for system administrators, the own one for everybody else.",
            tag: TAG,
            answers: vec![list_answer::<AdminOrganization>("The organizations.")],
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
        let principal = call.principal()?;
        let found = call.state.services.orgs().list(principal, query).await;
        Ok(list_response::<_, AdminOrganization>(
            found.map_err(refuse)?,
        ))
    }
}

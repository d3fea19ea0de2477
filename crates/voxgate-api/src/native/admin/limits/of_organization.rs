//! `GET /admin/v1/organizations/{org_id}/limits`

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_domain::LimitScope;

use super::super::types::{AdminLimits, limits_of};
use super::super::{OrganizationPath, TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows the limits that hold for an organisation.
#[derive(Debug)]
pub struct ReadOrganizationLimits;

impl Endpoint for ReadOrganizationLimits {
    type Path = OrganizationPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The limits of an organization",
            details: "Its own, and those of its plan where it has no own. For its members.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The limits.", AdminLimits::schema),
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
        let found = call.state.services.orgs().get(principal, id).await;
        let organization = found.map_err(refuse)?;
        let limits = limits_of(LimitScope::Organization, &organization.all_limits, |_| None);
        let limits = AdminLimits {
            organization_id: Some(id.as_uuid()),
            key_id: None,
            limits,
        };
        Ok(shown(StatusCode::OK, &limits))
    }
}

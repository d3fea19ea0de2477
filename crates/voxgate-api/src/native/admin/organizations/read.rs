//! `GET /admin/v1/organizations/{org_id}`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminOrganization;
use super::super::{OrganizationPath, TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows an organisation.
#[derive(Debug)]
pub struct ReadOrganization;

impl Endpoint for ReadOrganization {
    type Path = OrganizationPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "An organization",
            details: "For its members and system administrators.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The organization.",
                    AdminOrganization::schema,
                ),
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
        let organization = AdminOrganization::from(found.map_err(refuse)?);
        Ok(shown(StatusCode::OK, &organization))
    }
}

//! `GET /organizations/{org_id}`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::error::ToRefused;
use super::super::types::OrganizationRead;
use super::{OrganizationPath, TAG};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

/// Shows an organisation.
#[derive(Debug)]
pub struct ReadOrganization;

impl Endpoint for ReadOrganization {
    type Path = OrganizationPath;
    type Query = Nothing;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "An organization",
            details: "For its members and system administrators.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The organization.",
                    OrganizationRead::schema,
                ),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let found = call
            .state
            .services
            .orgs()
            .get(call.principal()?, call.path.id())
            .await;
        let organization = found.map_err(ToRefused::to_refused)?;
        Ok(json_response(
            StatusCode::OK,
            &OrganizationRead::from(organization),
        ))
    }
}

//! `GET /admin/v1/organizations/{org_id}/credits`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminBalance;
use super::super::{OrganizationPath, TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows what an organisation has.
#[derive(Debug)]
pub struct ReadBalance;

impl Endpoint for ReadBalance {
    type Path = OrganizationPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The credits of an organization",
            details: "What it can spend, and what is on hold. For its members.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The balance.", AdminBalance::schema),
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
        let found = call.state.services.credits().balance(principal, id).await;
        let balance = AdminBalance::new(id, &found.map_err(refuse)?);
        Ok(shown(StatusCode::OK, &balance))
    }
}

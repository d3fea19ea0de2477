//! `GET /admin/v1/plans/{plan_id}`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminPlan;
use super::super::{TAG, shown};
use super::PlanPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows a plan.
#[derive(Debug)]
pub struct ReadPlan;

impl Endpoint for ReadPlan {
    type Path = PlanPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "A plan",
            details: "For everybody.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The plan.", AdminPlan::schema),
                Answer::refusal(StatusCode::NOT_FOUND, "No such plan."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let found = call
            .state
            .services
            .plans()
            .get(principal, call.path.id())
            .await;
        Ok(shown(
            StatusCode::OK,
            &AdminPlan::from(found.map_err(refuse)?),
        ))
    }
}

//! `DELETE /admin/v1/plans/{plan_id}`

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::super::TAG;
use super::PlanPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::refused::Refused;
use crate::surface::Surface;

/// Removes a plan.
#[derive(Debug)]
pub struct DeletePlan;

impl Endpoint for DeletePlan {
    type Path = PlanPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Remove a plan",
            details: "For system administrators. Its prices go with it.",
            tag: TAG,
            answers: vec![
                Answer::empty(StatusCode::NO_CONTENT, "The plan is gone."),
                Answer::refusal(StatusCode::NOT_FOUND, "No such plan."),
                Answer::refusal(StatusCode::CONFLICT, "Organizations or keys have the plan."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let deleted = call
            .state
            .services
            .plans()
            .delete(principal, call.path.id())
            .await;
        deleted.map_err(refuse)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    }
}

//! `PATCH /admin/v1/plans/{plan_id}`

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_domain::LimitSet;
use voxgate_services::plans;

use super::super::types::AdminPlan;
use super::super::{NAME_MAX, TAG, shown};
use super::PlanPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{optional, text};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::native::kinds::limits;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// A change. Null means no change.
    pub struct PlanUpdate as "AdminPlanUpdate", Style::Strict; {
        /// A new name.
        name: Option<String> = optional(text().min(1).max(NAME_MAX).one_line().visible()),
        /// Replaces its limits as a whole.
        limits: Option<LimitSet> = optional(limits()),
    }
}

/// Changes a plan.
#[derive(Debug)]
pub struct UpdatePlan;

impl Endpoint for UpdatePlan {
    type Path = PlanPath;
    type Query = Nothing;
    type Body = PlanUpdate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Change a plan",
            details: "For system administrators. It holds for everybody who has the plan within two seconds.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The plan as it is now.", AdminPlan::schema),
                Answer::refusal(StatusCode::NOT_FOUND, "No such plan."),
                Answer::refusal(StatusCode::CONFLICT, "Another plan has the name."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let change = plans::UpdatePlan {
            name: call.body.name.clone(),
            limits: call.body.limits,
        };
        let updated = call
            .state
            .services
            .plans()
            .update(principal, call.path.id(), change)
            .await;
        Ok(shown(
            StatusCode::OK,
            &AdminPlan::from(updated.map_err(refuse)?),
        ))
    }
}

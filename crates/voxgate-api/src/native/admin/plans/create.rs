//! `POST /admin/v1/plans`

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_domain::LimitSet;
use voxgate_services::plans;

use super::super::types::AdminPlan;
use super::super::{NAME_MAX, TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{optional, required, text};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::native::kinds::limits;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// A new plan.
    pub struct PlanCreate as "AdminPlanCreate", Style::Strict; {
        /// Its name; no other plan has it.
        name: String = required(text().min(1).max(NAME_MAX).one_line().visible()),
        /// Its limits by name; what is left out is not limited by it.
        limits: Option<LimitSet> = optional(limits()),
    }
}

/// Creates a plan.
#[derive(Debug)]
pub struct CreatePlan;

impl Endpoint for CreatePlan {
    type Path = Nothing;
    type Query = Nothing;
    type Body = PlanCreate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Create a plan",
            details: "For system administrators.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::CREATED, "The plan.", AdminPlan::schema),
                Answer::refusal(StatusCode::CONFLICT, "Another plan has the name."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let command = plans::CreatePlan {
            name: call.body.name.clone(),
            limits: call.body.limits.unwrap_or_default(),
        };
        let created = call.state.services.plans().create(principal, command).await;
        Ok(shown(
            StatusCode::CREATED,
            &AdminPlan::from(created.map_err(refuse)?),
        ))
    }
}

//! `GET /admin/v1/plans/{plan_id}/prices`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::plans::PlanPath;
use super::super::types::AdminPriceList;
use super::super::{TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows the price list of a plan.
#[derive(Debug)]
pub struct ReadPlanPrices;

impl Endpoint for ReadPlanPrices {
    type Path = PlanPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The prices of a plan",
            details: "For everybody. A plan with prices of its own pays those and none of the general ones.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The price list.", AdminPriceList::schema),
                Answer::refusal(StatusCode::NOT_FOUND, "No such plan."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let found = call
            .state
            .services
            .credits()
            .prices(Some(call.path.id()))
            .await;
        Ok(shown(
            StatusCode::OK,
            &AdminPriceList::from(found.map_err(refuse)?),
        ))
    }
}

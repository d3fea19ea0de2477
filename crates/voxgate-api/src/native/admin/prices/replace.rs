//! `PUT /admin/v1/prices`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminPriceList;
use super::super::{TAG, shown};
use super::PriceList;
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Replaces the general price list.
#[derive(Debug)]
pub struct ReplacePrices;

impl Endpoint for ReplacePrices {
    type Path = Nothing;
    type Query = Nothing;
    type Body = PriceList;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Replace the general prices",
            details: "For system administrators.",
            tag: TAG,
            answers: vec![Answer::json(
                StatusCode::OK,
                "The price list as it is now.",
                AdminPriceList::schema,
            )],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let plan = None;
        let credits = call.state.services.credits();
        credits
            .set_prices(principal, plan, call.body.prices.clone())
            .await
            .map_err(refuse)?;
        let prices = credits.prices(plan).await.map_err(refuse)?;
        Ok(shown(StatusCode::OK, &AdminPriceList::from(prices)))
    }
}

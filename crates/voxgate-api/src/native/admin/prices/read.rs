//! `GET /admin/v1/prices`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminPriceList;
use super::super::{TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows the general price list.
#[derive(Debug)]
pub struct ReadPrices;

impl Endpoint for ReadPrices {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The general prices",
            details: "For everybody. They hold where a plan has no prices of its own.",
            tag: TAG,
            answers: vec![Answer::json(
                StatusCode::OK,
                "The price list.",
                AdminPriceList::schema,
            )],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let found = call.state.services.credits().prices(None).await;
        Ok(shown(
            StatusCode::OK,
            &AdminPriceList::from(found.map_err(refuse)?),
        ))
    }
}

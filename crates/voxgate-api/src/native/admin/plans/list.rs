//! `GET /admin/v1/plans`

use axum::response::Response;

use super::super::types::AdminPlan;
use super::super::{TAG, list_answer, list_response};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int};
use crate::extract::page::{MAX_OFFSET, page};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::openapi::Description;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// Which piece of the list.
    pub struct PlansQuery as "AdminPlansQuery", Style::Text; {
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
    }
}

/// Lists plans.
#[derive(Debug)]
pub struct ListPlans;

impl Endpoint for ListPlans {
    type Path = Nothing;
    type Query = PlansQuery;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "List plans",
            details: "For everybody.",
            tag: TAG,
            answers: vec![list_answer::<AdminPlan>("The plans.")],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let page = page(call.query.limit, call.query.offset);
        let principal = call.principal()?;
        let found = call.state.services.plans().list(principal, page).await;
        Ok(list_response::<_, AdminPlan>(found.map_err(refuse)?))
    }
}

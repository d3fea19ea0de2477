//! `GET /usage`

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use voxgate_domain::UserId;

use super::super::error::ToRefused;
use super::super::types::UsageSummary;
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{optional, uuid};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// Whose usage.
    pub struct UsageQuery as "UsageQuery", Style::Text; {
        /// Somebody else's, for administrators of their organisation.
        user_id: Option<Uuid> = optional(uuid()),
    }
}

/// Shows the current day and month.
#[derive(Debug)]
pub struct ReadUsage;

impl Endpoint for ReadUsage {
    type Path = Nothing;
    type Query = UsageQuery;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Usage",
            details: "Words used and left today and this month, and the person's own sums by day.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The usage.", UsageSummary::schema),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such account, or one of another organization.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let user = call.query.user_id.map(UserId::from);
        let found = call
            .state
            .services
            .usage()
            .summary(call.principal()?, user)
            .await;
        let summary = found.map_err(ToRefused::to_refused)?;
        Ok(json_response(StatusCode::OK, &UsageSummary::from(summary)))
    }
}

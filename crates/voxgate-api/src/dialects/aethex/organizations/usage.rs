//! `GET /organizations/{org_id}/usage`

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_domain::DateRange;

use super::super::error::ToRefused;
use super::super::types::OrganizationUsage;
use super::{OrganizationPath, TAG};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{int, optional};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// Which days.
    pub struct UsageDays as "UsageDays", Style::Text; {
        /// How many UTC days to report on, today included; left out for the month so far.
        days: Option<i64> = optional(int(1, 365)),
    }
}

/// Shows the usage of an organisation.
#[derive(Debug)]
pub struct ReadOrganizationUsage;

impl Endpoint for ReadOrganizationUsage {
    type Path = OrganizationPath;
    type Query = UsageDays;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "An organization's usage",
            details: "Words, characters, audio seconds and requests by outcome, by day and by person; for its administrators and system administrators.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The usage.", OrganizationUsage::schema),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let services = &call.state.services;
        let range = call.query.days.and_then(|days| {
            let now = services.invitations().now();
            let before = u64::try_from(days - 1).unwrap_or(0);
            DateRange::between(
                now.saturating_sub(Duration::from_secs(before * 86_400)),
                now,
            )
        });
        let found = services
            .usage()
            .organization(call.principal()?, call.path.id(), range)
            .await;
        let usage = found.map_err(ToRefused::to_refused)?;
        Ok(json_response(
            StatusCode::OK,
            &OrganizationUsage::from(usage),
        ))
    }
}

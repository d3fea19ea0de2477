//! `GET /admin/v1/organizations/{org_id}/usage`

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use voxgate_domain::{KeyId, Timestamp, UserId};
use voxgate_services::usage::UsageQuery;

use super::super::types::AdminUsageReport;
use super::super::{OrganizationPath, TAG, shown};
use super::{GROUPS, group, span};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, one_of, optional, uuid};
use crate::extract::{Nothing, Style, input};
use crate::native::error::{invalid, refuse};
use crate::native::kinds::moment;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// Which sums.
    pub struct ReportQuery as "AdminUsageQuery", Style::Text; {
        /// Requests admitted from this moment or day on; left out for the beginning of the month.
        from: Option<Timestamp> = optional(moment()),
        /// Requests admitted before this moment or day; left out for now.
        until: Option<Timestamp> = optional(moment()),
        /// What to group by.
        group: &'static str = defaulted(one_of(GROUPS), "day"),
        /// Only this account's. Plain users get their own in any case.
        user_id: Option<Uuid> = optional(uuid()),
        /// Only this key's.
        key_id: Option<Uuid> = optional(uuid()),
    }
}

/// Sums what an organisation has used.
#[derive(Debug)]
pub struct ReportUsage;

impl Endpoint for ReportUsage {
    type Path = OrganizationPath;
    type Query = ReportQuery;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The usage of an organization",
            details: "Sums by day, hour, key, user, voice, model, service or dialect. Its administrators see all of it, others their own.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The sums.", AdminUsageReport::schema),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let id = call.path.id(principal)?;
        let asked = &call.query;
        let services = &call.state.services;
        let (from, until) = span(asked.from, asked.until, services.now())?;
        let query = UsageQuery {
            from,
            until,
            group: group(asked.group).ok_or_else(|| invalid("group", "there is no such group"))?,
            user: asked.user_id.map(UserId::from),
            key: asked.key_id.map(KeyId::from),
        };
        let rows = services
            .usage()
            .report(principal, id, query)
            .await
            .map_err(refuse)?;
        let report = AdminUsageReport::new(id, (from.into(), until.into()), asked.group, rows);
        Ok(shown(StatusCode::OK, &report))
    }
}

//! `GET /usage/requests`

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use voxgate_domain::{RequestStatus, UserId};
use voxgate_services::usage;

use super::super::error::ToRefused;
use super::super::organizations::{MAX_OFFSET, page};
use super::super::types::UsageRequest;
use super::super::{list_answer, list_response};
use super::TAG;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int, one_of, optional, uuid};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::refused::Refused;

input! {
    /// Which requests.
    pub struct RequestsQuery as "RequestsQuery", Style::Text; {
        /// Somebody else's, for administrators of their organisation.
        user_id: Option<Uuid> = optional(uuid()),
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
        /// Only those in this state.
        status: Option<&'static str> = optional(one_of(&["pending", "success", "failed"])),
    }
}

/// Lists single requests.
#[derive(Debug)]
pub struct ListRequests;

impl Endpoint for ListRequests {
    type Path = Nothing;
    type Query = RequestsQuery;
    type Body = Nothing;

    fn describe() -> Description {
        Description {
            summary: "Request history",
            details: "Single requests, newest first.",
            tag: TAG,
            answers: vec![
                list_answer::<UsageRequest>("The requests."),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such account, or one of another organization.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let query = usage::ListRequests {
            user_id: call.query.user_id.map(UserId::from),
            status: call
                .query
                .status
                .and_then(|status| status.parse::<RequestStatus>().ok()),
            page: page(call.query.limit, call.query.offset),
        };
        let found = call
            .state
            .services
            .usage()
            .requests(call.principal()?, query)
            .await;
        Ok(list_response::<_, UsageRequest>(
            found.map_err(ToRefused::to_refused)?,
        ))
    }
}

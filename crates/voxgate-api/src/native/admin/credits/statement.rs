//! `GET /admin/v1/organizations/{org_id}/credits/transfers`

use axum::http::StatusCode;
use axum::response::Response;

use super::super::types::AdminTransfer;
use super::super::{OrganizationPath, TAG, list_answer, list_response};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int};
use crate::extract::page::{MAX_OFFSET, page};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// Which piece of the statement.
    pub struct StatementQuery as "AdminStatementQuery", Style::Text; {
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
    }
}

/// Lists every movement of an organisation's credits.
#[derive(Debug)]
pub struct ReadStatement;

impl Endpoint for ReadStatement {
    type Path = OrganizationPath;
    type Query = StatementQuery;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The statement of an organization",
            details: "Every movement of its credits, newest first, with what was left after each. For its administrators.",
            tag: TAG,
            answers: vec![
                list_answer::<AdminTransfer>("The transfers."),
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
        let page = page(call.query.limit, call.query.offset);
        let found = call
            .state
            .services
            .credits()
            .statement(principal, id, page)
            .await;
        Ok(list_response::<_, AdminTransfer>(found.map_err(refuse)?))
    }
}

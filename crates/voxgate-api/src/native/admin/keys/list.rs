//! `GET /admin/v1/organizations/{org_id}/keys`

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::super::types::AdminKey;
use super::super::{OrganizationPath, TAG, list_answer};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int};
use crate::extract::page::{MAX_OFFSET, page};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::refused::{Refused, json_response};
use crate::surface::Surface;

input! {
    /// Which piece of the list.
    pub struct KeysQuery as "AdminKeysQuery", Style::Text; {
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
    }
}

/// Lists API keys.
#[derive(Debug)]
pub struct ListKeys;

impl Endpoint for ListKeys {
    type Path = OrganizationPath;
    type Query = KeysQuery;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The API keys of an organization",
            details: "Its administrators see all of them, others their own. Secrets are never listed.",
            tag: TAG,
            answers: vec![
                list_answer::<AdminKey>("The keys."),
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
        let services = &call.state.services;
        let found = services
            .keys()
            .list(principal, id, page)
            .await
            .map_err(refuse)?;
        let (total, now) = (found.total, services.now());
        let items: Vec<AdminKey> = found
            .items
            .into_iter()
            .map(|key| AdminKey::new(key, now))
            .collect();
        Ok(json_response(
            StatusCode::OK,
            &json!({ "items": items, "total": total }),
        ))
    }
}

//! Administration: organisations, people, keys, plans, prices, credits, usage, limits and the audit log.
//!
//! One file per endpoint, the wire types in `types`. Endpoints convert, call one service method and convert back; which
//! callers see and change what is the services' business.

pub mod audit;
pub mod credits;
pub mod keys;
pub mod limits;
pub mod organizations;
pub mod plans;
pub mod prices;
pub mod types;
pub mod usage;
pub mod users;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Value, json};
use voxgate_domain::{OrgId, Paged, Patch};
use voxgate_services::Principal;

use super::error;
use super::kinds::{OrgRef, org_name};
use crate::extract::kinds::required;
use crate::extract::{Style, input};
use crate::openapi::Answer;
use crate::output::{Components, Shown};
use crate::refused::{Refused, json_response};

/// The group of every route here in the published document.
pub(crate) const TAG: &str = "admin";

/// Longest name of a person, an organisation, a key or a plan in characters.
const NAME_MAX: usize = 200;

input! {
    /// Which organisation.
    pub struct OrganizationPath as "AdminOrganizationPath", Style::Text; {
        /// The organisation's id, or `current` for one's own.
        org_id: OrgRef = required(org_name()),
    }
}

impl OrganizationPath {
    /// The organisation that is meant.
    ///
    /// # Errors
    /// 404 for the own one of a caller without any.
    fn id(&self, principal: &Principal) -> Result<OrgId, Refused> {
        organization(Some(self.org_id), principal)
    }
}

/// The organisation that is meant: one's own where none is named.
fn organization(named: Option<OrgRef>, principal: &Principal) -> Result<OrgId, Refused> {
    match named {
        Some(OrgRef::Id(id)) => Ok(id),
        Some(OrgRef::Current) | None => principal.organization_id().ok_or_else(error::not_found),
    }
}

/// One piece of a list.
fn list_response<T, W: Serialize + From<T>>(paged: Paged<T>) -> Response {
    let total = paged.total;
    let items: Vec<W> = paged.items.into_iter().map(W::from).collect();
    json_response(StatusCode::OK, &json!({ "items": items, "total": total }))
}

/// How such a list is described.
fn list_answer<W: Shown>(when: &'static str) -> Answer {
    fn schema<W: Shown>(components: &mut Components) -> Value {
        json!({
            "type": "object",
            "properties": {
                "items": Vec::<W>::schema(components),
                "total": {
                    "type": "integer",
                    "minimum": 0,
                    "description": "How many entries there are under the same filters.",
                },
            },
            "required": ["items", "total"],
        })
    }
    Answer::json(StatusCode::OK, when, schema::<W>)
}

/// One thing, as it is now.
fn shown<W: Serialize>(status: StatusCode, thing: &W) -> Response {
    json_response(status, thing)
}

/// A change with its value converted.
fn patched<T, U>(change: Patch<T>, convert: impl FnOnce(T) -> U) -> Patch<U> {
    match change {
        Patch::Keep => Patch::Keep,
        Patch::Clear => Patch::Clear,
        Patch::Set(value) => Patch::Set(convert(value)),
    }
}

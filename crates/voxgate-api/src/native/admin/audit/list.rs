//! `GET /admin/v1/audit`

use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;
use voxgate_domain::{KeyId, UserId};
use voxgate_services::audit::AuditFilter;

use super::super::types::AdminAuditEntry;
use super::super::{TAG, list_answer, list_response, organization};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{defaulted, int, optional, text, uuid};
use crate::extract::page::{MAX_OFFSET, page};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::native::kinds::{OrgRef, org_name};
use crate::openapi::{Answer, Description};
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// Which entries; the conditions that are given must all hold.
    pub struct AuditQuery as "AdminAuditQuery", Style::Text; {
        /// Of this organization, or `current` for one's own. System administrators who name none get the whole log, others
        /// their own organization's.
        organization_id: Option<OrgRef> = optional(org_name()),
        /// Exactly this action, as in `key.create`.
        action: Option<String> = optional(text().max(100)),
        /// Done to this kind of thing, as in `key`.
        target_kind: Option<String> = optional(text().max(100)),
        /// Done to this one.
        target_id: Option<String> = optional(text().max(100)),
        /// Made by this account, also through a key of it.
        actor_user_id: Option<Uuid> = optional(uuid()),
        /// Made with this key.
        actor_key_id: Option<Uuid> = optional(uuid()),
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
    }
}

/// Lists what was changed, by whom and from where.
#[derive(Debug)]
pub struct ListAudit;

impl Endpoint for ListAudit {
    type Path = Nothing;
    type Query = AuditQuery;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The audit log",
            details: "Every change, newest first: who made it, from where, what changed. Never a secret.",
            tag: TAG,
            answers: vec![
                list_answer::<AdminAuditEntry>("The entries."),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let query = call.query;
        let organization_id = match query.organization_id {
            Some(named) => Some(organization(Some(named), &principal)?),
            None => None,
        };
        let filter = AuditFilter {
            organization_id,
            action: query.action,
            target_kind: query.target_kind,
            target_id: query.target_id,
            actor_user_id: query.actor_user_id.map(UserId::from),
            actor_key_id: query.actor_key_id.map(KeyId::from),
        };
        let page = page(query.limit, query.offset);
        let found = call
            .state
            .services
            .audit()
            .list(&principal, filter, page)
            .await;
        Ok(list_response::<_, AdminAuditEntry>(found.map_err(refuse)?))
    }
}

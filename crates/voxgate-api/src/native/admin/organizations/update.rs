//! `PATCH /admin/v1/organizations/{org_id}`

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};
use uuid::Uuid;
use voxgate_domain::{LimitKind, OrgStatus, Patch, PlanId};
use voxgate_services::orgs::UpdateOrg;

use super::super::types::AdminOrganization;
use super::super::{NAME_MAX, OrganizationPath, TAG, patched, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{flag, host_name, object, one_of, optional, patch, text, uuid};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::native::kinds::own_limits;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// A change. Null means no change, except for domain, settings and plan, which it empties.
    pub struct OrganizationUpdate as "AdminOrganizationUpdate", Style::Strict; {
        /// A new name.
        name: Option<String> = optional(text().min(1).max(NAME_MAX).one_line().visible()),
        /// A new mail domain; it is unverified until somebody says otherwise.
        domain: Patch<String> = patch(host_name()),
        /// System administrators only.
        domain_verified: Option<bool> = optional(flag()),
        /// System administrators only.
        status: Option<&'static str> = optional(one_of(&["active", "suspended", "inactive"])),
        /// Another plan, or none. System administrators only.
        plan_id: Patch<Uuid> = patch(uuid()),
        /// Its own limits by name; null takes the plan's, and what is left out stays. System administrators only.
        limits: Option<Vec<(LimitKind, Option<u64>)>> = optional(own_limits()),
        /// Replaces the settings as a whole.
        settings: Patch<Map<String, Value>> = patch(object()),
    }
}

/// Changes an organisation.
#[derive(Debug)]
pub struct UpdateOrganization;

impl Endpoint for UpdateOrganization {
    type Path = OrganizationPath;
    type Query = Nothing;
    type Body = OrganizationUpdate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Change an organization",
            details: "Its administrators may change name, domain and settings; system administrators everything.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The organization as it is now.",
                    AdminOrganization::schema,
                ),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such organization, or a foreign one.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let id = call.path.id(&principal)?;
        let body = call.body;
        let change = UpdateOrg {
            name: body.name,
            domain: body.domain,
            domain_verified: body.domain_verified,
            status: body
                .status
                .and_then(|status| status.parse::<OrgStatus>().ok()),
            plan_id: patched(body.plan_id, PlanId::from),
            limits: body.limits.unwrap_or_default(),
            settings: body.settings,
            ..UpdateOrg::default()
        };
        let updated = call
            .state
            .services
            .orgs()
            .update(&principal, id, change)
            .await;
        let organization = AdminOrganization::from(updated.map_err(refuse)?);
        Ok(shown(StatusCode::OK, &organization))
    }
}

//! `PATCH /organizations/{org_id}`

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};
use voxgate_domain::{OrgStatus, Patch};
use voxgate_services::orgs::UpdateOrg;

use super::super::NAME_MAX;
use super::super::error::ToRefused;
use super::super::types::OrganizationRead;
use super::{OrganizationPath, TAG, requests_per_minute, to_requests, to_words, words};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{flag, host_name, object, one_of, optional, patch, text};
use crate::extract::{Nothing, Style, input};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::{Refused, json_response};

input! {
    /// A change. Null means no change, except for domain and settings, which it empties.
    pub struct OrganizationUpdate as "OrganizationUpdate", Style::Model; {
        /// A new name.
        name: Option<String> = optional(text().min(1).max(NAME_MAX).one_line().visible()),
        /// A new mail domain; it is unverified until somebody says otherwise.
        domain: Patch<String> = patch(host_name()),
        /// System administrators only.
        domain_verified: Option<bool> = optional(flag()),
        /// System administrators only.
        status: Option<&'static str> = optional(one_of(&["active", "suspended", "inactive"])),
        /// System administrators only.
        daily_word_limit: Option<i64> = optional(words()),
        /// System administrators only.
        monthly_word_limit: Option<i64> = optional(words()),
        /// System administrators only.
        rate_limit_per_minute: Option<i64> = optional(requests_per_minute()),
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

    fn describe() -> Description {
        Description {
            summary: "Change an organization",
            details: "Its administrators may change name, domain and settings; system administrators everything.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::OK,
                    "The organization as it is now.",
                    OrganizationRead::schema,
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
        let id = call.path.id();
        let change = UpdateOrg {
            name: call.body.name,
            domain: call.body.domain,
            domain_verified: call.body.domain_verified,
            status: call
                .body
                .status
                .and_then(|status| status.parse::<OrgStatus>().ok()),
            daily_word_limit: to_words(call.body.daily_word_limit),
            monthly_word_limit: to_words(call.body.monthly_word_limit),
            rate_limit_per_minute: to_requests(call.body.rate_limit_per_minute),
            settings: call.body.settings,
            ..UpdateOrg::default()
        };
        let updated = call
            .state
            .services
            .orgs()
            .update(&principal, id, change)
            .await;
        let organization = updated.map_err(ToRefused::to_refused)?;
        Ok(json_response(
            StatusCode::OK,
            &OrganizationRead::from(organization),
        ))
    }
}

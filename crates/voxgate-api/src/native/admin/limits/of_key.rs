//! `GET /admin/v1/keys/{key_id}/limits`

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_domain::{LimitScope, LimitSet};

use super::super::keys::KeyPath;
use super::super::types::{AdminLimits, limits_of};
use super::super::{TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::native::error::refuse;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows the limits that hold for a key.
#[derive(Debug)]
pub struct ReadKeyLimits;

impl Endpoint for ReadKeyLimits {
    type Path = KeyPath;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "The limits of an API key",
            details: "Those of the key, or of its tier where it has no own, and those of its organization. For its account and the administrators of its organization.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The limits.", AdminLimits::schema),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such key, a foreign one, or somebody else's.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let services = &call.state.services;
        let key = services
            .keys()
            .get(principal, call.path.id())
            .await
            .map_err(refuse)?;
        let organization = services
            .orgs()
            .get(principal, key.organization_id)
            .await
            .map_err(refuse)?;
        let tier = match key.tier_id {
            Some(id) => {
                let plan = services.plans().get(principal, id).await;
                plan.map_err(refuse)?.limits
            }
            None => LimitSet::default(),
        };
        let mut all = limits_of(LimitScope::Organization, &organization.all_limits, |_| None);
        all.extend(limits_of(LimitScope::Key, &key.limits.or(&tier), |_| None));
        let limits = AdminLimits {
            organization_id: Some(key.organization_id.as_uuid()),
            key_id: Some(key.id.as_uuid()),
            limits: all,
        };
        Ok(shown(StatusCode::OK, &limits))
    }
}

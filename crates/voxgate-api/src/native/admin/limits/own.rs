//! `GET /admin/v1/limits`

use axum::http::StatusCode;
use axum::response::Response;
use voxgate_domain::{KeyId, LimitScope, OrgId};

use super::super::types::{AdminLimits, limits_of};
use super::super::{TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::Nothing;
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

/// Shows the limits that hold for the caller.
#[derive(Debug)]
pub struct ReadOwnLimits;

impl Endpoint for ReadOwnLimits {
    type Path = Nothing;
    type Query = Nothing;
    type Body = Nothing;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "One's own limits",
            details: "Those of the caller's organization and key, and how much of the short ones is left right now. Asking does not count as a request for speech.",
            tag: TAG,
            answers: vec![Answer::json(
                StatusCode::OK,
                "The limits.",
                AdminLimits::schema,
            )],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?;
        let view = call.state.services.gate().view(principal).await;
        let state = |kind| view.as_ref().and_then(|view| view.get(kind));
        let organization = principal.organization();
        let key = principal.key();
        let of_organization = organization
            .into_iter()
            .flat_map(|org| limits_of(LimitScope::Organization, &org.all_limits, state));
        let of_key = key
            .into_iter()
            .flat_map(|key| limits_of(LimitScope::Key, &key.limits, state));
        let limits = AdminLimits {
            organization_id: organization.map(|org| OrgId::as_uuid(org.id)),
            key_id: key.map(|key| KeyId::as_uuid(key.id)),
            limits: of_organization.chain(of_key).collect(),
        };
        Ok(shown(StatusCode::OK, &limits))
    }
}

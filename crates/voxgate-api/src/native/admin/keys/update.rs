//! `PATCH /admin/v1/keys/{key_id}`

use axum::http::StatusCode;
use axum::response::Response;
use ipnet::IpNet;
use uuid::Uuid;
use voxgate_domain::{LimitSet, Micros, NameSet, Patch, PlanId, ServiceSet, Timestamp};
use voxgate_services::keys;

use super::super::types::AdminKey;
use super::super::{NAME_MAX, TAG, patched, shown};
use super::KeyPath;
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{int, optional, patch, text, uuid};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::native::kinds::{limits, moment, names, networks, services};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// A change. Null means no change, except for tier, budget and end, which it removes.
    pub struct KeyUpdate as "AdminKeyUpdate", Style::Strict; {
        /// A new name.
        name: Option<String> = optional(text().min(1).max(NAME_MAX).one_line().visible()),
        /// Other services.
        services: Option<ServiceSet> = optional(services()),
        /// Other voices: `"all"` or a list.
        voices: Option<NameSet> = optional(names()),
        /// Other models: `"all"` or a list.
        models: Option<NameSet> = optional(names()),
        /// Other addresses and networks; empty for anywhere.
        networks: Option<Vec<IpNet>> = optional(networks()),
        /// Another plan whose limits are the key's where it has no own, or none.
        tier_id: Patch<Uuid> = patch(uuid()),
        /// Replaces its own limits as a whole.
        limits: Option<LimitSet> = optional(limits()),
        /// The most it may ever commit, in millionths of a credit, or no bound.
        credit_budget_micros: Patch<i64> = patch(int(0, Micros::MAX_TRANSFER.get())),
        /// When it ends by itself, or never.
        expires_at: Patch<Timestamp> = patch(moment()),
    }
}

/// Changes an API key.
#[derive(Debug)]
pub struct UpdateKey;

impl Endpoint for UpdateKey {
    type Path = KeyPath;
    type Query = Nothing;
    type Body = KeyUpdate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Change an API key",
            details: "It gets no right that the caller, its account or the key that made it lacks. Changes hold everywhere within two seconds.",
            tag: TAG,
            answers: vec![
                Answer::json(StatusCode::OK, "The key as it is now.", AdminKey::schema),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such key, a foreign one, or somebody else's.",
                ),
                Answer::refusal(StatusCode::CONFLICT, "The key is revoked."),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let id = call.path.id();
        let body = call.body;
        let change = keys::UpdateKey {
            name: body.name,
            services: body.services,
            voices: body.voices,
            models: body.models,
            networks: body.networks,
            tier_id: patched(body.tier_id, PlanId::from),
            limits: body.limits,
            credit_budget: patched(body.credit_budget_micros, Micros::new),
            expires_at: body.expires_at,
        };
        let services = &call.state.services;
        let updated = services.keys().update(&principal, id, change).await;
        let key = AdminKey::new(updated.map_err(refuse)?, services.now());
        Ok(shown(StatusCode::OK, &key))
    }
}

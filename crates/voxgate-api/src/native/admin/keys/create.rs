//! `POST /admin/v1/keys`

use axum::http::StatusCode;
use axum::response::Response;
use ipnet::IpNet;
use uuid::Uuid;
use voxgate_domain::{LimitSet, Micros, NameSet, PlanId, ServiceSet, Timestamp, UserId};
use voxgate_services::keys;

use super::super::types::AdminKeyCreated;
use super::super::{NAME_MAX, TAG, shown};
use crate::endpoint::{Call, Endpoint};
use crate::extract::kinds::{int, optional, required, text, uuid};
use crate::extract::{Nothing, Style, input};
use crate::native::error::refuse;
use crate::native::kinds::{limits, moment, names, networks, services};
use crate::openapi::{Answer, Description};
use crate::output::Shown;
use crate::refused::Refused;
use crate::surface::Surface;

input! {
    /// A new API key. It has the role and the organisation of its account, and never more rights than its maker.
    pub struct KeyCreate as "AdminKeyCreate", Style::Strict; {
        /// What to call it.
        name: String = required(text().min(1).max(NAME_MAX).one_line().visible()),
        /// The account it acts as; left out for one's own. Another's takes an administrator of their organization.
        user_id: Option<Uuid> = optional(uuid()),
        /// Its services; left out for all but admin, as far as its maker and its account have them.
        services: Option<ServiceSet> = optional(services()),
        /// Its voices: `"all"` or a list; left out for those of its maker.
        voices: Option<NameSet> = optional(names()),
        /// Its models: `"all"` or a list; left out for those of its maker.
        models: Option<NameSet> = optional(names()),
        /// The addresses and networks it may be used from, empty for anywhere; left out for those of its maker.
        networks: Option<Vec<IpNet>> = optional(networks()),
        /// A plan whose limits are the key's where it has no own.
        tier_id: Option<Uuid> = optional(uuid()),
        /// Its own limits by name, beneath those of the organization.
        limits: Option<LimitSet> = optional(limits()),
        /// The most it may ever commit, in millionths of a credit.
        credit_budget_micros: Option<i64> = optional(int(0, Micros::MAX_TRANSFER.get())),
        /// When it ends by itself.
        expires_at: Option<Timestamp> = optional(moment()),
    }
}

/// Makes an API key.
#[derive(Debug)]
pub struct CreateKey;

impl Endpoint for CreateKey {
    type Path = Nothing;
    type Query = Nothing;
    type Body = KeyCreate;

    const SURFACE: Surface = Surface::Native;

    fn describe() -> Description {
        Description {
            summary: "Make an API key",
            details: "The secret is in this answer and nowhere else. Keys that may not administer make no keys.",
            tag: TAG,
            answers: vec![
                Answer::json(
                    StatusCode::CREATED,
                    "The key and its secret.",
                    AdminKeyCreated::schema,
                ),
                Answer::refusal(
                    StatusCode::NOT_FOUND,
                    "No such account, or one of another organization.",
                ),
            ],
        }
    }

    async fn handle(call: Call<Self>) -> Result<Response, Refused> {
        let principal = call.principal()?.clone();
        let body = call.body;
        let command = keys::CreateKey {
            name: body.name,
            user_id: body.user_id.map(UserId::from),
            services: body.services,
            voices: body.voices,
            models: body.models,
            networks: body.networks,
            tier_id: body.tier_id.map(PlanId::from),
            limits: body.limits.unwrap_or_default(),
            credit_budget: body.credit_budget_micros.map(Micros::new),
            expires_at: body.expires_at,
        };
        let services = &call.state.services;
        let created = services.keys().create(&principal, command).await;
        let key = AdminKeyCreated::new(created.map_err(refuse)?, services.now());
        Ok(shown(StatusCode::CREATED, &key))
    }
}

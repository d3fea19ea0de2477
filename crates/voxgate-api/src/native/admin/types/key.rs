//! An API key as administration shows it.

use uuid::Uuid;
use voxgate_domain::{KeyId, Micros, PlanId, Service, Timestamp};
use voxgate_services::keys::{ApiKey, CreatedKey};

use super::{LimitMap, Names};
use crate::output::{Instant, Revealed, output};

output! {
    /// An API key, without its secret.
    pub struct AdminKey {
        /// The key's id.
        id: Uuid,
        /// The organisation it belongs to.
        organization_id: Uuid,
        /// The account it acts as.
        user_id: Uuid,
        /// The key that made it, where a key did; with that one it ends.
        created_by_key_id: Option<Uuid>,
        /// What its maker calls it.
        name: String,
        /// The first characters of its newest secret, to recognise it by.
        prefix: String,
        /// active, expired or revoked.
        state: &'static str,
        /// The services it may use.
        services: Vec<&'static str>,
        /// The voices it may use.
        voices: Names,
        /// The models it may use.
        models: Names,
        /// Where it may be used from; empty for anywhere.
        networks: Vec<String>,
        /// The plan whose limits are the key's where it has no own.
        tier_id: Option<Uuid>,
        /// Its own limits, beneath those of the organisation.
        limits: LimitMap,
        /// The most it may ever commit, in millionths of a credit.
        credit_budget_micros: Option<i64>,
        /// What it has committed so far, held and spent, in millionths of a credit.
        credits_committed_micros: i64,
        /// When it was made.
        created_at: Instant,
        /// When it last changed.
        updated_at: Instant,
        /// When it ends by itself.
        expires_at: Option<Instant>,
        /// When it was last used, to the minute.
        last_used_at: Option<Instant>,
        /// When it was revoked.
        revoked_at: Option<Instant>,
    }
}

output! {
    /// A key that was just made, or got a new secret.
    pub struct AdminKeyCreated {
        /// The key.
        key: AdminKey,
        /// Its secret; shown this once.
        secret: Revealed,
    }
}

impl AdminKey {
    /// A key as it is at `now`.
    pub fn new(key: ApiKey, now: Timestamp) -> Self {
        let state = if key.revoked_at.is_some() {
            "revoked"
        } else if key.expires_at.is_some_and(|end| end <= now) {
            "expired"
        } else {
            "active"
        };
        Self {
            id: key.id.as_uuid(),
            organization_id: key.organization_id.as_uuid(),
            user_id: key.user_id.as_uuid(),
            created_by_key_id: key.created_by_key_id.map(KeyId::as_uuid),
            name: key.name,
            prefix: key.prefix,
            state,
            services: key.rights.services.iter().map(Service::as_str).collect(),
            voices: Names(key.rights.voices),
            models: Names(key.rights.models),
            networks: key
                .rights
                .networks
                .iter()
                .map(ToString::to_string)
                .collect(),
            tier_id: key.tier_id.map(PlanId::as_uuid),
            limits: LimitMap(key.limits),
            credit_budget_micros: key.credit_budget.map(Micros::get),
            credits_committed_micros: key.credits_committed.get(),
            created_at: key.created_at.into(),
            updated_at: key.updated_at.into(),
            expires_at: key.expires_at.map(Instant),
            last_used_at: key.last_used_at.map(Instant),
            revoked_at: key.revoked_at.map(Instant),
        }
    }
}

impl AdminKeyCreated {
    /// A key with its secret.
    pub fn new(created: CreatedKey, now: Timestamp) -> Self {
        Self {
            key: AdminKey::new(created.key, now),
            secret: Revealed(created.secret),
        }
    }
}

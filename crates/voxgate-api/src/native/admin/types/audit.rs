//! The audit log as administration shows it.

use serde_json::{Map, Value};
use uuid::Uuid;
use voxgate_domain::{KeyId, OrgId, UserId};
use voxgate_services::audit::AuditEntry;

use crate::output::{Instant, output};

output! {
    /// One change that was made.
    pub struct AdminAuditEntry {
        /// The entry's id.
        id: Uuid,
        /// When the change was made.
        at: Instant,
        /// The organisation it concerns; null for the installation as a whole.
        organization_id: Option<Uuid>,
        /// Who made it: operator, user, key or system.
        actor: &'static str,
        /// The account that made it, or whose key did.
        actor_user_id: Option<Uuid>,
        /// The API key it was made with.
        actor_key_id: Option<Uuid>,
        /// The address it came from.
        address: Option<String>,
        /// What was done, as in `key.create`.
        action: String,
        /// What kind of thing it was done to.
        target_kind: String,
        /// Which one.
        target_id: String,
        /// What changed: `{"old": …, "new": …}` per field, `{"changed": true}` where the value is nobody's business.
        changes: Map<String, Value>,
    }
}

impl From<AuditEntry> for AdminAuditEntry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.as_uuid(),
            at: entry.at.into(),
            organization_id: entry.organization_id.map(OrgId::as_uuid),
            actor: entry.actor,
            actor_user_id: entry.actor_user_id.map(UserId::as_uuid),
            actor_key_id: entry.actor_key_id.map(KeyId::as_uuid),
            address: entry.address.map(|address| address.to_string()),
            action: entry.action,
            target_kind: entry.target_kind,
            target_id: entry.target_id,
            changes: match entry.changes {
                Value::Object(changes) => changes,
                other => Map::from_iter([("value".to_owned(), other)]),
            },
        }
    }
}

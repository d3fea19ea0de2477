//! What goes into and comes out of the audit use cases.

use std::net::IpAddr;

use serde_json::Value;
use voxgate_domain::{AuditId, KeyId, OrgId, Timestamp, UserId};

/// One change that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// The entry's id.
    pub id: AuditId,
    /// When the change was made.
    pub at: Timestamp,
    /// The organisation it concerns; `None` for the installation as a whole.
    pub organization_id: Option<OrgId>,
    /// Who made it: `operator` on the command line, `user` with a session or a link from a mail, `key` with an API key,
    /// `system` for what the server does by itself.
    pub actor: &'static str,
    /// The account that made it, or whose key did.
    pub actor_user_id: Option<UserId>,
    /// The API key it was made with.
    pub actor_key_id: Option<KeyId>,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// What was done, as in `key.create`.
    pub action: String,
    /// What kind of thing it was done to, as in `key`.
    pub target_kind: String,
    /// Which one.
    pub target_id: String,
    /// What changed: an object with `{"old": …, "new": …}` per field, or `{"changed": true}` where the value is hidden.
    pub changes: Value,
}

/// Which entries to list; the conditions that are given must all hold.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this organisation. System administrators who name none get the whole log.
    pub organization_id: Option<OrgId>,
    /// Exactly this action.
    pub action: Option<String>,
    /// Done to this kind of thing.
    pub target_kind: Option<String>,
    /// Done to this one.
    pub target_id: Option<String>,
    /// Made by this account, also through a key of it.
    pub actor_user_id: Option<UserId>,
    /// Made with this key.
    pub actor_key_id: Option<KeyId>,
}

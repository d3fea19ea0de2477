//! Writing the audit log, inside the transaction of the change.

use std::net::IpAddr;

use serde_json::{Map, Value, json};
use voxgate_domain::{AuditId, KeyId, LimitSet, OrgId, Timestamp, UserId};
use voxgate_store::audit::{self, ActorKind, AuditRow};
use voxgate_store::{StoreError, Tx};

use crate::{CredentialKind, Principal};

/// Who makes a change, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Actor {
    kind: ActorKind,
    user: Option<UserId>,
    key: Option<KeyId>,
    address: Option<IpAddr>,
}

impl Actor {
    /// The installation's operator.
    pub(crate) const OPERATOR: Self = Self {
        kind: ActorKind::Operator,
        user: None,
        key: None,
        address: None,
    };

    /// An account that shows itself by other means than a credential, such as a link from a mail.
    pub(crate) fn user(id: UserId) -> Self {
        Self {
            kind: ActorKind::User,
            user: Some(id),
            ..Self::OPERATOR
        }
    }
}

impl From<&Principal> for Actor {
    fn from(principal: &Principal) -> Self {
        let (kind, key) = match principal.credential() {
            CredentialKind::Operator => (ActorKind::Operator, None),
            CredentialKind::Session { .. } => (ActorKind::User, None),
            CredentialKind::ApiKey(id) => (ActorKind::Key, Some(*id)),
        };
        Self {
            kind,
            user: principal.user_id(),
            key,
            address: principal.address(),
        }
    }
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct AuditEvent {
    /// Whose administrators may read of it.
    pub(crate) organization: Option<OrgId>,
    /// What was done, as in `key.create`.
    pub(crate) action: &'static str,
    /// What kind of thing it was done to, as in `key`.
    pub(crate) target_kind: &'static str,
    /// Which one.
    pub(crate) target_id: String,
    /// What changed; see [`Changes`]. Never a secret, a password or the hash of one.
    pub(crate) changes: Value,
}

/// What changed, field by field: `{"name": {"old": "a", "new": "b"}}`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(Map<String, Value>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Notes a field, unless it stayed the same.
    pub(crate) fn field(
        mut self,
        name: &'static str,
        old: impl Into<Value>,
        new: impl Into<Value>,
    ) -> Self {
        let (old, new) = (old.into(), new.into());
        if old != new {
            self.0
                .insert(name.to_owned(), json!({"old": old, "new": new}));
        }
        self
    }

    /// Notes that a field changed whose value is nobody's business.
    pub(crate) fn hidden(mut self, name: &'static str, changed: bool) -> Self {
        if changed {
            self.0.insert(name.to_owned(), json!({"changed": true}));
        }
        self
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Changes> for Value {
    fn from(changes: Changes) -> Self {
        Self::Object(changes.0)
    }
}

/// Limits as the audit log shows them: name to value.
pub(crate) fn limits(set: &LimitSet) -> Value {
    set.iter()
        .map(|(kind, value)| (kind.as_str().to_owned(), Value::from(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// A moment as the audit log shows it.
pub(crate) fn moment(at: Option<Timestamp>) -> Value {
    at.map(Timestamp::to_iso_micros).into()
}

/// An optional id or other text as the audit log shows it.
pub(crate) fn text(value: Option<impl ToString>) -> Value {
    value.map(|value| value.to_string()).into()
}

/// Adds the entry of a change to its transaction: both are stored, or neither.
///
/// # Errors
/// Any [`StoreError`].
pub(crate) async fn record(
    tx: &mut Tx<'_>,
    who: impl Into<Actor> + Send,
    event: AuditEvent,
    now: Timestamp,
) -> Result<(), StoreError> {
    let who: Actor = who.into();
    let row = AuditRow {
        id: AuditId::generate(),
        at: now,
        organization_id: event.organization,
        actor: who.kind,
        actor_user_id: who.user,
        actor_key_id: who.key,
        address: who
            .address
            .map(|address| address.to_canonical().to_string()),
        action: event.action.to_owned(),
        target_kind: event.target_kind.to_owned(),
        target_id: event.target_id,
        changes: event.changes.to_string(),
    };
    audit::insert(tx, &row).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_noted() {
        let changes = Changes::new()
            .field("name", "a", "b")
            .field("status", "active", "active")
            .hidden("password", true)
            .hidden("settings", false);
        assert!(!changes.is_empty());
        assert_eq!(
            Value::from(changes),
            json!({"name": {"old": "a", "new": "b"}, "password": {"changed": true}})
        );
        assert!(Changes::new().field("name", "a", "a").is_empty());
    }
}

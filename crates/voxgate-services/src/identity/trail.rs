//! What changes of accounts look like in the audit log.

use serde_json::Value;
use voxgate_domain::User;

use crate::audit::{self, AuditEvent, Changes};

/// An account was made, changed or removed. Of a password only that it changed.
///
/// It concerns the organisation the account was in before, or else the one it is in now.
pub(crate) fn account_event(
    action: &'static str,
    before: Option<&User>,
    after: Option<&User>,
    new_password: bool,
) -> AuditEvent {
    let field = |changes: Changes, name, value: fn(&User) -> Value| {
        changes.field(name, before.map(value), after.map(value))
    };
    let mut changes = Changes::new();
    changes = field(changes, "email", |user| user.email.clone().into());
    changes = field(changes, "full_name", |user| user.full_name.clone().into());
    changes = field(changes, "role", |user| user.role.as_str().into());
    changes = field(changes, "organization_id", |user| {
        audit::text(user.organization_id)
    });
    changes = field(changes, "is_active", |user| user.is_active.into());
    changes = field(changes, "is_verified", |user| user.is_verified.into());
    let subject = before.or(after);
    AuditEvent {
        organization: before
            .and_then(|user| user.organization_id)
            .or_else(|| after.and_then(|user| user.organization_id)),
        action,
        target_kind: "user",
        target_id: subject.map(|user| user.id.to_string()).unwrap_or_default(),
        changes: changes.hidden("password", new_password).into(),
    }
}

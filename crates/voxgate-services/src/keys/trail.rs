//! What changes of keys look like in the audit log.

use serde_json::Value;
use voxgate_domain::NameSet;
use voxgate_store::keys::KeyRow;

use crate::audit::{self, AuditEvent, Changes};

/// What a change of a key looks like in the audit log.
pub(crate) fn changes(before: Option<&KeyRow>, after: &KeyRow) -> Changes {
    let field = |changes: Changes, name, value: fn(&KeyRow) -> Value| {
        changes.field(name, before.map(value), value(after))
    };
    let mut changes = Changes::new();
    changes = field(changes, "user_id", |row| row.user_id.to_string().into());
    changes = field(changes, "name", |row| row.name.clone().into());
    changes = field(changes, "services", |row| {
        row.rights
            .services
            .iter()
            .map(|service| Value::from(service.as_str()))
            .collect()
    });
    changes = field(changes, "voices", |row| names(&row.rights.voices));
    changes = field(changes, "models", |row| names(&row.rights.models));
    changes = field(changes, "networks", |row| {
        row.rights
            .networks
            .iter()
            .map(|network| Value::from(network.to_string()))
            .collect()
    });
    changes = field(changes, "tier_id", |row| audit::text(row.tier_id));
    changes = field(changes, "limits", |row| audit::limits(&row.limits));
    changes = field(changes, "credit_budget", |row| {
        audit::text(row.credit_budget)
    });
    field(changes, "expires_at", |row| audit::moment(row.expires_at))
}

fn names(names: &NameSet) -> Value {
    match names {
        NameSet::All => "all".into(),
        NameSet::Only(names) => names
            .iter()
            .map(|name| Value::from(name.as_str()))
            .collect(),
    }
}

/// The audit entry of a change of a key.
pub(crate) fn event(action: &'static str, row: &KeyRow, changes: Changes) -> AuditEvent {
    AuditEvent {
        organization: Some(row.organization_id),
        action,
        target_kind: "key",
        target_id: row.id.to_string(),
        changes: changes.into(),
    }
}

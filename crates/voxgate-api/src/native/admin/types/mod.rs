//! What the administration API answers with.

mod audit;
mod credits;
mod key;
mod limits;
mod organization;
mod plan;
mod usage;
mod user;

pub use audit::AdminAuditEntry;
pub use credits::{AdminBalance, AdminPrice, AdminPriceList, AdminPriceQuote, AdminTransfer};
pub use key::{AdminKey, AdminKeyCreated};
pub use limits::{AdminLimit, AdminLimits, limits_of};
pub use organization::AdminOrganization;
pub use plan::AdminPlan;
pub use usage::{AdminQuantities, AdminUsageReport, AdminUsageRow, AdminUsageSums, total};
pub use user::{AdminUser, AdminUserCreated};

use serde_json::{Map, Value, json};
use voxgate_domain::{LimitSet, NameSet};

use crate::output::{Components, Shown};

/// Limits by name; what is not limited is not named.
#[derive(Debug, Clone, Copy)]
pub struct LimitMap(pub LimitSet);

impl serde::Serialize for LimitMap {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(kind, value)| (kind.as_str(), value)))
    }
}

impl Shown for LimitMap {
    fn schema(components: &mut Components) -> Value {
        components.define("AdminLimitMap", |_| {
            let value = json!({ "type": "integer", "minimum": 0 });
            let properties: Map<String, Value> = voxgate_domain::LimitKind::SETTABLE
                .iter()
                .map(|kind| (kind.as_str().to_owned(), value.clone()))
                .collect();
            json!({
                "type": "object",
                "title": "AdminLimitMap",
                "description": "Limits by name; what is not limited is not named.",
                "properties": properties,
                "additionalProperties": false,
            })
        })
    }
}

/// `"all"`, or a list of names.
#[derive(Debug, Clone)]
pub struct Names(pub NameSet);

impl serde::Serialize for Names {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            NameSet::All => serializer.serialize_str("all"),
            NameSet::Only(names) => serializer.collect_seq(names),
        }
    }
}

impl Shown for Names {
    fn schema(_: &mut Components) -> Value {
        json!({ "anyOf": [
            { "const": "all" },
            { "type": "array", "items": { "type": "string" } },
        ] })
    }
}

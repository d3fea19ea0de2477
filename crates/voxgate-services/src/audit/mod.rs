//! The audit log: who changed what, when and from where.
//!
//! Every change of an organisation, an account, an invitation, a key, a plan, a price or a balance adds its entry in the
//! transaction that makes it. Entries are never changed and hold no secret.

mod error;
mod record;
mod types;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use voxgate_domain::{Page, Paged, Role};
use voxgate_store::audit::{self, ActorKind, AuditRow};
use voxgate_store::orgs;

use crate::core::Core;
use crate::{Fault, Principal};
pub use error::AuditError;
pub(crate) use record::{Actor, AuditEvent, Changes, limits, moment, record, text};
pub use types::{AuditEntry, AuditFilter};

/// Reading the audit log.
#[derive(Clone)]
pub struct Audit {
    core: Arc<Core>,
}

impl Audit {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Entries, newest first: all for system administrators (or those of one organisation), the own organisation's for
    /// its administrators.
    ///
    /// # Errors
    /// `Forbidden` for others; `NotFound` for an unknown or foreign organisation.
    pub fn list<'a>(
        &'a self,
        principal: &'a Principal,
        filter: AuditFilter,
        page: Page,
    ) -> BoxFuture<'a, Result<Paged<AuditEntry>, AuditError>> {
        Box::pin(async move {
            let organization = match (principal.rank(), filter.organization_id) {
                (Role::OrgUser, _) => return Err(AuditError::Forbidden),
                (Role::SystemAdmin, asked) => asked,
                (Role::OrgAdmin, asked) => {
                    let own = principal.organization_id().ok_or(AuditError::Forbidden)?;
                    Some(asked.unwrap_or(own))
                }
            };
            let db = &self.core.db;
            if let Some(id) = organization {
                // Asked for a foreign one too: unknown and foreign take the same time.
                let known = orgs::get(db, id).await?.is_some();
                if !(known && principal.may_administer(id)) {
                    return Err(AuditError::NotFound);
                }
            }
            let wanted = audit::AuditFilter {
                action: filter.action,
                target_kind: filter.target_kind,
                target_id: filter.target_id,
                actor_user_id: filter.actor_user_id,
                actor_key_id: filter.actor_key_id,
            };
            let (rows, total) = match organization {
                Some(id) => audit::list(db, id, &wanted, page).await?,
                None => audit::list_any_org(db, &wanted, page).await?,
            };
            let items = rows
                .into_iter()
                .map(entry)
                .collect::<Result<_, AuditError>>()?;
            Ok(Paged { items, total })
        })
    }
}

fn entry(row: AuditRow) -> Result<AuditEntry, AuditError> {
    let broken = |what: &str| {
        AuditError::Fault(Fault::Internal(format!(
            "audit entry {}: unreadable {what}",
            row.id
        )))
    };
    let address = row
        .address
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| broken("address"))?;
    let changes = serde_json::from_str(&row.changes).map_err(|_| broken("changes"))?;
    Ok(AuditEntry {
        id: row.id,
        at: row.at,
        organization_id: row.organization_id,
        actor: match row.actor {
            ActorKind::Operator => "operator",
            ActorKind::User => "user",
            ActorKind::Key => "key",
            ActorKind::System => "system",
        },
        actor_user_id: row.actor_user_id,
        actor_key_id: row.actor_key_id,
        address,
        action: row.action,
        target_kind: row.target_kind,
        target_id: row.target_id,
        changes,
    })
}

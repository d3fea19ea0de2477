//! Plans: limits under a name. An organisation has the limits of its plan where it has no own; a key those of its tier,
//! which is a plan too. Which value holds is decided in `effective`.

pub(crate) mod effective;
mod error;
mod types;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use voxgate_domain::{Page, Paged, PlanId};
use voxgate_store::StoreError;
use voxgate_store::plans::{self, PlanRemoval, PlanRow};

use crate::Principal;
use crate::audit::{self, Actor, AuditEvent, Changes};
use crate::core::Core;
use crate::identity::checked_name;
pub use error::PlanError;
pub use types::{CreatePlan, Plan, UpdatePlan};

/// The unique index over the names.
const NAME_INDEX: &str = "ux_plans_name";

/// The plan use cases.
#[derive(Clone)]
pub struct Plans {
    core: Arc<Core>,
}

impl Plans {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Makes a plan; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `NameTaken`.
    pub fn create<'a>(
        &'a self,
        principal: &'a Principal,
        command: CreatePlan,
    ) -> BoxFuture<'a, Result<Plan, PlanError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            let now = self.core.now();
            let row = PlanRow {
                id: PlanId::generate(),
                name: name(&command.name)?,
                limits: command.limits,
                created_at: now,
                updated_at: now,
            };
            let actor = Actor::from(principal);
            self.core
                .db
                .write(move |tx| {
                    let row = row.clone();
                    async move {
                        plans::insert(tx, &row).await.map_err(name_taken)?;
                        let changes = changes(None, Some(&row));
                        audit::record(tx, actor, event("plan.create", row.id, changes), now)
                            .await?;
                        Ok::<_, PlanError>(plan(row))
                    }
                    .boxed()
                })
                .await
        })
    }

    /// The plans, by name; for everybody who is signed in.
    ///
    /// # Errors
    /// [`PlanError::Fault`].
    pub fn list<'a>(
        &'a self,
        _principal: &'a Principal,
        page: Page,
    ) -> BoxFuture<'a, Result<Paged<Plan>, PlanError>> {
        Box::pin(async move {
            let (rows, total) = plans::list(&self.core.db, page).await?;
            let items = rows.into_iter().map(plan).collect();
            Ok(Paged { items, total })
        })
    }

    /// One plan; for everybody who is signed in.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get<'a>(
        &'a self,
        _principal: &'a Principal,
        id: PlanId,
    ) -> BoxFuture<'a, Result<Plan, PlanError>> {
        Box::pin(async move {
            plans::get(&self.core.db, id)
                .await?
                .map(plan)
                .ok_or(PlanError::NotFound)
        })
    }

    /// Changes a plan for all who have it; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`, `NameTaken`.
    pub fn update<'a>(
        &'a self,
        principal: &'a Principal,
        id: PlanId,
        change: UpdatePlan,
    ) -> BoxFuture<'a, Result<Plan, PlanError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            let new_name = change.name.as_deref().map(name).transpose()?;
            let (actor, now) = (Actor::from(principal), self.core.now());
            let result = self
                .core
                .db
                .write(move |tx| {
                    let new_name = new_name.clone();
                    async move {
                        let before = plans::get_in(tx, id).await?.ok_or(PlanError::NotFound)?;
                        let mut after = before.clone();
                        after.name = new_name.unwrap_or(after.name);
                        after.limits = change.limits.unwrap_or(after.limits);
                        if after != before {
                            after.updated_at = now;
                            if !plans::update(tx, &after).await.map_err(name_taken)? {
                                return Err(PlanError::NotFound);
                            }
                            let changes = changes(Some(&before), Some(&after));
                            audit::record(tx, actor, event("plan.update", id, changes), now)
                                .await?;
                        }
                        Ok(plan(after))
                    }
                    .boxed()
                })
                .await;
            self.core.credentials.forget_after(&result);
            result
        })
    }

    /// Removes a plan that nobody has, with its prices; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `InUse`.
    pub fn delete<'a>(
        &'a self,
        principal: &'a Principal,
        id: PlanId,
    ) -> BoxFuture<'a, Result<(), PlanError>> {
        Box::pin(async move {
            require_system_admin(principal)?;
            let (actor, now) = (Actor::from(principal), self.core.now());
            let result = self
                .core
                .db
                .write(move |tx| {
                    async move {
                        let before = plans::get_in(tx, id).await?.ok_or(PlanError::NotFound)?;
                        match plans::delete(tx, id).await? {
                            PlanRemoval::Removed => {}
                            PlanRemoval::InUse => return Err(PlanError::InUse),
                            PlanRemoval::Unknown => return Err(PlanError::NotFound),
                        }
                        let changes = changes(Some(&before), None);
                        audit::record(tx, actor, event("plan.delete", id, changes), now).await?;
                        Ok(())
                    }
                    .boxed()
                })
                .await;
            self.core.credentials.forget_after(&result);
            result
        })
    }
}

fn require_system_admin(principal: &Principal) -> Result<(), PlanError> {
    if principal.is_system_admin() {
        Ok(())
    } else {
        Err(PlanError::Forbidden)
    }
}

fn name(text: &str) -> Result<String, PlanError> {
    checked_name(text)
        .and_then(|name| name.ok_or_else(|| "must not be empty".into()))
        .map_err(|reason| PlanError::Invalid {
            field: "name",
            reason,
        })
}

fn name_taken(error: StoreError) -> PlanError {
    if error.is_conflict_on(NAME_INDEX) {
        PlanError::NameTaken
    } else {
        error.into()
    }
}

fn changes(before: Option<&PlanRow>, after: Option<&PlanRow>) -> Changes {
    let name = |row: Option<&PlanRow>| row.map(|row| row.name.clone());
    let limits = |row: Option<&PlanRow>| row.map(|row| audit::limits(&row.limits));
    Changes::new()
        .field("name", name(before), name(after))
        .field("limits", limits(before), limits(after))
}

fn event(action: &'static str, id: PlanId, changes: Changes) -> AuditEvent {
    AuditEvent {
        organization: None,
        action,
        target_kind: "plan",
        target_id: id.to_string(),
        changes: changes.into(),
    }
}

fn plan(row: PlanRow) -> Plan {
    Plan {
        id: row.id,
        name: row.name,
        limits: row.limits,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

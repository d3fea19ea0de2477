//! Credits: what organisations have, how it changed, and what things cost.
//!
//! The ledger itself (double entry, holds, idempotent transfers) is `voxgate_store::ledger`; the gate holds and posts. Here
//! is what people do: granting, buying, adjusting, giving back, reading statements, setting prices.

mod error;
pub(crate) mod prices;
mod types;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use voxgate_domain::{Micros, OrgId, Page, Paged, PlanId, Price, Quantities, Service};
use voxgate_store::ledger::{self, Booked, Booking};
use voxgate_store::{orgs, plans};

use crate::Principal;
use crate::audit::{self, Actor, AuditEvent, Changes};
use crate::core::Core;
pub use error::CreditError;
pub use types::{Change, ChangeCredits, CreditBalance};
pub use voxgate_store::ledger::{Transfer, TransferKind};

/// The longest note on a transfer, in characters.
const LONGEST_MEMO: usize = 500;
/// The most lines a price list may have.
const MOST_PRICES: usize = 1_000;

/// The credit use cases.
#[derive(Clone)]
pub struct Credits {
    core: Arc<Core>,
}

impl Credits {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// What an organisation has: its members and system administrators.
    ///
    /// # Errors
    /// `NotFound` for a foreign organisation.
    pub fn balance<'a>(
        &'a self,
        principal: &'a Principal,
        organization: OrgId,
    ) -> BoxFuture<'a, Result<CreditBalance, CreditError>> {
        Box::pin(async move {
            self.must_exist(principal, organization).await?;
            self.core.meter.caught_up().await?;
            let balance = ledger::balance(&self.core.db, organization).await?;
            Ok(CreditBalance {
                available: balance.available,
                held: balance.held,
            })
        })
    }

    /// Changes what an organisation has; system administrators. Repeating a change with the same id changes nothing and
    /// answers the first transfer.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`; `Invalid` for an amount that is not positive (an adjustment may be negative) or too large;
    /// `Insufficient` where an adjustment would take more than there is; `NotRefundable` for more than was paid for the
    /// request; `IdTaken` where the id was used for something else.
    pub fn change<'a>(
        &'a self,
        principal: &'a Principal,
        command: ChangeCredits,
    ) -> BoxFuture<'a, Result<Transfer, CreditError>> {
        Box::pin(async move {
            self.must_exist(principal, command.organization_id).await?;
            if !(principal.is_system_admin() && principal.may_administer(command.organization_id)) {
                return Err(CreditError::Forbidden);
            }
            check(&command)?;
            self.core.meter.caught_up().await?;
            let (actor, now) = (Actor::from(principal), self.core.now());
            let name = principal.user_id().map(|user| user.to_string());
            let transfer = self
                .core
                .db
                .write(move |tx| {
                    let (command, name) = (command.clone(), name.clone());
                    async move { book(tx, &command, name.as_deref(), actor, now).await }.boxed()
                })
                .await?;
            tracing::info!(org.id = %transfer.organization_id, transfer.id = %transfer.id, amount = transfer.amount.get(), "credits changed");
            Ok(transfer)
        })
    }

    /// Every transfer of an organisation, newest first, with what was left after each; its administrators.
    ///
    /// # Errors
    /// `NotFound` for a foreign organisation, `Forbidden` for its plain users.
    pub fn statement<'a>(
        &'a self,
        principal: &'a Principal,
        organization: OrgId,
        page: Page,
    ) -> BoxFuture<'a, Result<Paged<Transfer>, CreditError>> {
        Box::pin(async move {
            self.must_exist(principal, organization).await?;
            if !principal.may_administer(organization) {
                return Err(CreditError::Forbidden);
            }
            self.core.meter.caught_up().await?;
            let (items, total) = ledger::statement_page(&self.core.db, organization, page).await?;
            Ok(Paged { items, total })
        })
    }

    /// The prices of a plan, or the general ones; everybody.
    ///
    /// # Errors
    /// `NotFound` for an unknown plan.
    pub fn prices<'a>(
        &'a self,
        plan: Option<PlanId>,
    ) -> BoxFuture<'a, Result<Vec<Price>, CreditError>> {
        Box::pin(async move {
            self.plan_must_exist(plan).await?;
            Ok(voxgate_store::prices::list(&self.core.db, plan).await?)
        })
    }

    /// Replaces the prices of a plan, or the general ones; system administrators. A plan with prices of its own pays those
    /// and none of the general ones.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` for an unknown plan; `Invalid` for too many lines, a negative price or a line twice.
    pub fn set_prices<'a>(
        &'a self,
        principal: &'a Principal,
        plan: Option<PlanId>,
        lines: Vec<Price>,
    ) -> BoxFuture<'a, Result<(), CreditError>> {
        Box::pin(async move {
            if !(principal.is_system_admin() && principal.may_use(Service::Admin)) {
                return Err(CreditError::Forbidden);
            }
            self.plan_must_exist(plan).await?;
            check_prices(&lines)?;
            let before = voxgate_store::prices::list(&self.core.db, plan).await?;
            let (actor, now) = (Actor::from(principal), self.core.now());
            let changes: serde_json::Value = Changes::new()
                .field("prices", written(&before), written(&lines))
                .into();
            let event = AuditEvent {
                organization: None,
                action: "prices.update",
                target_kind: "plan",
                target_id: plan.map_or_else(|| "general".into(), |plan| plan.to_string()),
                changes,
            };
            self.core
                .db
                .write(move |tx| {
                    let (lines, event) = (lines.clone(), event.clone());
                    async move {
                        voxgate_store::prices::replace_all(tx, plan, &lines, now).await?;
                        audit::record(tx, actor, event, now).await?;
                        Ok::<_, CreditError>(())
                    }
                    .boxed()
                })
                .await?;
            self.core.prices.forget();
            Ok(())
        })
    }

    /// What quantities of a service would cost the caller's organisation; nothing is held or charged.
    ///
    /// # Errors
    /// A fault.
    pub fn preview<'a>(
        &'a self,
        principal: &'a Principal,
        service: Service,
        model: &'a str,
        quantities: &'a Quantities,
    ) -> BoxFuture<'a, Result<Micros, CreditError>> {
        Box::pin(async move {
            let plan = principal.organization().and_then(|org| org.plan_id);
            let prices = self.core.prices.of(&self.core, plan).await?;
            Ok(prices.cost(service, model, quantities))
        })
    }

    async fn must_exist(&self, principal: &Principal, org: OrgId) -> Result<(), CreditError> {
        let known = orgs::get(&self.core.db, org).await?.is_some();
        if known && principal.may_see(org) {
            Ok(())
        } else {
            Err(CreditError::NotFound)
        }
    }

    async fn plan_must_exist(&self, plan: Option<PlanId>) -> Result<(), CreditError> {
        match plan {
            Some(id) if plans::get(&self.core.db, id).await?.is_none() => {
                Err(CreditError::NotFound)
            }
            _ => Ok(()),
        }
    }
}

/// Books a change and its audit entry; a repetition books nothing.
async fn book(
    tx: &mut voxgate_store::Tx<'_>,
    command: &ChangeCredits,
    name: Option<&str>,
    actor: Actor,
    now: voxgate_domain::Timestamp,
) -> Result<Transfer, CreditError> {
    let booking = Booking {
        id: command.id,
        organization_id: command.organization_id,
        amount: command.amount,
        memo: &command.memo,
        actor: name,
        now,
    };
    let booked = match command.change {
        Change::Grant => ledger::grant(tx, &booking).await?,
        Change::Purchase => ledger::purchase(tx, &booking).await?,
        Change::Adjustment => ledger::adjust(tx, &booking).await?,
        Change::Refund(request) => ledger::refund(tx, &booking, request).await?,
    };
    match booked {
        Booked::Booked(transfer) => {
            let request = match command.change {
                Change::Refund(request) => Some(request.to_string()),
                Change::Grant | Change::Purchase | Change::Adjustment => None,
            };
            let event = AuditEvent {
                organization: Some(command.organization_id),
                action: command.change.action(),
                target_kind: "organization",
                target_id: command.organization_id.to_string(),
                changes: serde_json::json!({
                    "transfer_id": command.id.to_string(),
                    "amount_micros": command.amount.get(),
                    "request_id": request,
                    "memo": command.memo,
                }),
            };
            audit::record(tx, actor, event, now).await?;
            Ok(transfer)
        }
        Booked::Already(transfer) => Ok(transfer),
        Booked::Different(_) => Err(CreditError::IdTaken),
        Booked::Insufficient { available } => Err(CreditError::Insufficient { available }),
        Booked::NotRefundable { refundable } => Err(CreditError::NotRefundable { refundable }),
    }
}

fn check(command: &ChangeCredits) -> Result<(), CreditError> {
    let amount = command.amount;
    let negative_is_fine = matches!(command.change, Change::Adjustment);
    let reason = if amount == Micros::ZERO {
        "must not be zero"
    } else if amount < Micros::ZERO && !negative_is_fine {
        "must be positive; only an adjustment takes credits away"
    } else if amount.get().unsigned_abs() > Micros::MAX_TRANSFER.get().unsigned_abs() {
        "must not be more than a billion credits"
    } else {
        ""
    };
    if !reason.is_empty() {
        return Err(CreditError::Invalid {
            field: "amount_micros",
            reason: reason.into(),
        });
    }
    if command.memo.chars().count() > LONGEST_MEMO || command.memo.contains('\0') {
        return Err(CreditError::Invalid {
            field: "memo",
            reason: format!("must be at most {LONGEST_MEMO} characters of text"),
        });
    }
    Ok(())
}

fn check_prices(lines: &[Price]) -> Result<(), CreditError> {
    let invalid = |reason: String| {
        Err(CreditError::Invalid {
            field: "prices",
            reason,
        })
    };
    if lines.len() > MOST_PRICES {
        return invalid(format!("must be at most {MOST_PRICES} lines"));
    }
    let mut seen = std::collections::HashSet::new();
    for line in lines {
        if line.micros < Micros::ZERO || line.micros > Micros::MAX_TRANSFER {
            return invalid("a price must be between 0 and a billion credits".into());
        }
        if line
            .model
            .as_ref()
            .is_some_and(|model| model.is_empty() || model.len() > 200 || model.contains('\0'))
        {
            return invalid("a model's name must be 1 to 200 bytes of text".into());
        }
        if !seen.insert((line.service, line.model.as_deref(), line.unit)) {
            return invalid(format!(
                "the line for {} per {} is there twice",
                line.service,
                line.unit.as_str()
            ));
        }
    }
    Ok(())
}

fn written(lines: &[Price]) -> serde_json::Value {
    lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "service": line.service.as_str(),
                "model": line.model,
                "unit": line.unit.as_str(),
                "micros": line.micros.get(),
            })
        })
        .collect()
}

//! The gate: the only way to an engine, for every transport and dialect.
//!
//! `Gate::admit` decides in this order: what the key may use; all short-term limits of organisation and key in one
//! all-or-nothing decision; then quotas per day and month and the hold on credits. What a later step refuses, the earlier
//! ones get back. Who is let in holds a `Pass`, which settles once: at success, at failure, or when it is dropped because
//! the caller went away.
//!
//! Where quotas are counted depends on who else counts: the only server on a database counts in memory
//! (`quotas::QuotaBook`); one of several counts in the database, in one transaction with the hold and the pending record.

pub(crate) mod error;
mod pass;
pub(crate) mod quotas;
mod shared;
pub(crate) mod turns;
pub(crate) mod types;

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use voxgate_domain::{
    EndpointClass, LimitKind, LimitRefusal, LimitScope, Micros, OrgStatus, Quantities, RequestId,
};
use voxgate_limits::{CellAsk, CellState, Demand};
use voxgate_store::ledger::{self, HoldOutcome, NewHold};

use crate::core::Core;
use crate::metering::record::Admitted;
use crate::{Principal, Process};
pub use error::GateError;
pub(crate) use pass::{Pass, Times};
use quotas::Allowances;
pub(crate) use shared::settle_as_lost;
pub use types::{Ask, LimitState, LimitsView};

/// The gate.
#[derive(Clone)]
pub struct Gate {
    core: Arc<Core>,
}

impl Gate {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Lets a metered request in, or says why not.
    ///
    /// # Errors
    /// [`GateError`]; nothing stays counted or held then.
    ///
    /// # Cancel safety
    /// Dropped before it completes, whatever was taken is given back in the background.
    pub(crate) fn admit<'a>(
        &'a self,
        principal: &'a Principal,
        ask: Ask,
    ) -> BoxFuture<'a, Result<Pass, GateError>> {
        Box::pin(async move {
            let core = &self.core;
            let (Some(user), Some(org)) = (principal.user_id(), principal.organization()) else {
                return Err(GateError::NoOrganization);
            };
            self.check(principal, &ask)?;
            if core.meter.is_behind() {
                return Err(GateError::Behind);
            }
            let demand = demand(principal, org.id, ask.class, Some(&ask.quantities));
            let now = core.now();
            let decision = match core.limiter.decide_now(&demand) {
                Some(decision) => decision,
                None => core.limiter.decide(&demand).await,
            };
            let grant = decision
                .verdict
                .map_err(|state| GateError::Limited(refused(&state, now)))?;
            let prices = core.prices.of(core, org.plan_id).await;
            let prices = match prices {
                Ok(prices) => prices,
                Err(fault) => {
                    core.limiter.give_back(grant).await;
                    return Err(fault.into());
                }
            };
            let admitted = Admitted {
                id: RequestId::generate(),
                org: org.id,
                user,
                key: principal.key_id(),
                service: ask.service,
                dialect: ask.dialect,
                endpoint: ask.endpoint,
                held: prices.cost(ask.service, &ask.model, &ask.quantities),
                model: ask.model,
                voice: ask.voice,
                format: ask.format,
                sample_rate_hz: ask.sample_rate_hz,
                asked: ask.quantities,
                reserved_in_db: core.config.process == Process::OneOfSeveral,
                at: now,
            };
            let allowances = Allowances {
                org: org.id,
                org_limits: org.all_limits,
                key: principal.key().map(|key| (key.id, key.limits)),
            };
            let reserved = if admitted.reserved_in_db {
                let reserved = shared::reserve(core, &admitted, &allowances).await;
                reserved.map(shared::Reservation::hand_over)
            } else {
                self.reserve_here(&admitted, &allowances).await
            };
            if let Err(error) = reserved {
                core.limiter.give_back(grant).await;
                return Err(error);
            }
            // Nothing may be awaited between the reservation and the pass that settles it.
            Ok(Pass::new(
                Arc::clone(core),
                admitted,
                allowances,
                prices,
                grant,
                LimitsView {
                    states: decision.states,
                },
            ))
        })
    }

    /// What `Gate::admit` asks first: whether the caller may use what is asked for at all.
    pub(crate) fn check(&self, principal: &Principal, ask: &Ask) -> Result<(), GateError> {
        let org = principal.organization().ok_or(GateError::NoOrganization)?;
        if org.status != OrgStatus::Active {
            return Err(GateError::OrganizationNotActive);
        }
        check_rights(principal, ask)
    }

    /// Counts a request that costs nothing against the window of its class, where there is one.
    ///
    /// # Errors
    /// [`GateError::Limited`].
    pub async fn admit_unmetered(
        &self,
        principal: &Principal,
        class: EndpointClass,
    ) -> Result<(), GateError> {
        let core = &self.core;
        let (Some(org), Some(kind)) = (principal.organization(), class.limit()) else {
            return Ok(());
        };
        let limited = org.all_limits.get(kind).is_some()
            || principal
                .key()
                .is_some_and(|key| key.limits.get(kind).is_some());
        if !limited {
            return Ok(());
        }
        let demand = demand(principal, org.id, class, None);
        let decision = core.limiter.decide(&demand).await;
        match decision.verdict {
            Ok(grant) => {
                core.limiter.release(grant).await;
                Ok(())
            }
            Err(state) => Err(GateError::Limited(refused(&state, core.now()))),
        }
    }

    /// Where the caller's short-term limits stand, without counting anything; `None` for a caller without an organisation.
    pub async fn view(&self, principal: &Principal) -> Option<LimitsView> {
        let org = principal.organization()?;
        let demand = demand(
            principal,
            org.id,
            EndpointClass::Generation,
            Some(&Quantities::default()),
        );
        let states = self.core.limiter.peek(&demand).await;
        Some(LimitsView { states })
    }

    /// What a request would cost, by the prices that hold for the caller; nothing is held or charged.
    ///
    /// # Errors
    /// [`GateError::NoOrganization`], or a fault.
    pub async fn preview(&self, principal: &Principal, ask: &Ask) -> Result<Micros, GateError> {
        let org = principal.organization().ok_or(GateError::NoOrganization)?;
        let prices = self.core.prices.of(&self.core, org.plan_id).await?;
        Ok(prices.cost(ask.service, &ask.model, &ask.quantities))
    }

    /// Quotas in memory, then the hold in the database.
    async fn reserve_here(
        &self,
        admitted: &Admitted,
        allowances: &Allowances,
    ) -> Result<(), GateError> {
        let core = &self.core;
        core.quotas
            .reserve(allowances, &admitted.asked, admitted.at)
            .map_err(GateError::Limited)?;
        if admitted.held > Micros::ZERO {
            // Undone also where the caller goes away while the hold is being written.
            let undo = UndoQuotas {
                core,
                admitted,
                allowances,
                armed: true,
            };
            hold(core, admitted).await?.hand_over();
            undo.disarm();
        }
        core.meter.begin(admitted);
        Ok(())
    }
}

/// Gives quotas back unless told that all went well.
struct UndoQuotas<'a> {
    core: &'a Core,
    admitted: &'a Admitted,
    allowances: &'a Allowances,
    armed: bool,
}

impl UndoQuotas<'_> {
    fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for UndoQuotas<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.core.quotas.settle(
                self.allowances,
                &self.admitted.asked,
                &Quantities::default(),
                self.admitted.at,
            );
        }
    }
}

/// A hold that nobody has taken over yet: dropped, it is voided.
struct FreshHold {
    core: Arc<Core>,
    request: Option<(voxgate_domain::OrgId, RequestId)>,
}

impl FreshHold {
    /// Leaves it to whoever settles the request.
    fn hand_over(mut self) {
        self.request = None;
    }
}

impl Drop for FreshHold {
    fn drop(&mut self) {
        let Some((org, id)) = self.request.take() else {
            return;
        };
        let core = Arc::clone(&self.core);
        // Nobody waits for it but the shutdown.
        drop(self.core.tasks.spawn(async move {
            let now = core.now();
            let voided: Result<(), voxgate_store::StoreError> = core
                .db
                .write(move |tx| {
                    async move { ledger::void(tx, org, id, now).await.map(|_| ()) }.boxed()
                })
                .await;
            if let Err(error) = voided {
                tracing::error!(request.id = %id, %error, "a hold that nobody waits for stays until the next start");
            }
        }));
    }
}

/// Puts credits on hold, in a task of its own: a caller that goes away meanwhile leaves a hold that is voided.
async fn hold(core: &Arc<Core>, admitted: &Admitted) -> Result<FreshHold, GateError> {
    let (answer, answered) = tokio::sync::oneshot::channel();
    let (worker, admitted) = (Arc::clone(core), admitted.clone());
    core.tasks.spawn(async move {
        let outcome = write_hold(&worker, &admitted).await;
        drop(answer.send(outcome.map(|()| FreshHold {
            core: worker,
            request: Some((admitted.org, admitted.id)),
        })));
    });
    answered
        .await
        .map_err(|_| crate::Fault::Internal("the hold ended early".into()))?
}

async fn write_hold(core: &Arc<Core>, admitted: &Admitted) -> Result<(), GateError> {
    let (node, admitted) = (core.node_id.clone(), admitted.clone());
    core.db
        .write(move |tx| {
            let (node, admitted) = (node.clone(), admitted.clone());
            async move {
                let outcome = ledger::hold(
                    tx,
                    &NewHold {
                        organization_id: admitted.org,
                        key_id: admitted.key,
                        request_id: admitted.id,
                        node_id: &node,
                        amount: admitted.held,
                        now: admitted.at,
                    },
                )
                .await?;
                held(outcome, admitted.held)
            }
            .boxed()
        })
        .await
}

pub(crate) fn held(outcome: HoldOutcome, needed: Micros) -> Result<(), GateError> {
    match outcome {
        HoldOutcome::Held | HoldOutcome::Already => Ok(()),
        HoldOutcome::Insufficient { available } => {
            Err(GateError::InsufficientCredits { needed, available })
        }
        HoldOutcome::OverBudget { left } => Err(GateError::OverBudget { needed, left }),
    }
}

fn check_rights(principal: &Principal, ask: &Ask) -> Result<(), GateError> {
    let rights = principal.rights();
    if !rights.services.contains(ask.service) {
        return Err(GateError::ServiceNotAllowed(ask.service));
    }
    let may_use_voice = rights.voices.contains(&ask.voice)
        || ask
            .voice_names
            .iter()
            .any(|name| rights.voices.contains(name));
    if !ask.voice.is_empty() && !may_use_voice {
        return Err(GateError::VoiceNotAllowed(ask.voice.clone()));
    }
    if !rights.models.contains(&ask.model) {
        return Err(GateError::ModelNotAllowed(ask.model.clone()));
    }
    Ok(())
}

/// Every short-term limit the caller has, with what the request weighs; `metered` is `None` for a request that costs
/// nothing, which counts only against the window of its class.
fn demand(
    principal: &Principal,
    org: voxgate_domain::OrgId,
    class: EndpointClass,
    metered: Option<&Quantities>,
) -> Demand {
    let mut demand = Demand::new(org, principal.key_id());
    let kinds = [
        metered.map(|_| LimitKind::RequestsPerMinute),
        metered.map(|_| LimitKind::TokensPerMinute),
        metered.map(|_| LimitKind::ConcurrentStreams),
        class.limit(),
    ];
    let scopes = [
        principal
            .organization()
            .map(|org| (LimitScope::Organization, &org.all_limits)),
        principal.key().map(|key| (LimitScope::Key, &key.limits)),
    ];
    for (scope, limits) in scopes.into_iter().flatten() {
        for kind in kinds.into_iter().flatten() {
            if let Some(limit) = limits.get(kind) {
                demand.ask(CellAsk {
                    scope,
                    kind,
                    limit,
                    weight: metered.map_or(1, |quantities| quantities.weight(kind)),
                });
            }
        }
    }
    demand
}

fn refused(state: &CellState, now: voxgate_domain::Timestamp) -> LimitRefusal {
    LimitRefusal {
        kind: state.kind,
        scope: state.scope,
        limit: state.limit,
        remaining: state.remaining,
        reset: now.saturating_add(state.reset_after.max(state.retry_after)),
        retry_after: state.retry_after,
    }
}

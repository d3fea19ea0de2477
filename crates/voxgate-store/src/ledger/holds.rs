//! Holds: credits set aside when a request is admitted, earned or given back when it ends, and refunds of what was earned.
//!
//! A hold has the id of its request. It is resolved by one conditional update, so that of any number of attempts exactly one
//! moves credits.

use voxgate_domain::{KeyId, Micros, OrgId, RequestId, Timestamp, TransferId};

use super::{
    Booked, Booking, Movement, TransferKind, available, balance_in, booked_before, held, transfer,
};
use crate::decode::{count, micros, micros_opt, parsed, parsed_opt, time};
use crate::{FromRow, Row, StoreError, Tx, params};

/// Adds a hold where the organisation has as much and the key's budget allows it; open ($7 null), or posted at once ($7 the
/// moment, $8 the amount).
const INSERT: &str = "INSERT INTO credit_holds (id, organization_id, key_id, node_id, amount, status, posted, refunded, \
     created_at, resolved_at) SELECT CAST($2 AS TEXT), CAST($1 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), \
     CAST($5 AS BIGINT), CASE WHEN CAST($7 AS BIGINT) IS NULL THEN 'open' ELSE 'posted' END, CAST($8 AS BIGINT), 0, \
     CAST($6 AS BIGINT), CAST($7 AS BIGINT) \
     WHERE EXISTS (SELECT 1 FROM credit_balances WHERE organization_id = $1 AND available >= CAST($5 AS BIGINT)) \
     AND NOT EXISTS (SELECT 1 FROM api_keys WHERE id = $3 AND organization_id = $1 \
     AND credits_committed + CAST($5 AS BIGINT) > credit_budget) ON CONFLICT (id) DO NOTHING";
/// Reads a hold.
const SELECT: &str = "SELECT amount, posted, refunded, status FROM credit_holds WHERE organization_id = $1 AND id = $2";
/// Reads a key's budget and what is committed of it.
const SELECT_BUDGET: &str =
    "SELECT credit_budget, credits_committed FROM api_keys WHERE organization_id = $1 AND id = $2";
/// Adds to or takes from what a key has committed.
const COMMIT_KEY: &str = "UPDATE api_keys SET credits_committed = credits_committed + CAST($3 AS BIGINT) \
     WHERE organization_id = $1 AND id = $2";
/// Resolves a hold, once: posts up to what was held, or voids it where that is nothing.
const RESOLVE: &str = "UPDATE credit_holds SET status = CASE WHEN CAST($3 AS BIGINT) > 0 THEN 'posted' ELSE 'voided' END, \
     posted = CASE WHEN CAST($3 AS BIGINT) <= 0 THEN 0 WHEN CAST($3 AS BIGINT) < amount THEN CAST($3 AS BIGINT) ELSE amount END, \
     resolved_at = $4 WHERE organization_id = $1 AND id = $2 AND status = 'open' RETURNING amount, posted, key_id";
/// Notes a refund, up to what was posted.
const REFUND: &str = "UPDATE credit_holds SET refunded = refunded + CAST($3 AS BIGINT) \
     WHERE organization_id = $1 AND id = $2 AND status = 'posted' AND refunded + CAST($3 AS BIGINT) <= posted RETURNING key_id";
/// What dead processes have left open.
const OPEN_ANY_ORG: &str = "SELECT organization_id, key_id, id, node_id, amount, created_at FROM credit_holds \
     WHERE status = 'open' AND node_id <> $1 \
     AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = credit_holds.node_id AND nodes.seen_at >= $2) LIMIT $3";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("ledger::holds::INSERT", INSERT),
    ("ledger::holds::SELECT", SELECT),
    ("ledger::holds::SELECT_BUDGET", SELECT_BUDGET),
    ("ledger::holds::COMMIT_KEY", COMMIT_KEY),
    ("ledger::holds::RESOLVE", RESOLVE),
    ("ledger::holds::REFUND", REFUND),
    ("ledger::holds::OPEN_ANY_ORG", OPEN_ANY_ORG),
];

/// Credits to be set aside.
#[derive(Debug, Clone, Copy)]
pub struct NewHold<'a> {
    /// Whose.
    pub organization_id: OrgId,
    /// The key whose budget it counts against.
    pub key_id: Option<KeyId>,
    /// For which request.
    pub request_id: RequestId,
    /// The process that will resolve it.
    pub node_id: &'a str,
    /// How much.
    pub amount: Micros,
    /// When.
    pub now: Timestamp,
}

/// What became of a hold that was asked for. Nothing has changed unless it is [`HoldOutcome::Held`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldOutcome {
    /// The credits are set aside (or, by [`charge`], earned). Also where nothing was asked for.
    Held,
    /// The request has a hold already.
    Already,
    /// The organisation does not have as much.
    Insufficient {
        /// What it has.
        available: Micros,
    },
    /// The key may not spend as much.
    OverBudget {
        /// What it still may spend.
        left: Micros,
    },
}

/// What became of a hold that was to be resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// It is resolved, by this call.
    Resolved {
        /// What was earned: what is billed.
        posted: Micros,
        /// What went back.
        returned: Micros,
    },
    /// It was resolved before; nothing has changed.
    Already {
        /// What was earned then.
        posted: Micros,
    },
    /// The request has no hold.
    Unknown,
}

/// An open hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Whose credits.
    pub organization_id: OrgId,
    /// The key.
    pub key_id: Option<KeyId>,
    /// The request.
    pub request_id: RequestId,
    /// The process that was to resolve it.
    pub node_id: String,
    /// How much.
    pub amount: Micros,
    /// Since when.
    pub created_at: Timestamp,
}

impl FromRow for Hold {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            organization_id: parsed(row, 0)?,
            key_id: parsed_opt(row, 1)?,
            request_id: parsed(row, 2)?,
            node_id: row.get(3)?,
            amount: micros(row, 4)?,
            created_at: time(row, 5)?,
        })
    }
}

/// A hold's amounts, and whether it is open.
struct HoldState {
    posted: Micros,
    refunded: Micros,
}

impl FromRow for HoldState {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            posted: micros(row, 1)?,
            refunded: micros(row, 2)?,
        })
    }
}

/// Sets credits of an organisation aside for a request. An amount of zero or less holds nothing and leaves no row.
///
/// # Errors
/// Any [`StoreError`].
pub async fn hold(tx: &mut Tx<'_>, new: &NewHold<'_>) -> Result<HoldOutcome, StoreError> {
    take(tx, new, false).await
}

/// Takes credits for a request that has ended, as [`hold`] and [`post`] of the whole amount would, with one transfer instead of
/// two: for a process that keeps its holds in memory.
///
/// # Errors
/// Any [`StoreError`].
pub async fn charge(tx: &mut Tx<'_>, new: &NewHold<'_>) -> Result<HoldOutcome, StoreError> {
    take(tx, new, true).await
}

async fn take(
    tx: &mut Tx<'_>,
    new: &NewHold<'_>,
    at_once: bool,
) -> Result<HoldOutcome, StoreError> {
    let amount = new.amount.get();
    if amount <= 0 {
        return Ok(HoldOutcome::Held);
    }
    let organization = new.organization_id;
    let inserted = tx
        .exec(
            INSERT,
            params![
                organization.to_string(),
                new.request_id.to_string(),
                new.key_id.map(|id| id.to_string()),
                new.node_id,
                amount,
                new.now.as_micros(),
                at_once.then(|| new.now.as_micros()),
                if at_once { amount } else { 0 },
            ],
        )
        .await?;
    if inserted == 0 {
        return why_not(tx, new).await;
    }
    let (from, to) = (
        available(organization),
        if at_once {
            "revenue".to_owned()
        } else {
            held(organization)
        },
    );
    let kind = if at_once {
        TransferKind::Post
    } else {
        TransferKind::Hold
    };
    book(tx, new.movement(kind, &from, &to, amount)).await?;
    if let Some(key) = new.key_id {
        commit_key(tx, organization, key, amount).await?;
    }
    Ok(HoldOutcome::Held)
}

impl NewHold<'_> {
    fn movement<'m>(
        &self,
        kind: TransferKind,
        debit: &'m str,
        credit: &'m str,
        amount: i64,
    ) -> Movement<'m> {
        Movement {
            id: TransferId::generate(),
            organization_id: self.organization_id,
            kind,
            debit,
            credit,
            amount,
            request: Some(self.request_id),
            memo: "",
            actor: None,
            now: self.now,
        }
    }
}

/// Books a movement whose cover was checked by a statement before.
async fn book(tx: &mut Tx<'_>, movement: Movement<'_>) -> Result<(), StoreError> {
    match transfer(tx, &movement).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Corrupt(format!(
            "the balance of organisation {} does not cover its holds: run voxgate doctor",
            movement.organization_id
        ))),
    }
}

async fn commit_key(
    tx: &mut Tx<'_>,
    organization: OrgId,
    key: KeyId,
    delta: i64,
) -> Result<(), StoreError> {
    // A key that is gone by now has no budget to keep.
    tx.exec(
        COMMIT_KEY,
        params![organization.to_string(), key.to_string(), delta],
    )
    .await
    .map(|_| ())
}

async fn why_not(tx: &mut Tx<'_>, new: &NewHold<'_>) -> Result<HoldOutcome, StoreError> {
    let organization = new.organization_id;
    if state(tx, organization, new.request_id).await?.is_some() {
        return Ok(HoldOutcome::Already);
    }
    let balance = balance_in(tx, organization).await?;
    if balance.available < new.amount {
        return Ok(HoldOutcome::Insufficient {
            available: balance.available,
        });
    }
    if let Some(key) = new.key_id {
        struct Budget(Option<Micros>, Micros);
        impl FromRow for Budget {
            fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
                Ok(Self(micros_opt(row, 0)?, micros(row, 1)?))
            }
        }
        let budget: Option<Budget> = tx
            .read_opt(
                SELECT_BUDGET,
                params![organization.to_string(), key.to_string()],
            )
            .await?;
        if let Some(Budget(Some(budget), committed)) = budget {
            let left = budget.get().saturating_sub(committed.get()).max(0);
            return Ok(HoldOutcome::OverBudget {
                left: Micros::new(left),
            });
        }
    }
    // The id belongs to another organisation's request.
    Err(StoreError::conflict("credit_holds_pkey"))
}

async fn state(
    tx: &mut Tx<'_>,
    organization: OrgId,
    request: RequestId,
) -> Result<Option<HoldState>, StoreError> {
    tx.read_opt(
        SELECT,
        params![organization.to_string(), request.to_string()],
    )
    .await
}

/// Resolves a request's hold: `amount`, but at most what was held, is earned, and the rest goes back. An amount of zero or
/// less voids it.
///
/// # Errors
/// Any [`StoreError`].
pub async fn post(
    tx: &mut Tx<'_>,
    organization: OrgId,
    request: RequestId,
    amount: Micros,
    now: Timestamp,
) -> Result<Resolution, StoreError> {
    struct Resolved(i64, i64, Option<KeyId>);
    impl FromRow for Resolved {
        fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
            Ok(Self(row.get(0)?, row.get(1)?, parsed_opt(row, 2)?))
        }
    }
    let resolved: Option<Resolved> = tx
        .read_opt(
            RESOLVE,
            params![
                organization.to_string(),
                request.to_string(),
                amount.get(),
                now.as_micros()
            ],
        )
        .await?;
    let Some(Resolved(amount, posted, key_id)) = resolved else {
        return Ok(match state(tx, organization, request).await? {
            Some(state) => Resolution::Already {
                posted: state.posted,
            },
            None => Resolution::Unknown,
        });
    };
    let returned = amount - posted;
    let hold = NewHold {
        organization_id: organization,
        key_id,
        request_id: request,
        node_id: "",
        amount: Micros::new(amount),
        now,
    };
    let own = held(organization);
    if posted > 0 {
        book(
            tx,
            hold.movement(TransferKind::Post, &own, "revenue", posted),
        )
        .await?;
    }
    if returned > 0 {
        let back = available(organization);
        book(tx, hold.movement(TransferKind::Void, &own, &back, returned)).await?;
        if let Some(key) = key_id {
            commit_key(tx, organization, key, -returned).await?;
        }
    }
    Ok(Resolution::Resolved {
        posted: Micros::new(posted),
        returned: Micros::new(returned),
    })
}

/// Resolves a request's hold: all of it goes back.
///
/// # Errors
/// Any [`StoreError`].
pub async fn void(
    tx: &mut Tx<'_>,
    organization: OrgId,
    request: RequestId,
    now: Timestamp,
) -> Result<Resolution, StoreError> {
    post(tx, organization, request, Micros::ZERO, now).await
}

/// Gives earned credits of a request back, altogether at most what it was billed; the key may spend them again.
///
/// # Errors
/// Any [`StoreError`]; an amount that is not positive is a conflict on `ck_ledger_transfers_amount`.
pub async fn refund(
    tx: &mut Tx<'_>,
    booking: &Booking<'_>,
    request: RequestId,
) -> Result<Booked, StoreError> {
    struct KeyOf(Option<KeyId>);
    impl FromRow for KeyOf {
        fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
            Ok(Self(parsed_opt(row, 0)?))
        }
    }
    let organization = booking.organization_id;
    let own = available(organization);
    let before = booked_before(tx, booking, TransferKind::Refund, &own, Some(request)).await?;
    if let Some(before) = before {
        return Ok(before);
    }
    let noted: Option<KeyOf> = tx
        .read_opt(
            REFUND,
            params![
                organization.to_string(),
                request.to_string(),
                booking.amount.get()
            ],
        )
        .await?;
    let Some(KeyOf(key)) = noted else {
        let refundable = state(tx, organization, request)
            .await?
            .and_then(|state| state.posted.checked_sub(state.refunded))
            .unwrap_or_default();
        return Ok(Booked::NotRefundable { refundable });
    };
    let movement = Movement {
        id: booking.id,
        organization_id: organization,
        kind: TransferKind::Refund,
        debit: "refunds",
        credit: &own,
        amount: booking.amount.get(),
        request: Some(request),
        memo: booking.memo,
        actor: booking.actor,
        now: booking.now,
    };
    let Some(transfer) = transfer(tx, &movement).await? else {
        // Adding to a balance is refused by no balance.
        return Err(StoreError::Busy);
    };
    if let Some(key) = key {
        commit_key(tx, organization, key, -booking.amount.get()).await?;
    }
    Ok(Booked::Booked(transfer))
}

/// Up to `at_most` open holds of processes other than `node` that were not seen since `seen_before`.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn open_holds_any_org_in(
    tx: &mut Tx<'_>,
    node: &str,
    seen_before: Timestamp,
    at_most: u64,
) -> Result<Vec<Hold>, StoreError> {
    tx.read_all(
        OPEN_ANY_ORG,
        params![node, seen_before.as_micros(), count(at_most)],
    )
    .await
}

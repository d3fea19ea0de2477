//! Credits in double entry: immutable transfers, the balances that follow from them, and holds that are resolved exactly once.
//!
//! Owns the arithmetic: every function here moves an amount from one account to another and keeps the organisation's balance,
//! the hold and the key's budget in step, in the caller's transaction. What something costs and who may book is decided
//! elsewhere. Holds are in `holds`, the invariants that `voxgate doctor` verifies in `checks`.
//!
//! An organisation has two accounts, `available:<id>` and `held:<id>`; the others (`grants`, `purchases`, `adjustments`,
//! `revenue`, `refunds`) are the product's side, so that all accounts together are always zero.

mod checks;
mod holds;

use std::str::FromStr;

use voxgate_domain::{Micros, OrgId, Page, RequestId, Timestamp, TransferId};

use crate::decode::{count, micros, parsed, parsed_opt, time};
use crate::{Db, FromRow, Row, StoreError, Tx, params};

pub use checks::{CHECKS, check_any_org};
pub use holds::{
    Hold, HoldOutcome, NewHold, Resolution, STATEMENTS as HOLD_STATEMENTS, charge, hold,
    open_holds_any_org_in, post, refund, void,
};

macro_rules! columns {
    () => {
        "id, organization_id, number, kind, debit_account, credit_account, amount, available_after, held_after, hold_id, \
         memo, actor, created_at"
    };
}

/// Reads a balance.
pub const SELECT_BALANCE: &str =
    "SELECT available, held, transfers FROM credit_balances WHERE organization_id = $1";
/// Adds to what is available, in an organisation that may have had no credits yet.
pub const CREDIT: &str = "INSERT INTO credit_balances AS b (organization_id, available, held, transfers) VALUES ($1, $2, 0, 1) \
     ON CONFLICT (organization_id) DO UPDATE SET available = b.available + excluded.available, transfers = b.transfers + 1 \
     RETURNING available, held, transfers";
/// Adds to or takes from both balances, unless one would become negative.
pub const MOVE: &str = "UPDATE credit_balances SET available = available + CAST($2 AS BIGINT), held = held + CAST($3 AS BIGINT), \
     transfers = transfers + 1 WHERE organization_id = $1 AND available + CAST($2 AS BIGINT) >= 0 \
     AND held + CAST($3 AS BIGINT) >= 0 RETURNING available, held, transfers";
/// Adds a transfer.
pub const INSERT: &str = concat!(
    "INSERT INTO ledger_transfers (",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
);
/// Reads a transfer.
pub const SELECT_ANY_ORG: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM ledger_transfers WHERE id = $1"
);
/// Lists an organisation's transfers before a number, newest first.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM ledger_transfers WHERE organization_id = $1 AND number < $2 ORDER BY number DESC LIMIT $3"
);

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("ledger::SELECT_BALANCE", SELECT_BALANCE),
    ("ledger::CREDIT", CREDIT),
    ("ledger::MOVE", MOVE),
    ("ledger::INSERT", INSERT),
    ("ledger::SELECT_ANY_ORG", SELECT_ANY_ORG),
    ("ledger::LIST", LIST),
];

/// What a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// Credits given.
    Grant,
    /// Credits bought.
    Purchase,
    /// A correction, up or down.
    Adjustment,
    /// Credits set aside for a request.
    Hold,
    /// Credits of a request that were earned.
    Post,
    /// Credits of a request that went back.
    Void,
    /// Earned credits that were given back.
    Refund,
}

/// A text that names no [`TransferKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown kind of transfer")]
pub struct UnknownTransferKind;

impl TransferKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Grant,
        Self::Purchase,
        Self::Adjustment,
        Self::Hold,
        Self::Post,
        Self::Void,
        Self::Refund,
    ];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Purchase => "purchase",
            Self::Adjustment => "adjustment",
            Self::Hold => "hold",
            Self::Post => "post",
            Self::Void => "void",
            Self::Refund => "refund",
        }
    }
}

impl FromStr for TransferKind {
    type Err = UnknownTransferKind;

    fn from_str(text: &str) -> Result<Self, UnknownTransferKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownTransferKind)
    }
}

/// What an organisation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Balance {
    /// Free to be spent.
    pub available: Micros,
    /// Set aside for requests under way.
    pub held: Micros,
}

/// A balance and the number of the transfer that led to it.
struct After(Balance, u64);

impl FromRow for After {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let balance = Balance {
            available: micros(row, 0)?,
            held: micros(row, 1)?,
        };
        Ok(Self(balance, row.get(2)?))
    }
}

/// A booked transfer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its id; booking the same id again changes nothing.
    pub id: TransferId,
    /// Whose credits moved.
    pub organization_id: OrgId,
    /// 1, 2, 3 … within the organisation, without gaps.
    pub number: u64,
    /// What it is.
    pub kind: TransferKind,
    /// The account it was taken from.
    pub debit_account: String,
    /// The account it was added to.
    pub credit_account: String,
    /// How much; positive.
    pub amount: Micros,
    /// What the organisation had available once it was booked.
    pub available_after: Micros,
    /// What the organisation had held once it was booked.
    pub held_after: Micros,
    /// The request it belongs to.
    pub request_id: Option<RequestId>,
    /// A remark.
    pub memo: String,
    /// Who booked it, where a person or a key did.
    pub actor: Option<String>,
    /// When it was booked.
    pub created_at: Timestamp,
}

impl FromRow for Transfer {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            organization_id: parsed(row, 1)?,
            number: row.get(2)?,
            kind: parsed(row, 3)?,
            debit_account: row.get(4)?,
            credit_account: row.get(5)?,
            amount: micros(row, 6)?,
            available_after: micros(row, 7)?,
            held_after: micros(row, 8)?,
            request_id: parsed_opt(row, 9)?,
            memo: row.get(10)?,
            actor: row.get(11)?,
            created_at: time(row, 12)?,
        })
    }
}

/// What is to be booked by a person or a key.
#[derive(Debug, Clone, Copy)]
pub struct Booking<'a> {
    /// The transfer's id: sent again, it is booked once.
    pub id: TransferId,
    /// Whose credits move.
    pub organization_id: OrgId,
    /// How much, between 1 and [`Micros::MAX_TRANSFER`]; negative for an adjustment downwards.
    pub amount: Micros,
    /// A remark.
    pub memo: &'a str,
    /// Who books it.
    pub actor: Option<&'a str>,
    /// When.
    pub now: Timestamp,
}

/// What became of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booked {
    /// It is booked.
    Booked(Transfer),
    /// It was booked before, just so.
    Already(Transfer),
    /// The id was used before for something else; nothing was booked.
    Different(Transfer),
    /// The organisation does not have as much; nothing was booked.
    Insufficient {
        /// What it has.
        available: Micros,
    },
    /// The request was not billed as much, or not at all; nothing was booked.
    NotRefundable {
        /// What is left to be refunded.
        refundable: Micros,
    },
}

/// One movement between two accounts, and what it does to an organisation's balances.
pub(super) struct Movement<'a> {
    pub(super) id: TransferId,
    pub(super) organization_id: OrgId,
    pub(super) kind: TransferKind,
    pub(super) debit: &'a str,
    pub(super) credit: &'a str,
    pub(super) amount: i64,
    pub(super) request: Option<RequestId>,
    pub(super) memo: &'a str,
    pub(super) actor: Option<&'a str>,
    pub(super) now: Timestamp,
}

/// The account of what an organisation may spend.
pub(super) fn available(organization: OrgId) -> String {
    format!("available:{organization}")
}

/// The account of what is set aside.
pub(super) fn held(organization: OrgId) -> String {
    format!("held:{organization}")
}

/// Books a movement; `None` where a balance would become negative.
pub(super) async fn transfer(
    tx: &mut Tx<'_>,
    movement: &Movement<'_>,
) -> Result<Option<Transfer>, StoreError> {
    if !(1..=Micros::MAX_TRANSFER.get()).contains(&movement.amount) {
        // What the column's constraint would say, before a balance has moved.
        return Err(StoreError::conflict("ck_ledger_transfers_amount"));
    }
    let organization = movement.organization_id;
    let effect = |account: String| {
        i64::from(movement.credit == account) * movement.amount
            - i64::from(movement.debit == account) * movement.amount
    };
    let (to_available, to_held) = (effect(available(organization)), effect(held(organization)));
    let after: Option<After> = if to_available >= 0 && to_held == 0 {
        tx.read_opt(CREDIT, params![organization.to_string(), to_available])
            .await?
    } else {
        tx.read_opt(
            MOVE,
            params![organization.to_string(), to_available, to_held],
        )
        .await?
    };
    let Some(After(balance, number)) = after else {
        return Ok(None);
    };
    tx.exec(
        INSERT,
        params![
            movement.id.to_string(),
            organization.to_string(),
            count(number),
            movement.kind.as_str(),
            movement.debit,
            movement.credit,
            movement.amount,
            balance.available.get(),
            balance.held.get(),
            movement.request.map(|id| id.to_string()),
            movement.memo,
            movement.actor,
            movement.now.as_micros(),
        ],
    )
    .await?;
    Ok(Some(Transfer {
        id: movement.id,
        organization_id: organization,
        number,
        kind: movement.kind,
        debit_account: movement.debit.to_owned(),
        credit_account: movement.credit.to_owned(),
        amount: Micros::new(movement.amount),
        available_after: balance.available,
        held_after: balance.held,
        request_id: movement.request,
        memo: movement.memo.to_owned(),
        actor: movement.actor.map(ToOwned::to_owned),
        created_at: movement.now,
    }))
}

/// What was booked under this id before: the same thing, or something else.
pub(super) async fn booked_before(
    tx: &mut Tx<'_>,
    booking: &Booking<'_>,
    kind: TransferKind,
    credit: &str,
    request: Option<RequestId>,
) -> Result<Option<Booked>, StoreError> {
    let before: Option<Transfer> = tx
        .read_opt(SELECT_ANY_ORG, params![booking.id.to_string()])
        .await?;
    Ok(before.map(|before| {
        let same = before.organization_id == booking.organization_id
            && before.kind == kind
            && before.amount.get() == booking.amount.get().saturating_abs()
            && before.credit_account == credit
            && before.request_id == request;
        if same {
            Booked::Already(before)
        } else {
            Booked::Different(before)
        }
    }))
}

async fn book(
    tx: &mut Tx<'_>,
    booking: &Booking<'_>,
    kind: TransferKind,
    counterpart: &str,
) -> Result<Booked, StoreError> {
    let own = available(booking.organization_id);
    let down = booking.amount < Micros::ZERO && kind == TransferKind::Adjustment;
    let (debit, credit) = if down {
        (own.as_str(), counterpart)
    } else {
        (counterpart, own.as_str())
    };
    if let Some(before) = booked_before(tx, booking, kind, credit, None).await? {
        return Ok(before);
    }
    let amount = if down {
        booking.amount.get().saturating_neg()
    } else {
        booking.amount.get()
    };
    let movement = Movement {
        id: booking.id,
        organization_id: booking.organization_id,
        kind,
        debit,
        credit,
        amount,
        request: None,
        memo: booking.memo,
        actor: booking.actor,
        now: booking.now,
    };
    Ok(match transfer(tx, &movement).await? {
        Some(transfer) => Booked::Booked(transfer),
        None => Booked::Insufficient {
            available: balance_in(tx, booking.organization_id).await?.available,
        },
    })
}

/// Gives credits to an organisation.
///
/// # Errors
/// Any [`StoreError`]; an amount that is not positive or too large is a conflict on `ck_ledger_transfers_amount`.
pub async fn grant(tx: &mut Tx<'_>, booking: &Booking<'_>) -> Result<Booked, StoreError> {
    book(tx, booking, TransferKind::Grant, "grants").await
}

/// Books credits that an organisation has bought.
///
/// # Errors
/// As [`grant`].
pub async fn purchase(tx: &mut Tx<'_>, booking: &Booking<'_>) -> Result<Booked, StoreError> {
    book(tx, booking, TransferKind::Purchase, "purchases").await
}

/// Corrects what an organisation has, up or down, but never below zero.
///
/// # Errors
/// Any [`StoreError`]; an amount that is zero or too large is a conflict on `ck_ledger_transfers_amount`.
pub async fn adjust(tx: &mut Tx<'_>, booking: &Booking<'_>) -> Result<Booked, StoreError> {
    book(tx, booking, TransferKind::Adjustment, "adjustments").await
}

/// What an organisation has.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn balance(db: &Db, organization: OrgId) -> Result<Balance, StoreError> {
    let row: Option<After> = db
        .read_opt(SELECT_BALANCE, params![organization.to_string()])
        .await?;
    Ok(row.map_or_else(Balance::default, |row| row.0))
}

/// What an organisation has, as the transaction sees it.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn balance_in(tx: &mut Tx<'_>, organization: OrgId) -> Result<Balance, StoreError> {
    let row: Option<After> = tx
        .read_opt(SELECT_BALANCE, params![organization.to_string()])
        .await?;
    Ok(row.map_or_else(Balance::default, |row| row.0))
}

/// Up to `limit` transfers of an organisation with a number below `before`, newest first; each with the balance it led to.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn statement(
    db: &Db,
    organization: OrgId,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<Transfer>, StoreError> {
    db.read_all(
        LIST,
        params![
            organization.to_string(),
            before.map_or(i64::MAX, count),
            limit
        ],
    )
    .await
}

/// A page of an organisation's transfers, newest first, and how many there are.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn statement_page(
    db: &Db,
    organization: OrgId,
    page: Page,
) -> Result<(Vec<Transfer>, u64), StoreError> {
    let row: Option<After> = db
        .read_opt(SELECT_BALANCE, params![organization.to_string()])
        .await?;
    let total = row.map_or(0, |After(_, transfers)| transfers);
    // Numbers have no gaps, so that skipping is arithmetic.
    let before = total.saturating_sub(page.offset) + 1;
    let items = statement(db, organization, Some(before), page.limit).await?;
    Ok((items, total))
}

//! What was counted against the limits of organisations and keys that last a day or a month, one row per limit and window.
//!
//! Adding is one statement that decides and counts: of any number of transactions at once, on one process or many, none
//! gets past the limit.

use voxgate_domain::{Horizon, KeyId, LimitKind, LimitScope, OrgId, Timestamp};

use crate::decode::{count, parsed, time};
use crate::{Db, FromRow, Row, StoreError, Tx, Value, params};

/// Rows read at a time when all are loaded.
const LOAD_BATCH: u32 = 10_000;

/// Counts an amount in a window if it fits; answers nothing where it does not. The first amount of a window is checked by
/// the `SELECT`, later ones by the `DO UPDATE`.
pub const ADD_IF_FITS: &str = "INSERT INTO quota_counters AS c (scope, owner_id, kind, window_start, amount) \
     SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS BIGINT) \
     WHERE CAST($5 AS BIGINT) <= CAST($6 AS BIGINT) \
     ON CONFLICT (scope, owner_id, kind, window_start) DO UPDATE SET amount = c.amount + excluded.amount \
     WHERE c.amount + excluded.amount <= CAST($6 AS BIGINT) RETURNING amount";
/// Counts an amount, or gives one back, whatever the limit; never below zero.
pub const ADD_ALWAYS: &str = "INSERT INTO quota_counters AS c (scope, owner_id, kind, window_start, amount) \
     VALUES ($1, $2, $3, $4, CASE WHEN CAST($5 AS BIGINT) > 0 THEN CAST($5 AS BIGINT) ELSE 0 END) \
     ON CONFLICT (scope, owner_id, kind, window_start) DO UPDATE \
     SET amount = CASE WHEN c.amount + CAST($5 AS BIGINT) > 0 THEN c.amount + CAST($5 AS BIGINT) ELSE 0 END RETURNING amount";
/// Reads a window.
pub const SELECT: &str = "SELECT amount FROM quota_counters WHERE scope = $1 AND owner_id = $2 AND kind = $3 AND window_start = $4";
/// Reads the windows of a day and of a month, in the order of their keys, behind a given one.
pub const LOAD_ANY_ORG: &str = "SELECT scope, owner_id, kind, window_start, amount FROM quota_counters \
     WHERE (scope, owner_id, kind, window_start) > ($1, $2, $3, $4) AND window_start IN ($5, $6) \
     ORDER BY scope, owner_id, kind, window_start LIMIT $7";
/// Forgets windows of the past.
pub const PURGE_ANY_ORG: &str = "DELETE FROM quota_counters WHERE window_start < $1";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("counters::ADD_IF_FITS", ADD_IF_FITS),
    ("counters::ADD_ALWAYS", ADD_ALWAYS),
    ("counters::SELECT", SELECT),
    ("counters::LOAD_ANY_ORG", LOAD_ANY_ORG),
    ("counters::PURGE_ANY_ORG", PURGE_ANY_ORG),
];

/// Whose counter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// An organisation's, shared by its keys and people.
    Organization(OrgId),
    /// A key's own.
    Key(KeyId),
}

impl Owner {
    /// Whose limit the counter serves.
    #[must_use]
    pub const fn scope(self) -> LimitScope {
        match self {
            Self::Organization(_) => LimitScope::Organization,
            Self::Key(_) => LimitScope::Key,
        }
    }

    fn id(self) -> String {
        match self {
            Self::Organization(id) => id.to_string(),
            Self::Key(id) => id.to_string(),
        }
    }
}

/// One counter: a limit of an owner in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// Whose.
    pub owner: Owner,
    /// Against which limit.
    pub kind: LimitKind,
    /// The beginning of the UTC day or month.
    pub window_start: Timestamp,
}

impl Cell {
    /// The counter of the window that holds `now`; `None` for a limit that is not counted here.
    #[must_use]
    pub fn new(owner: Owner, kind: LimitKind, now: Timestamp) -> Option<Self> {
        let window_start = match kind.horizon()? {
            Horizon::Day => now.day_start(),
            Horizon::Month => now.month_start(),
            Horizon::Window(_) | Horizon::Concurrent => return None,
        };
        Some(Self {
            owner,
            kind,
            window_start,
        })
    }

    fn params(&self) -> Vec<Value> {
        params![
            self.owner.scope().as_str(),
            self.owner.id(),
            self.kind.as_str(),
            self.window_start.as_micros()
        ]
    }
}

/// A counter and what was counted, with its key as text.
struct Loaded(Cell, u64);

impl FromRow for Loaded {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let owner = if row.get::<String>(0)? == LimitScope::Key.as_str() {
            Owner::Key(parsed(row, 1)?)
        } else {
            Owner::Organization(parsed(row, 1)?)
        };
        let cell = Cell {
            owner,
            kind: parsed(row, 2)?,
            window_start: time(row, 3)?,
        };
        Ok(Self(cell, row.get(4)?))
    }
}

/// Counts `amount` if the sum stays within `limit`: answers the new sum, or `None` where it would not. Both are in the unit
/// that the limit is counted in (milliseconds for audio).
///
/// # Errors
/// Any [`StoreError`].
pub async fn add_if_fits(
    tx: &mut Tx<'_>,
    cell: &Cell,
    amount: u64,
    limit: u64,
) -> Result<Option<u64>, StoreError> {
    let mut bound = cell.params();
    bound.extend(params![count(amount), count(limit)]);
    let row = tx.read_opt::<(u64,)>(ADD_IF_FITS, bound).await?;
    Ok(row.map(|row| row.0))
}

/// Counts `delta`, which may be negative, whatever the limit; the sum never goes below zero. Answers the new sum.
///
/// # Errors
/// Any [`StoreError`].
pub async fn add_always(tx: &mut Tx<'_>, cell: &Cell, delta: i64) -> Result<u64, StoreError> {
    let mut bound = cell.params();
    bound.extend(params![delta]);
    let row = tx.read_opt::<(u64,)>(ADD_ALWAYS, bound).await?;
    Ok(row.map_or(0, |row| row.0))
}

/// What was counted in a window.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get(db: &Db, cell: &Cell) -> Result<u64, StoreError> {
    let row = db.read_opt::<(u64,)>(SELECT, cell.params()).await?;
    Ok(row.map_or(0, |row| row.0))
}

/// What was counted in a window, as the transaction sees it.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_in(tx: &mut Tx<'_>, cell: &Cell) -> Result<u64, StoreError> {
    let row = tx.read_opt::<(u64,)>(SELECT, cell.params()).await?;
    Ok(row.map_or(0, |row| row.0))
}

/// Every counter of the UTC day and the UTC month that `now` is in; for a process that is the only one and counts in memory.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn load_since_any_org(db: &Db, now: Timestamp) -> Result<Vec<(Cell, u64)>, StoreError> {
    let mut all: Vec<(Cell, u64)> = Vec::new();
    let mut behind = params!["", "", "", 0];
    loop {
        behind.extend(params![
            now.day_start().as_micros(),
            now.month_start().as_micros(),
            LOAD_BATCH
        ]);
        let rows: Vec<Loaded> = db.read_all(LOAD_ANY_ORG, behind).await?;
        let full = rows.len() == usize::try_from(LOAD_BATCH).unwrap_or(usize::MAX);
        let last = rows.last().map(|Loaded(cell, _)| cell.params());
        // What was counted on the first day of the month began when the month did.
        all.extend(
            rows.into_iter()
                .filter(|Loaded(cell, _)| Cell::new(cell.owner, cell.kind, now) == Some(*cell))
                .map(|Loaded(cell, amount)| (cell, amount)),
        );
        match last {
            Some(last) if full => behind = last,
            _ => return Ok(all),
        }
    }
}

/// Forgets all windows that began before the given moment; answers how many.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge_any_org(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(PURGE_ANY_ORG, params![before.as_micros()]).await
}

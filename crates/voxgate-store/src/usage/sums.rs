//! Sums over metered requests: of a range, and of each day, hour, account, key, voice and so on in it.
//!
//! Words and characters of pending requests count as reserved; everything else counts once it was delivered.

use voxgate_domain::{DateRange, Micros, OrgId, Quantities, Timestamp, UsageTotals, UserId};

use super::{UsageFilter, filter};
use crate::decode::{micros, parse, parsed};
use crate::{Db, FromRow, Row, StoreError, Value, params};

// SUM of BIGINT is NUMERIC in Postgres, hence the casts.
macro_rules! sum {
    ($what:literal) => {
        concat!("CAST(COALESCE(SUM(", $what, "), 0) AS BIGINT), ")
    };
}
macro_rules! delivered {
    ($column:literal) => {
        concat!(
            "CAST(COALESCE(SUM(CASE WHEN status = 'pending' THEN 0 ELSE ",
            $column,
            " END), 0) AS BIGINT), "
        )
    };
}
macro_rules! sums {
    () => {
        concat!(
            "COUNT(*), ",
            sum!("CASE WHEN status = 'success' THEN 1 ELSE 0 END"),
            sum!("CASE WHEN status = 'failed' THEN 1 ELSE 0 END"),
            sum!("CASE WHEN status = 'pending' THEN 1 ELSE 0 END"),
            sum!("disconnected"),
            sum!("charged_characters"),
            sum!("charged_words"),
            delivered!("tokens_in"),
            delivered!("tokens_out"),
            delivered!("audio_ms_in"),
            delivered!("audio_ms"),
            delivered!("bytes_in"),
            delivered!("bytes_out"),
            sum!("engine_ms"),
            sum!("queue_ms"),
            "CAST(COALESCE(SUM(billed_micros), 0) AS BIGINT)"
        )
    };
}
macro_rules! range {
    () => {
        concat!(filter!(), " AND created_at >= $4 AND created_at < $5")
    };
}
/// Sums each span of so many microseconds, oldest first.
macro_rules! by_span {
    ($micros:literal) => {
        concat!(
            "SELECT CAST(created_at / ",
            $micros,
            " * ",
            $micros,
            " AS TEXT), CAST(NULL AS TEXT), ",
            sums!(),
            range!(),
            " GROUP BY created_at / ",
            $micros,
            " ORDER BY created_at / ",
            $micros,
            " LIMIT 10000"
        )
    };
}
/// Sums each value of a column, with a label for it; the busiest first, by the column of that number.
macro_rules! by_column {
    ($column:literal, $label:literal, $order:literal) => {
        concat!(
            "SELECT COALESCE(",
            $column,
            ", ''), ",
            $label,
            ", ",
            sums!(),
            range!(),
            " GROUP BY ",
            $column,
            " ORDER BY ",
            $order,
            " DESC, 1 LIMIT 1000"
        )
    };
}

/// Sums a range.
const TOTALS: &str = concat!("SELECT ", sums!(), range!());
/// Sums each UTC day of a range.
const BY_DAY: &str = by_span!("86400000000");
/// Sums each hour of a range.
const BY_HOUR: &str = by_span!("3600000000");
/// Sums each account of a range, most words first.
const BY_USER: &str = by_column!(
    "user_id",
    "(SELECT email FROM users WHERE users.id = usage_requests.user_id)",
    "9"
);
/// Sums each key of a range, most requests first; those without a key together.
const BY_KEY: &str = by_column!(
    "key_id",
    "(SELECT name FROM api_keys WHERE api_keys.id = usage_requests.key_id)",
    "3"
);
/// Sums each voice of a range, most requests first.
const BY_VOICE: &str = by_column!("voice", "CAST(NULL AS TEXT)", "3");
/// Sums each model of a range, most requests first.
const BY_MODEL: &str = by_column!("model", "CAST(NULL AS TEXT)", "3");
/// Sums each service of a range, most requests first.
const BY_SERVICE: &str = by_column!("service", "CAST(NULL AS TEXT)", "3");
/// Sums each dialect of a range, most requests first.
const BY_DIALECT: &str = by_column!("dialect", "CAST(NULL AS TEXT)", "3");
/// Sums each organisation over a range, most words first.
const BY_ORG_ANY_ORG: &str = concat!(
    "SELECT organization_id, (SELECT name FROM organizations WHERE organizations.id = usage_requests.organization_id), ",
    sums!(),
    " FROM usage_requests WHERE created_at >= $1 AND created_at < $2 GROUP BY organization_id ORDER BY 9 DESC, 1 LIMIT 1000"
);

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("usage::sums::TOTALS", TOTALS),
    ("usage::sums::BY_DAY", BY_DAY),
    ("usage::sums::BY_HOUR", BY_HOUR),
    ("usage::sums::BY_USER", BY_USER),
    ("usage::sums::BY_KEY", BY_KEY),
    ("usage::sums::BY_VOICE", BY_VOICE),
    ("usage::sums::BY_MODEL", BY_MODEL),
    ("usage::sums::BY_SERVICE", BY_SERVICE),
    ("usage::sums::BY_DIALECT", BY_DIALECT),
    ("usage::sums::BY_ORG_ANY_ORG", BY_ORG_ANY_ORG),
];

/// What sums are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageGroup {
    /// Each UTC day.
    Day,
    /// Each hour.
    Hour,
    /// Each key.
    Key,
    /// Each account.
    User,
    /// Each voice, by the name that was asked for.
    Voice,
    /// Each model.
    Model,
    /// Each service.
    Service,
    /// Each dialect.
    Dialect,
}

impl UsageGroup {
    const fn statement(self) -> &'static str {
        match self {
            Self::Day => BY_DAY,
            Self::Hour => BY_HOUR,
            Self::Key => BY_KEY,
            Self::User => BY_USER,
            Self::Voice => BY_VOICE,
            Self::Model => BY_MODEL,
            Self::Service => BY_SERVICE,
            Self::Dialect => BY_DIALECT,
        }
    }
}

/// Sums over requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageSums {
    /// Requests of any status.
    pub requests: u64,
    /// Of those, delivered whole.
    pub success: u64,
    /// Of those, ended early.
    pub failed: u64,
    /// Of those, still running.
    pub pending: u64,
    /// Of those, left by the client.
    pub disconnected: u64,
    /// What counts: delivered, and of pending requests the words and characters reserved.
    pub quantities: Quantities,
    /// Milliseconds the engines and encoders worked.
    pub engine_ms: u64,
    /// Milliseconds requests waited for an engine.
    pub queue_ms: u64,
    /// What it cost.
    pub billed: Micros,
}

impl UsageSums {
    fn from_columns(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            requests: row.get(first)?,
            success: row.get(first + 1)?,
            failed: row.get(first + 2)?,
            pending: row.get(first + 3)?,
            disconnected: row.get(first + 4)?,
            quantities: Quantities {
                characters: row.get(first + 5)?,
                words: row.get(first + 6)?,
                tokens_in: row.get(first + 7)?,
                tokens_out: row.get(first + 8)?,
                audio_ms_in: row.get(first + 9)?,
                audio_ms_out: row.get(first + 10)?,
                bytes_in: row.get(first + 11)?,
                bytes_out: row.get(first + 12)?,
            },
            engine_ms: row.get(first + 13)?,
            queue_ms: row.get(first + 14)?,
            billed: micros(row, first + 15)?,
        })
    }
}

impl From<UsageSums> for UsageTotals {
    fn from(sums: UsageSums) -> Self {
        Self {
            requests: sums.requests,
            success: sums.success,
            failed: sums.failed,
            pending: sums.pending,
            characters: sums.quantities.characters,
            words: sums.quantities.words,
            audio_ms: sums.quantities.audio_ms_out,
        }
    }
}

impl FromRow for UsageSums {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Self::from_columns(row, 0)
    }
}

/// The sums of one day, key, voice and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// The id or the name; empty where a request has none. Of a day or an hour its beginning in microseconds.
    pub name: String,
    /// The beginning of a day or an hour.
    pub start: Option<Timestamp>,
    /// The key's name or the account's address, where they still exist.
    pub label: Option<String>,
    /// The sums.
    pub sums: UsageSums,
}

impl FromRow for GroupRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.get(0)?,
            start: None,
            label: row.get(1)?,
            sums: UsageSums::from_columns(row, 2)?,
        })
    }
}

struct OrgSums(OrgId, Option<String>, UsageSums);

impl FromRow for OrgSums {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(
            parsed(row, 0)?,
            row.get(1)?,
            UsageSums::from_columns(row, 2)?,
        ))
    }
}

fn range_params(
    organization: OrgId,
    filter: &UsageFilter,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Value> {
    let mut bound = filter.params(organization);
    bound.extend(params![from.as_micros(), until.as_micros()]);
    bound
}

/// Sums over an organisation's requests admitted from `from` on and before `until`.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn sums(
    db: &Db,
    organization: OrgId,
    filter: &UsageFilter,
    from: Timestamp,
    until: Timestamp,
) -> Result<UsageSums, StoreError> {
    let rows: Vec<UsageSums> = db
        .read_all(TOTALS, range_params(organization, filter, from, until))
        .await?;
    Ok(rows.first().copied().unwrap_or_default())
}

/// Sums of each day, hour, key and so on that had any requests: days and hours oldest first and at most 10,000, accounts with
/// most words first, everything else with most requests first, and at most 1,000.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn grouped(
    db: &Db,
    organization: OrgId,
    filter: &UsageFilter,
    from: Timestamp,
    until: Timestamp,
    group: UsageGroup,
) -> Result<Vec<GroupRow>, StoreError> {
    let mut rows: Vec<GroupRow> = db
        .read_all(
            group.statement(),
            range_params(organization, filter, from, until),
        )
        .await?;
    if matches!(group, UsageGroup::Day | UsageGroup::Hour) {
        for row in &mut rows {
            row.start = Some(Timestamp::from_micros(parse(&row.name, 0)?));
        }
    }
    Ok(rows)
}

/// Sums of an organisation, or of one of its accounts, over a range of days.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn totals(
    db: &Db,
    organization: OrgId,
    user: Option<UserId>,
    range: &DateRange,
) -> Result<UsageTotals, StoreError> {
    let filter = UsageFilter { user, key: None };
    sums(db, organization, &filter, range.start(), range.end())
        .await
        .map(Into::into)
}

/// Sums of each day that had any requests, oldest first; the moment is the day's beginning.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn by_day(
    db: &Db,
    organization: OrgId,
    user: Option<UserId>,
    range: &DateRange,
) -> Result<Vec<(Timestamp, UsageTotals)>, StoreError> {
    let filter = UsageFilter { user, key: None };
    let (from, until) = (range.start(), range.end());
    let rows = grouped(db, organization, &filter, from, until, UsageGroup::Day).await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.start.unwrap_or(from), row.sums.into()))
        .collect())
}

/// Sums of each account that made any requests, most words first; at most 1,000. The address is missing where the account
/// was removed.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn by_user(
    db: &Db,
    organization: OrgId,
    range: &DateRange,
) -> Result<Vec<(UserId, Option<String>, UsageTotals)>, StoreError> {
    let (from, until) = (range.start(), range.end());
    let filter = UsageFilter::default();
    let rows = grouped(db, organization, &filter, from, until, UsageGroup::User).await?;
    rows.into_iter()
        .map(|row| Ok((parse(&row.name, 0)?, row.label, row.sums.into())))
        .collect()
}

/// Sums of each organisation that made any requests, most words first; at most 1,000.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn by_org_any_org(
    db: &Db,
    range: &DateRange,
) -> Result<Vec<(OrgId, String, UsageTotals)>, StoreError> {
    let rows: Vec<OrgSums> = db
        .read_all(
            BY_ORG_ANY_ORG,
            params![range.start().as_micros(), range.end().as_micros()],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.0, row.1.unwrap_or_default(), row.2.into()))
        .collect())
}

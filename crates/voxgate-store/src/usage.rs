//! Metered requests: one row each, written when admitted and settled once.

use voxgate_domain::{
    DateRange, KeyId, OrgId, Page, RequestId, RequestStatus, Timestamp, UsageTotals, UserId,
};

use crate::decode::{count, parsed, parsed_opt, time, time_opt};
use crate::{Db, FromRow, Row, StoreError, Tx, params};

macro_rules! columns {
    () => {
        "id, organization_id, user_id, key_id, endpoint, voice, format, sample_rate_hz, characters, charged_words, \
         status, error, audio_ms, duration_ms, engine_ms, queue_ms, bytes_out, created_at, finished_at"
    };
}
// SUM of BIGINT is NUMERIC in Postgres, hence the casts.
macro_rules! sums {
    () => {
        "COUNT(*), CAST(COALESCE(SUM(CASE WHEN status = 'success' THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN status = 'pending' THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(charged_characters), 0) AS BIGINT), CAST(COALESCE(SUM(charged_words), 0) AS BIGINT), \
         CAST(COALESCE(SUM(audio_ms), 0) AS BIGINT)"
    };
}
// $1 organisation, $2 account or null, $3 from, $4 until.
macro_rules! range {
    () => {
        " FROM usage_requests WHERE organization_id = $1 AND (CAST($2 AS TEXT) IS NULL OR user_id = $2) \
         AND created_at >= $3 AND created_at < $4"
    };
}
macro_rules! day {
    () => {
        "(created_at / 86400000000)"
    };
}

/// Admits a request.
pub const INSERT: &str = "INSERT INTO usage_requests (id, organization_id, user_id, key_id, node_id, endpoint, voice, \
     format, sample_rate_hz, characters, words, charged_characters, charged_words, status, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $11, 'pending', $12)";
/// Settles a request, once.
pub const SETTLE: &str = "UPDATE usage_requests SET status = $3, error = $4, \
     charged_words = CASE WHEN CAST($5 AS BIGINT) < words THEN CAST($5 AS BIGINT) ELSE words END, \
     charged_characters = CASE WHEN CAST($6 AS BIGINT) < characters THEN CAST($6 AS BIGINT) ELSE characters END, \
     audio_ms = $7, duration_ms = $8, engine_ms = $9, queue_ms = $10, bytes_out = $11, finished_at = $12 \
     WHERE organization_id = $1 AND id = $2 AND status = 'pending' RETURNING words - charged_words, created_at";
/// What dead processes have left pending, besides this one's own.
pub const ABANDONED_ANY_ORG: &str = "SELECT organization_id, id FROM usage_requests WHERE status = 'pending' AND node_id <> $1 \
     AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = usage_requests.node_id AND nodes.seen_at >= $2) LIMIT $3";
/// Lists requests, newest first.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM usage_requests WHERE organization_id = $1 AND (CAST($2 AS TEXT) IS NULL OR user_id = $2) \
     AND (CAST($3 AS TEXT) IS NULL OR status = $3) ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5"
);
/// Counts requests.
pub const COUNT: &str = "SELECT COUNT(*) FROM usage_requests WHERE organization_id = $1 \
     AND (CAST($2 AS TEXT) IS NULL OR user_id = $2) AND (CAST($3 AS TEXT) IS NULL OR status = $3)";
/// Sums a range.
pub const TOTALS: &str = concat!("SELECT ", sums!(), range!());
/// Sums each day of a range.
pub const BY_DAY: &str = concat!(
    "SELECT ",
    day!(),
    ", ",
    sums!(),
    range!(),
    " GROUP BY ",
    day!(),
    " ORDER BY 1"
);
/// Sums each account of a range, most words first.
pub const BY_USER: &str = concat!(
    "SELECT user_id, (SELECT email FROM users WHERE users.id = usage_requests.user_id), ",
    sums!(),
    range!(),
    " GROUP BY user_id ORDER BY 8 DESC, 1 LIMIT 1000"
);
/// Sums each organisation over a range, most words first.
pub const BY_ORG_ANY_ORG: &str = concat!(
    "SELECT organization_id, (SELECT name FROM organizations WHERE organizations.id = usage_requests.organization_id), ",
    sums!(),
    " FROM usage_requests WHERE created_at >= $1 AND created_at < $2 GROUP BY organization_id ORDER BY 8 DESC, 1 LIMIT 1000"
);

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("usage::INSERT", INSERT),
    ("usage::SETTLE", SETTLE),
    ("usage::ABANDONED_ANY_ORG", ABANDONED_ANY_ORG),
    ("usage::LIST", LIST),
    ("usage::COUNT", COUNT),
    ("usage::TOTALS", TOTALS),
    ("usage::BY_DAY", BY_DAY),
    ("usage::BY_USER", BY_USER),
    ("usage::BY_ORG_ANY_ORG", BY_ORG_ANY_ORG),
];

/// A request to be admitted.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Its id.
    pub id: RequestId,
    /// For which organisation.
    pub organization_id: OrgId,
    /// By whom.
    pub user_id: UserId,
    /// With which key.
    pub key_id: Option<KeyId>,
    /// The process that will settle it.
    pub node_id: String,
    /// The route.
    pub endpoint: &'static str,
    /// The voice as asked for.
    pub voice: String,
    /// The audio format's name.
    pub format: &'static str,
    /// The sample rate.
    pub sample_rate_hz: u32,
    /// Characters of the text.
    pub characters: u64,
    /// Words of the text.
    pub words: u64,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settlement {
    /// A machine code of why it failed; `None` means success.
    pub error: Option<&'static str>,
    /// Words to charge; held at the words of the text.
    pub charged_words: u64,
    /// Characters to charge; held at the characters of the text.
    pub charged_characters: u64,
    /// Milliseconds of audio delivered.
    pub audio_ms: Option<u64>,
    /// Milliseconds from admission to now.
    pub duration_ms: Option<u64>,
    /// Milliseconds the engine and the encoder worked.
    pub engine_ms: Option<u64>,
    /// Milliseconds it waited for an engine.
    pub queue_ms: Option<u64>,
    /// Encoded bytes delivered.
    pub bytes_out: Option<u64>,
}

/// What a settlement has freed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// Words that were reserved and not charged.
    pub words_back: u64,
    /// When the request was admitted: which windows the words came from.
    pub created_at: Timestamp,
}

impl FromRow for Settled {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            words_back: row.get(0)?,
            created_at: time(row, 1)?,
        })
    }
}

/// One row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// The request's id.
    pub id: RequestId,
    /// For which organisation.
    pub organization_id: OrgId,
    /// By whom.
    pub user_id: UserId,
    /// With which key.
    pub key_id: Option<KeyId>,
    /// The route.
    pub endpoint: String,
    /// The voice as asked for.
    pub voice: String,
    /// The audio format's name.
    pub format: String,
    /// The sample rate.
    pub sample_rate_hz: u32,
    /// Characters of the text.
    pub characters: u64,
    /// Words charged.
    pub words: u64,
    /// How far it has come.
    pub status: RequestStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// Milliseconds of audio delivered.
    pub audio_ms: Option<u64>,
    /// Milliseconds from admission to the end.
    pub duration_ms: Option<u64>,
    /// Milliseconds the engine and the encoder worked.
    pub engine_ms: Option<u64>,
    /// Milliseconds it waited for an engine.
    pub queue_ms: Option<u64>,
    /// Encoded bytes delivered.
    pub bytes_out: Option<u64>,
    /// When it was admitted.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl FromRow for RequestRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            organization_id: parsed(row, 1)?,
            user_id: parsed(row, 2)?,
            key_id: parsed_opt(row, 3)?,
            endpoint: row.get(4)?,
            voice: row.get(5)?,
            format: row.get(6)?,
            sample_rate_hz: row.get(7)?,
            characters: row.get(8)?,
            words: row.get(9)?,
            status: parsed(row, 10)?,
            error: row.get(11)?,
            audio_ms: row.get(12)?,
            duration_ms: row.get(13)?,
            engine_ms: row.get(14)?,
            queue_ms: row.get(15)?,
            bytes_out: row.get(16)?,
            created_at: time(row, 17)?,
            finished_at: time_opt(row, 18)?,
        })
    }
}

fn totals_at(row: &Row<'_>, first: usize) -> Result<UsageTotals, StoreError> {
    Ok(UsageTotals {
        requests: row.get(first)?,
        success: row.get(first + 1)?,
        failed: row.get(first + 2)?,
        pending: row.get(first + 3)?,
        characters: row.get(first + 4)?,
        words: row.get(first + 5)?,
        audio_ms: row.get(first + 6)?,
    })
}

struct TotalsRow(UsageTotals);

impl FromRow for TotalsRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        totals_at(row, 0).map(Self)
    }
}

struct DayRow(Timestamp, UsageTotals);

impl FromRow for DayRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let day: i64 = row.get(0)?;
        Ok(Self(Timestamp::from_secs(day * 86_400), totals_at(row, 1)?))
    }
}

struct UserRow(UserId, Option<String>, UsageTotals);

impl FromRow for UserRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(parsed(row, 0)?, row.get(1)?, totals_at(row, 2)?))
    }
}

struct OrgSums(OrgId, Option<String>, UsageTotals);

impl FromRow for OrgSums {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(parsed(row, 0)?, row.get(1)?, totals_at(row, 2)?))
    }
}

/// Writes an admitted request.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert(
    tx: &mut Tx<'_>,
    request: &NewRequest,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        params![
            request.id.to_string(),
            request.organization_id.to_string(),
            request.user_id.to_string(),
            request.key_id.map(|id| id.to_string()),
            &request.node_id,
            request.endpoint,
            &request.voice,
            request.format,
            request.sample_rate_hz,
            count(request.characters),
            count(request.words),
            now.as_micros(),
        ],
    )
    .await
    .map(|_| ())
}

/// Settles a request: answers what was freed to exactly one caller, `None` to all others.
///
/// # Errors
/// Any [`StoreError`].
pub async fn settle(
    tx: &mut Tx<'_>,
    organization: OrgId,
    id: RequestId,
    end: &Settlement,
    now: Timestamp,
) -> Result<Option<Settled>, StoreError> {
    let status = if end.error.is_none() {
        RequestStatus::Success
    } else {
        RequestStatus::Failed
    };
    tx.read_opt(
        SETTLE,
        params![
            organization.to_string(),
            id.to_string(),
            status.as_str(),
            end.error,
            count(end.charged_words),
            count(end.charged_characters),
            end.audio_ms.map(count),
            end.duration_ms.map(count),
            end.engine_ms.map(count),
            end.queue_ms.map(count),
            end.bytes_out.map(count),
            now.as_micros(),
        ],
    )
    .await
}

/// Up to `at_most` requests left pending by processes other than `node` that were not seen since `seen_before`.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn abandoned_any_org_in(
    tx: &mut Tx<'_>,
    node: &str,
    seen_before: Timestamp,
    at_most: u64,
) -> Result<Vec<(OrgId, RequestId)>, StoreError> {
    struct Left(OrgId, RequestId);
    impl FromRow for Left {
        fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
            Ok(Self(parsed(row, 0)?, parsed(row, 1)?))
        }
    }
    let rows: Vec<Left> = tx
        .read_all(
            ABANDONED_ANY_ORG,
            params![node, seen_before.as_micros(), count(at_most)],
        )
        .await?;
    Ok(rows.into_iter().map(|row| (row.0, row.1)).collect())
}

/// Lists an organisation's requests, newest first, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list(
    db: &Db,
    organization: OrgId,
    user: Option<UserId>,
    status: Option<RequestStatus>,
    page: Page,
) -> Result<(Vec<RequestRow>, u64), StoreError> {
    let bound = params![
        organization.to_string(),
        user.map(|id| id.to_string()),
        status.map(RequestStatus::as_str)
    ];
    let mut paged = bound.clone();
    paged.extend(params![page.limit, count(page.offset)]);
    let items = db.read_all(LIST, paged).await?;
    let total = db.read_all::<(u64,)>(COUNT, bound).await?;
    Ok((items, total.first().map_or(0, |row| row.0)))
}

fn range_params(organization: OrgId, user: Option<UserId>, range: &DateRange) -> Vec<crate::Value> {
    params![
        organization.to_string(),
        user.map(|id| id.to_string()),
        range.start().as_micros(),
        range.end().as_micros()
    ]
}

/// Sums of an organisation, or of one of its accounts, over a range.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn totals(
    db: &Db,
    organization: OrgId,
    user: Option<UserId>,
    range: &DateRange,
) -> Result<UsageTotals, StoreError> {
    let rows: Vec<TotalsRow> = db
        .read_all(TOTALS, range_params(organization, user, range))
        .await?;
    Ok(rows.first().map_or_else(UsageTotals::default, |row| row.0))
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
    let rows: Vec<DayRow> = db
        .read_all(BY_DAY, range_params(organization, user, range))
        .await?;
    Ok(rows.into_iter().map(|row| (row.0, row.1)).collect())
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
    let rows: Vec<UserRow> = db
        .read_all(BY_USER, range_params(organization, None, range))
        .await?;
    Ok(rows.into_iter().map(|row| (row.0, row.1, row.2)).collect())
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
        .map(|row| (row.0, row.1.unwrap_or_default(), row.2))
        .collect())
}

//! Metered requests: one row each, written when they end, or when they are admitted and then settled once.
//!
//! Rows and how they are written and listed are here; sums over them are in `sums`.

mod sums;

use std::borrow::Cow;

use voxgate_domain::{
    KeyId, Micros, OrgId, Page, Quantities, RequestId, RequestStatus, Service, Timestamp, UserId,
};

use crate::decode::{count, micros, parsed, parsed_opt, time, time_opt};
use crate::{Db, FromRow, Row, StoreError, Tx, Value, params};

pub use sums::{
    GroupRow, STATEMENTS as SUM_STATEMENTS, UsageGroup, UsageSums, by_day, by_org_any_org, by_user,
    grouped, sums, totals,
};

macro_rules! facts {
    () => {
        "id, organization_id, user_id, key_id, node_id, endpoint, dialect, service, model, voice, format, sample_rate_hz, \
         characters, words, tokens_in, tokens_out, audio_ms_in, audio_ms, bytes_in, bytes_out, held_micros, created_at"
    };
}
macro_rules! end {
    () => {
        "status, charged_characters, charged_words, error, status_code, disconnected, duration_ms, engine_ms, queue_ms, \
         billed_micros, finished_at"
    };
}
// $1 organisation, $2 account or null, $3 key or null.
macro_rules! filter {
    () => {
        " FROM usage_requests WHERE organization_id = $1 AND (CAST($2 AS TEXT) IS NULL OR user_id = $2) \
         AND (CAST($3 AS TEXT) IS NULL OR key_id = $3)"
    };
}
pub(super) use filter;

/// Admits a request.
pub const INSERT_PENDING: &str = concat!(
    "INSERT INTO usage_requests (",
    facts!(),
    ", charged_characters, charged_words, status, reserved) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, \
     $14, $15, $16, $17, $18, $19, $20, $21, $22, $13, $14, 'pending', 1)"
);
/// Writes a request that has ended, or settles the one that was written when it was admitted; once.
pub const RECORD: &str = concat!(
    "INSERT INTO usage_requests AS u (",
    facts!(),
    ", ",
    end!(),
    ", reserved) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
     $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, 0) \
     ON CONFLICT (id) DO UPDATE SET status = excluded.status, characters = excluded.characters, words = excluded.words, \
     charged_characters = excluded.charged_characters, charged_words = excluded.charged_words, \
     tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out, audio_ms_in = excluded.audio_ms_in, \
     audio_ms = excluded.audio_ms, bytes_in = excluded.bytes_in, bytes_out = excluded.bytes_out, model = excluded.model, \
     error = excluded.error, status_code = excluded.status_code, disconnected = excluded.disconnected, \
     duration_ms = excluded.duration_ms, engine_ms = excluded.engine_ms, queue_ms = excluded.queue_ms, \
     billed_micros = excluded.billed_micros, finished_at = excluded.finished_at \
     WHERE u.status = 'pending' AND u.organization_id = excluded.organization_id RETURNING reserved"
);
/// What dead processes have left pending, besides this one's own.
pub const ABANDONED_ANY_ORG: &str = concat!(
    "SELECT ",
    facts!(),
    " FROM usage_requests WHERE status = 'pending' AND node_id <> $1 \
     AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = usage_requests.node_id AND nodes.seen_at >= $2) LIMIT $3"
);
/// Lists requests, newest first.
pub const LIST: &str = concat!(
    "SELECT ",
    facts!(),
    ", ",
    end!(),
    filter!(),
    " AND (CAST($4 AS TEXT) IS NULL OR status = $4) ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6"
);
/// Counts requests.
pub const COUNT: &str = concat!(
    "SELECT COUNT(*)",
    filter!(),
    " AND (CAST($4 AS TEXT) IS NULL OR status = $4)"
);
/// Lists requests of a range behind a given one, oldest first.
pub const EXPORT: &str = concat!(
    "SELECT ",
    facts!(),
    ", ",
    end!(),
    filter!(),
    " AND created_at >= $4 AND created_at < $5 AND (created_at, id) > ($6, $7) ORDER BY created_at, id LIMIT $8"
);

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("usage::INSERT_PENDING", INSERT_PENDING),
    ("usage::RECORD", RECORD),
    ("usage::ABANDONED_ANY_ORG", ABANDONED_ANY_ORG),
    ("usage::LIST", LIST),
    ("usage::COUNT", COUNT),
    ("usage::EXPORT", EXPORT),
];

/// What is known of a request when it is admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
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
    pub endpoint: Cow<'static, str>,
    /// Whose wire format it came in.
    pub dialect: Cow<'static, str>,
    /// What was asked of the product.
    pub service: Service,
    /// The model or engine; empty where none is involved.
    pub model: String,
    /// The voice as asked for; empty where none is involved.
    pub voice: String,
    /// The audio format's name; empty where none is involved.
    pub format: Cow<'static, str>,
    /// The sample rate; 0 where none is involved.
    pub sample_rate_hz: u32,
    /// What it asks for.
    pub asked: Quantities,
    /// What was held for it.
    pub held: Micros,
    /// When it was admitted.
    pub created_at: Timestamp,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEnd {
    /// What was delivered, and so counts.
    pub charged: Quantities,
    /// A machine code of why it failed; `None` means success.
    pub error: Option<Cow<'static, str>>,
    /// What the client was answered: HTTP status, or the nearest one on other transports.
    pub status_code: Option<u16>,
    /// Whether the client went away.
    pub disconnected: bool,
    /// Milliseconds from admission to the end.
    pub duration_ms: Option<u64>,
    /// Milliseconds the engine and the encoder worked.
    pub engine_ms: Option<u64>,
    /// Milliseconds it waited for an engine.
    pub queue_ms: Option<u64>,
    /// What it cost.
    pub billed: Micros,
    /// When it ended.
    pub finished_at: Timestamp,
}

/// A request that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedRequest {
    /// What was known when it was admitted.
    pub facts: RequestFacts,
    /// How it ended.
    pub end: RequestEnd,
}

/// A record that took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// Whether the request was written when it was admitted, so that what it asked for has been counted; otherwise nothing
    /// of it has.
    pub was_pending: bool,
}

impl FromRow for Recorded {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            was_pending: row.get(0)?,
        })
    }
}

/// One row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// What was known when it was admitted. The numbers of tokens, audio and bytes asked for are kept only until it ends;
    /// from then on they are what was delivered.
    pub facts: RequestFacts,
    /// How far it has come.
    pub status: RequestStatus,
    /// How it ended; `None` while pending.
    pub end: Option<RequestEnd>,
}

impl FromRow for RequestFacts {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            organization_id: parsed(row, 1)?,
            user_id: parsed(row, 2)?,
            key_id: parsed_opt(row, 3)?,
            node_id: row.get(4)?,
            endpoint: Cow::Owned(row.get(5)?),
            dialect: Cow::Owned(row.get(6)?),
            service: parsed(row, 7)?,
            model: row.get(8)?,
            voice: row.get(9)?,
            format: Cow::Owned(row.get(10)?),
            sample_rate_hz: row.get(11)?,
            asked: Quantities {
                characters: row.get(12)?,
                words: row.get(13)?,
                tokens_in: row.get(14)?,
                tokens_out: row.get(15)?,
                audio_ms_in: row.get(16)?,
                audio_ms_out: row.get::<Option<u64>>(17)?.unwrap_or(0),
                bytes_in: row.get(18)?,
                bytes_out: row.get::<Option<u64>>(19)?.unwrap_or(0),
            },
            held: micros(row, 20)?,
            created_at: time(row, 21)?,
        })
    }
}

impl FromRow for RequestRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let facts = RequestFacts::from_row(row)?;
        let end = match time_opt(row, 32)? {
            Some(finished_at) => Some(RequestEnd {
                charged: Quantities {
                    characters: row.get(23)?,
                    words: row.get(24)?,
                    ..facts.asked
                },
                error: row.get::<Option<String>>(25)?.map(Cow::Owned),
                status_code: row.get(26)?,
                disconnected: row.get(27)?,
                duration_ms: row.get(28)?,
                engine_ms: row.get(29)?,
                queue_ms: row.get(30)?,
                billed: micros(row, 31)?,
                finished_at,
            }),
            None => None,
        };
        Ok(Self {
            facts,
            status: parsed(row, 22)?,
            end,
        })
    }
}

/// Which requests of an organisation are meant; what is `None` does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageFilter {
    /// By which account.
    pub user: Option<UserId>,
    /// With which key.
    pub key: Option<KeyId>,
}

impl UsageFilter {
    /// The values of `filter!()`.
    pub(super) fn params(&self, organization: OrgId) -> Vec<Value> {
        params![
            organization.to_string(),
            self.user.map(|id| id.to_string()),
            self.key.map(|id| id.to_string())
        ]
    }
}

/// The values of `facts!()`, with the given quantities.
fn facts_params(facts: &RequestFacts, quantities: &Quantities) -> Vec<Value> {
    params![
        facts.id.to_string(),
        facts.organization_id.to_string(),
        facts.user_id.to_string(),
        facts.key_id.map(|id| id.to_string()),
        &facts.node_id,
        &*facts.endpoint,
        &*facts.dialect,
        facts.service.as_str(),
        &facts.model,
        &facts.voice,
        &*facts.format,
        facts.sample_rate_hz,
        count(quantities.characters),
        count(quantities.words),
        count(quantities.tokens_in),
        count(quantities.tokens_out),
        count(quantities.audio_ms_in),
        count(quantities.audio_ms_out),
        count(quantities.bytes_in),
        count(quantities.bytes_out),
        facts.held.get(),
        facts.created_at.as_micros(),
    ]
}

/// Writes an admitted request, whose quantities the caller counts in the same transaction.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert_pending(tx: &mut Tx<'_>, request: &RequestFacts) -> Result<(), StoreError> {
    tx.exec(INSERT_PENDING, facts_params(request, &request.asked))
        .await
        .map(|_| ())
}

/// Writes a request that has ended, whether or not it was written when it was admitted. One request takes effect once:
/// `None` means that it had been settled before, and then the caller must neither count nor bill it.
///
/// # Errors
/// Any [`StoreError`].
pub async fn record(
    tx: &mut Tx<'_>,
    request: &FinishedRequest,
) -> Result<Option<Recorded>, StoreError> {
    let (facts, end) = (&request.facts, &request.end);
    let status = if end.error.is_none() {
        RequestStatus::Success
    } else {
        RequestStatus::Failed
    };
    // What a text to be spoken had in all is kept beside what was delivered of it; what becomes known only at the end, as the
    // words of a transcript, is its own whole.
    let quantities = Quantities {
        characters: facts.asked.characters.max(end.charged.characters),
        words: facts.asked.words.max(end.charged.words),
        ..end.charged
    };
    let mut bound = facts_params(facts, &quantities);
    bound.extend(params![
        status.as_str(),
        count(end.charged.characters),
        count(end.charged.words),
        end.error.as_deref(),
        end.status_code,
        end.disconnected,
        end.duration_ms.map(count),
        end.engine_ms.map(count),
        end.queue_ms.map(count),
        end.billed.get(),
        end.finished_at.as_micros(),
    ]);
    tx.read_opt(RECORD, bound).await
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
) -> Result<Vec<RequestFacts>, StoreError> {
    tx.read_all(
        ABANDONED_ANY_ORG,
        params![node, seen_before.as_micros(), count(at_most)],
    )
    .await
}

/// Lists an organisation's requests, newest first, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list(
    db: &Db,
    organization: OrgId,
    filter: &UsageFilter,
    status: Option<RequestStatus>,
    page: Page,
) -> Result<(Vec<RequestRow>, u64), StoreError> {
    let mut bound = filter.params(organization);
    bound.extend(params![status.map(RequestStatus::as_str)]);
    let mut paged = bound.clone();
    paged.extend(params![page.limit, count(page.offset)]);
    let items = db.read_all(LIST, paged).await?;
    let total = db.read_all::<(u64,)>(COUNT, bound).await?;
    Ok((items, total.first().map_or(0, |row| row.0)))
}

/// Up to `limit` requests admitted from `from` on and before `until`, oldest first, behind the one given as its moment of
/// admission and its id. The next call gives those of the last row; fewer rows than `limit` are the last ones.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn export_page(
    db: &Db,
    organization: OrgId,
    filter: &UsageFilter,
    from: Timestamp,
    until: Timestamp,
    after: Option<(Timestamp, RequestId)>,
    limit: u32,
) -> Result<Vec<RequestRow>, StoreError> {
    let (moment, id) = after.map_or((i64::MIN, String::new()), |(moment, id)| {
        (moment.as_micros(), id.to_string())
    });
    let mut bound = filter.params(organization);
    bound.extend(params![
        // A later page begins where the one before ended, and not with a walk to there.
        from.as_micros().max(moment),
        until.as_micros(),
        moment,
        id,
        limit
    ]);
    db.read_all(EXPORT, bound).await
}

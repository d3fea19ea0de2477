//! Outgoing messages: queued with the change that caused them, taken by a sender, finished or tried again.

use voxgate_domain::{MailId, Timestamp};

use crate::decode::{count, parsed};
use crate::{Db, FromRow, Row, StoreError, Tx, params};

/// Queues a message.
pub const INSERT: &str = "INSERT INTO mail_outbox (id, kind, recipient, subject, text_body, html_body, \
     status, attempts, next_attempt_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'queued', 0, $7, $7)";
/// Takes messages that are due, oldest first, and moves their next attempt ahead.
pub const CLAIM: &str = "UPDATE mail_outbox SET attempts = attempts + 1, next_attempt_at = $2 WHERE id IN \
     (SELECT id FROM mail_outbox WHERE status = 'queued' AND next_attempt_at <= $1 ORDER BY next_attempt_at, id LIMIT $3) \
     AND status = 'queued' AND next_attempt_at <= $1 \
     RETURNING id, kind, recipient, subject, text_body, html_body, attempts, created_at";
/// Finishes a message.
pub const FINISH: &str = "UPDATE mail_outbox SET status = $2, finished_at = $3, text_body = '', html_body = '' \
     WHERE id = $1 AND status = 'queued'";
/// Tries a message again later.
pub const RETRY: &str =
    "UPDATE mail_outbox SET next_attempt_at = $2 WHERE id = $1 AND status = 'queued'";
/// When the next message is due.
pub const NEXT_DUE: &str = "SELECT next_attempt_at FROM mail_outbox WHERE status = 'queued' \
     ORDER BY next_attempt_at, id LIMIT 1";
/// Counts messages by state.
pub const BACKLOG: &str =
    "SELECT status, COUNT(*) FROM mail_outbox WHERE status <> 'sent' GROUP BY status";
/// Forgets finished messages.
pub const PURGE: &str = "DELETE FROM mail_outbox WHERE finished_at < $1";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("mail::INSERT", INSERT),
    ("mail::CLAIM", CLAIM),
    ("mail::FINISH", FINISH),
    ("mail::RETRY", RETRY),
    ("mail::NEXT_DUE", NEXT_DUE),
    ("mail::BACKLOG", BACKLOG),
    ("mail::PURGE", PURGE),
];

/// A message to be queued.
#[derive(Debug, Clone)]
pub struct NewMail {
    /// Its id.
    pub id: MailId,
    /// What it is about, one word.
    pub kind: &'static str,
    /// To whom.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text_body: String,
    /// The same as HTML.
    pub html_body: String,
}

/// A message that was taken for sending.
#[derive(Debug, Clone)]
pub struct ClaimedMail {
    /// Its id.
    pub id: MailId,
    /// What it is about.
    pub kind: String,
    /// To whom.
    pub recipient: String,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text_body: String,
    /// The same as HTML.
    pub html_body: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When it was queued.
    pub created_at: Timestamp,
}

impl FromRow for ClaimedMail {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: parsed(row, 0)?,
            kind: row.get(1)?,
            recipient: row.get(2)?,
            subject: row.get(3)?,
            text_body: row.get(4)?,
            html_body: row.get(5)?,
            attempt: row.get(6)?,
            created_at: crate::decode::time(row, 7)?,
        })
    }
}

/// Queues a message.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert(tx: &mut Tx<'_>, mail: &NewMail, now: Timestamp) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        params![
            mail.id.to_string(),
            mail.kind,
            &mail.recipient,
            &mail.subject,
            &mail.text_body,
            &mail.html_body,
            now.as_micros(),
        ],
    )
    .await
    .map(|_| ())
}

/// Takes up to `at_most` due messages; nobody else takes them before `lease_until`.
///
/// # Errors
/// Any [`StoreError`].
pub async fn claim(
    tx: &mut Tx<'_>,
    now: Timestamp,
    lease_until: Timestamp,
    at_most: u64,
) -> Result<Vec<ClaimedMail>, StoreError> {
    tx.read_all(
        CLAIM,
        params![now.as_micros(), lease_until.as_micros(), count(at_most)],
    )
    .await
}

/// Finishes a message as sent or as given up; its bodies are emptied.
///
/// # Errors
/// Any [`StoreError`].
pub async fn finish(
    tx: &mut Tx<'_>,
    id: MailId,
    sent: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let status = if sent { "sent" } else { "failed" };
    tx.exec(FINISH, params![id.to_string(), status, now.as_micros()])
        .await
        .map(|_| ())
}

/// Has a message tried again at `at`.
///
/// # Errors
/// Any [`StoreError`].
pub async fn retry(tx: &mut Tx<'_>, id: MailId, at: Timestamp) -> Result<(), StoreError> {
    tx.exec(RETRY, params![id.to_string(), at.as_micros()])
        .await
        .map(|_| ())
}

/// When the next queued message is due.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn next_due(db: &Db) -> Result<Option<Timestamp>, StoreError> {
    let row = db.read_opt::<(i64,)>(NEXT_DUE, params![]).await?;
    Ok(row.map(|row| Timestamp::from_micros(row.0)))
}

/// How many messages wait, and how many were given up.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn backlog(db: &Db) -> Result<(u64, u64), StoreError> {
    let rows: Vec<(String, u64)> = db.read_all(BACKLOG, params![]).await?;
    let of = |status: &str| {
        rows.iter()
            .find(|row| row.0 == status)
            .map_or(0, |row| row.1)
    };
    Ok((of("queued"), of("failed")))
}

/// Forgets messages finished before `before`.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64, StoreError> {
    tx.exec(PURGE, params![before.as_micros()]).await
}

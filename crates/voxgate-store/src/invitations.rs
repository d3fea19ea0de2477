//! Invitations into organisations.

use voxgate_domain::{Invitation, InvitationId, InvitationStatus, OrgId, Page, Timestamp};

use crate::decode::{count, parsed, parsed_opt, time, time_opt};
use crate::{Db, FromRow, Row, StoreError, Tx, params};

macro_rules! columns {
    () => {
        "id, organization_id, email, role, invited_by, created_at, expires_at, accepted_at, revoked_at"
    };
}
// $1 organisation, $2 address, $3 status, $4 now; each but the last may be null.
macro_rules! filter {
    () => {
        " FROM invitations WHERE (CAST($1 AS TEXT) IS NULL OR organization_id = $1) \
         AND (CAST($2 AS TEXT) IS NULL OR email_key = $2) AND (CAST($3 AS TEXT) IS NULL OR $3 = \
         CASE WHEN accepted_at IS NOT NULL THEN 'accepted' WHEN revoked_at IS NOT NULL THEN 'revoked' \
         WHEN expires_at <= $4 THEN 'expired' ELSE 'pending' END)"
    };
}

/// Adds an invitation.
pub const INSERT: &str = "INSERT INTO invitations (id, organization_id, email, email_key, role, invited_by, token_hash, \
     created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
/// Reads one by the hash of its token.
pub const SELECT_BY_TOKEN: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM invitations WHERE token_hash = $1"
);
/// Reads one by id.
pub const SELECT: &str = concat!("SELECT ", columns!(), " FROM invitations WHERE id = $1");
/// Lists them, newest first.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    filter!(),
    " ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6"
);
/// Counts them.
pub const COUNT: &str = concat!("SELECT COUNT(*)", filter!());
/// Marks one as used, once.
pub const ACCEPT: &str = "UPDATE invitations SET accepted_at = $2 WHERE id = $1 AND accepted_at IS NULL \
     AND revoked_at IS NULL AND expires_at > $2";
/// Withdraws one that was not used.
pub const REVOKE: &str = "UPDATE invitations SET revoked_at = $2 WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL";
/// Withdraws the open ones to the same address into the same organisation: a newer one takes their place.
pub const REVOKE_OPEN: &str = "UPDATE invitations SET revoked_at = $3 WHERE organization_id = $1 AND email_key = $2 \
     AND accepted_at IS NULL AND revoked_at IS NULL";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("invitations::INSERT", INSERT),
    ("invitations::SELECT_BY_TOKEN", SELECT_BY_TOKEN),
    ("invitations::SELECT", SELECT),
    ("invitations::LIST", LIST),
    ("invitations::COUNT", COUNT),
    ("invitations::ACCEPT", ACCEPT),
    ("invitations::REVOKE", REVOKE),
    ("invitations::REVOKE_OPEN", REVOKE_OPEN),
];

struct InvitationRow(Invitation);

impl FromRow for InvitationRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(Invitation {
            id: parsed(row, 0)?,
            organization_id: parsed(row, 1)?,
            email: row.get(2)?,
            role: parsed(row, 3)?,
            invited_by: parsed_opt(row, 4)?,
            created_at: time(row, 5)?,
            expires_at: time(row, 6)?,
            accepted_at: time_opt(row, 7)?,
            revoked_at: time_opt(row, 8)?,
        }))
    }
}

/// Which invitations to list.
#[derive(Debug, Clone, Default)]
pub struct InvitationFilter {
    /// Only those into this organisation; `None` for all.
    pub organization: Option<OrgId>,
    /// Only those to this address (its uniqueness key).
    pub email_key: Option<String>,
    /// Only those in this state.
    pub status: Option<InvitationStatus>,
}

/// Adds an invitation.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert(
    tx: &mut Tx<'_>,
    invitation: &Invitation,
    email_key: &str,
    token_hash: &[u8],
) -> Result<(), StoreError> {
    tx.exec(
        INSERT,
        params![
            invitation.id.to_string(),
            invitation.organization_id.to_string(),
            &invitation.email,
            email_key,
            invitation.role.as_str(),
            invitation.invited_by.map(|id| id.to_string()),
            token_hash,
            invitation.created_at.as_micros(),
            invitation.expires_at.as_micros(),
        ],
    )
    .await
    .map(|_| ())
}

/// Reads the invitation of a token.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_by_token(db: &Db, token_hash: &[u8]) -> Result<Option<Invitation>, StoreError> {
    let row: Option<InvitationRow> = db.read_opt(SELECT_BY_TOKEN, params![token_hash]).await?;
    Ok(row.map(|row| row.0))
}

/// Reads the invitation of a token inside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_by_token_in(
    tx: &mut Tx<'_>,
    token_hash: &[u8],
) -> Result<Option<Invitation>, StoreError> {
    let row: Option<InvitationRow> = tx.read_opt(SELECT_BY_TOKEN, params![token_hash]).await?;
    Ok(row.map(|row| row.0))
}

/// Reads an invitation by id.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_any_org_in(
    tx: &mut Tx<'_>,
    id: InvitationId,
) -> Result<Option<Invitation>, StoreError> {
    let row: Option<InvitationRow> = tx.read_opt(SELECT, params![id.to_string()]).await?;
    Ok(row.map(|row| row.0))
}

/// Lists invitations, newest first, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list_any_org(
    db: &Db,
    filter: &InvitationFilter,
    now: Timestamp,
    page: Page,
) -> Result<(Vec<Invitation>, u64), StoreError> {
    let bound = params![
        filter.organization.map(|id| id.to_string()),
        filter.email_key.as_deref(),
        filter.status.map(InvitationStatus::as_str),
        now.as_micros(),
    ];
    let mut paged = bound.clone();
    paged.extend(params![page.limit, count(page.offset)]);
    let rows: Vec<InvitationRow> = db.read_all(LIST, paged).await?;
    let total = db.read_all::<(u64,)>(COUNT, bound).await?;
    Ok((
        rows.into_iter().map(|row| row.0).collect(),
        total.first().map_or(0, |row| row.0),
    ))
}

/// Marks an invitation as used; answers `true` to exactly one caller.
///
/// # Errors
/// Any [`StoreError`].
pub async fn accept(tx: &mut Tx<'_>, id: InvitationId, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx
        .exec(ACCEPT, params![id.to_string(), now.as_micros()])
        .await?
        == 1)
}

/// Withdraws an invitation; answers whether it was open.
///
/// # Errors
/// Any [`StoreError`].
pub async fn revoke(tx: &mut Tx<'_>, id: InvitationId, now: Timestamp) -> Result<bool, StoreError> {
    Ok(tx
        .exec(REVOKE, params![id.to_string(), now.as_micros()])
        .await?
        == 1)
}

/// Withdraws the open invitations of an address into an organisation.
///
/// # Errors
/// Any [`StoreError`].
pub async fn revoke_open(
    tx: &mut Tx<'_>,
    organization: OrgId,
    email_key: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.exec(
        REVOKE_OPEN,
        params![organization.to_string(), email_key, now.as_micros()],
    )
    .await
}

//! People and how they show who they are: accounts, sessions that were ended early.
//!
//! Accounts are looked up by address or id before anything is known about the caller, so most statements here are not
//! scoped to an organisation; the use cases decide who may see the result.

use voxgate_domain::{OrgId, Page, Role, Timestamp, User, UserId};

use crate::decode::{count, parsed, parsed_opt, time};
use crate::orgs::{OrgTerms, terms_columns};
use crate::{Db, FromRow, Row, StoreError, Tx, params};

macro_rules! columns {
    () => {
        "id, email, full_name, role, organization_id, is_active, is_verified, created_at, updated_at"
    };
}
macro_rules! account_columns {
    () => {
        "id, email, full_name, role, organization_id, is_active, is_verified, created_at, updated_at, \
         password_hash, last_session_ends_at, sessions_void_through"
    };
}

/// Adds an account.
pub const INSERT: &str = "INSERT INTO users (id, email, email_key, full_name, role, organization_id, is_active, \
     is_verified, password_hash, last_session_ends_at, sessions_void_through, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, $10) ON CONFLICT (email_key) DO NOTHING";
/// Reads an account by id.
pub const SELECT: &str = concat!("SELECT ", account_columns!(), " FROM users WHERE id = $1");
/// Reads an account by address.
pub const SELECT_BY_EMAIL: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM users WHERE email_key = $1"
);
/// Lists the members of an organisation, oldest first.
pub const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM users WHERE organization_id = $1 ORDER BY created_at, id LIMIT $2 OFFSET $3"
);
/// Counts the members of an organisation.
pub const COUNT: &str = "SELECT COUNT(*) FROM users WHERE organization_id = $1";
/// Lists everybody, oldest first.
pub const LIST_ANY_ORG: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM users ORDER BY created_at, id LIMIT $1 OFFSET $2"
);
/// Counts everybody.
pub const COUNT_ANY_ORG: &str = "SELECT COUNT(*) FROM users";
/// Whether there is anybody at all.
pub const ANY_ANY_ORG: &str = "SELECT id FROM users LIMIT 1";
/// Counts the active system administrators but one.
pub const COUNT_OTHER_ADMINS_ANY_ORG: &str =
    "SELECT COUNT(*) FROM users WHERE role = 'SYSTEM_ADMIN' AND is_active = 1 AND id <> $1";
/// Replaces everything that can change but the address's uniqueness key, the password and the sessions.
pub const UPDATE: &str = "UPDATE users SET full_name = $2, role = $3, organization_id = $4, is_active = $5, \
     is_verified = $6, updated_at = $7 WHERE id = $1";
/// Gives an account another address, unless somebody else has it.
pub const UPDATE_EMAIL: &str = "UPDATE users SET email = $2, email_key = $3 WHERE id = $1 \
     AND NOT EXISTS (SELECT 1 FROM users other WHERE other.email_key = $3 AND other.id <> $1)";
/// Gives an account another password.
pub const UPDATE_PASSWORD: &str =
    "UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1";
/// Gives an account a stronger hash of the same password, unless the password was changed meanwhile.
pub const UPGRADE_PASSWORD: &str =
    "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
/// Ends every session there is.
pub const END_SESSIONS: &str =
    "UPDATE users SET sessions_void_through = last_session_ends_at WHERE id = $1";
/// Remembers the end of a new session.
pub const OPEN_SESSION: &str =
    "UPDATE users SET last_session_ends_at = $2 WHERE id = $1 AND last_session_ends_at < $2";
/// Removes an account.
pub const DELETE: &str = "DELETE FROM users WHERE id = $1";
/// Everything that decides whether a session is good, in one look-up by primary keys.
pub const SELECT_SESSION: &str = concat!(
    "SELECT u.role, u.is_active, u.is_verified, u.sessions_void_through, \
     (SELECT COUNT(*) FROM revoked_sessions r WHERE r.token_hash = $2), ",
    terms_columns!(),
    " FROM users u LEFT JOIN organizations o ON o.id = u.organization_id LEFT JOIN plans p ON p.id = o.plan_id WHERE u.id = $1"
);
/// Ends one session.
pub const REVOKE_SESSION: &str = "INSERT INTO revoked_sessions (token_hash, expires_at) VALUES ($1, $2) \
     ON CONFLICT (token_hash) DO NOTHING";
/// Forgets sessions that would have ended anyway.
pub const PURGE_REVOKED_SESSIONS: &str = "DELETE FROM revoked_sessions WHERE expires_at < $1";

/// Every statement of this module.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("users::INSERT", INSERT),
    ("users::SELECT", SELECT),
    ("users::SELECT_BY_EMAIL", SELECT_BY_EMAIL),
    ("users::LIST", LIST),
    ("users::COUNT", COUNT),
    ("users::LIST_ANY_ORG", LIST_ANY_ORG),
    ("users::COUNT_ANY_ORG", COUNT_ANY_ORG),
    ("users::ANY_ANY_ORG", ANY_ANY_ORG),
    (
        "users::COUNT_OTHER_ADMINS_ANY_ORG",
        COUNT_OTHER_ADMINS_ANY_ORG,
    ),
    ("users::UPDATE", UPDATE),
    ("users::UPDATE_EMAIL", UPDATE_EMAIL),
    ("users::UPDATE_PASSWORD", UPDATE_PASSWORD),
    ("users::UPGRADE_PASSWORD", UPGRADE_PASSWORD),
    ("users::END_SESSIONS", END_SESSIONS),
    ("users::OPEN_SESSION", OPEN_SESSION),
    ("users::DELETE", DELETE),
    ("users::SELECT_SESSION", SELECT_SESSION),
    ("users::REVOKE_SESSION", REVOKE_SESSION),
    ("users::PURGE_REVOKED_SESSIONS", PURGE_REVOKED_SESSIONS),
];

/// An account with what only logins need.
#[derive(Debug, Clone)]
pub struct Account {
    /// What others may see.
    pub user: User,
    /// PHC string.
    pub password_hash: String,
    /// The latest end of any session ever opened, in seconds since 1970.
    pub last_session_ends_at: i64,
    /// Sessions that end at this second or earlier are void.
    pub sessions_void_through: i64,
}

struct UserRow(User);

impl FromRow for UserRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(User {
            id: parsed(row, 0)?,
            email: row.get(1)?,
            full_name: row.get(2)?,
            role: parsed(row, 3)?,
            organization_id: parsed_opt(row, 4)?,
            is_active: row.get(5)?,
            is_verified: row.get(6)?,
            created_at: time(row, 7)?,
            updated_at: time(row, 8)?,
        }))
    }
}

impl FromRow for Account {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            user: UserRow::from_row(row)?.0,
            password_hash: row.get(9)?,
            last_session_ends_at: row.get(10)?,
            sessions_void_through: row.get(11)?,
        })
    }
}

/// What decides whether a session is good.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// The account's role.
    pub role: Role,
    /// Whether the account may be used.
    pub is_active: bool,
    /// Whether its address is verified.
    pub is_verified: bool,
    /// Sessions that end at this second or earlier are void.
    pub sessions_void_through: i64,
    /// The account's organisation.
    pub organization: Option<OrgTerms>,
    /// Whether this session was ended.
    pub revoked: bool,
}

impl FromRow for SessionRow {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let organization = match row.get::<Option<String>>(5)? {
            Some(_) => Some(OrgTerms::from_columns(row, 5)?),
            None => None,
        };
        Ok(Self {
            role: parsed(row, 0)?,
            is_active: row.get(1)?,
            is_verified: row.get(2)?,
            sessions_void_through: row.get(3)?,
            organization,
            revoked: row.get::<i64>(4)? > 0,
        })
    }
}

/// Adds an account; answers whether it was added, which it is not where the address is taken.
///
/// # Errors
/// Any [`StoreError`].
pub async fn insert(
    tx: &mut Tx<'_>,
    user: &User,
    email_key: &str,
    password_hash: &str,
) -> Result<bool, StoreError> {
    let added = tx
        .exec(
            INSERT,
            params![
                user.id.to_string(),
                &user.email,
                email_key,
                user.full_name.as_deref(),
                user.role.as_str(),
                user.organization_id.map(|id| id.to_string()),
                user.is_active,
                user.is_verified,
                password_hash,
                user.created_at.as_micros(),
            ],
        )
        .await?;
    Ok(added == 1)
}

/// Reads an account.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_any_org(db: &Db, id: UserId) -> Result<Option<Account>, StoreError> {
    db.read_opt(SELECT, params![id.to_string()]).await
}

/// Reads an account inside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_any_org_in(tx: &mut Tx<'_>, id: UserId) -> Result<Option<Account>, StoreError> {
    tx.read_opt(SELECT, params![id.to_string()]).await
}

/// Reads the account of an address.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_by_email_any_org(db: &Db, email_key: &str) -> Result<Option<Account>, StoreError> {
    db.read_opt(SELECT_BY_EMAIL, params![email_key]).await
}

/// Reads the account of an address inside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn get_by_email_any_org_in(
    tx: &mut Tx<'_>,
    email_key: &str,
) -> Result<Option<Account>, StoreError> {
    tx.read_opt(SELECT_BY_EMAIL, params![email_key]).await
}

/// Lists the members of an organisation, oldest first, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list(
    db: &Db,
    organization: OrgId,
    page: Page,
) -> Result<(Vec<User>, u64), StoreError> {
    let rows: Vec<UserRow> = db
        .read_all(
            LIST,
            params![organization.to_string(), page.limit, count(page.offset)],
        )
        .await?;
    let total = db
        .read_all::<(u64,)>(COUNT, params![organization.to_string()])
        .await?;
    Ok((
        rows.into_iter().map(|row| row.0).collect(),
        total.first().map_or(0, |row| row.0),
    ))
}

/// Lists everybody, oldest first, and counts them.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn list_any_org(db: &Db, page: Page) -> Result<(Vec<User>, u64), StoreError> {
    let rows: Vec<UserRow> = db
        .read_all(LIST_ANY_ORG, params![page.limit, count(page.offset)])
        .await?;
    let total = db.read_all::<(u64,)>(COUNT_ANY_ORG, params![]).await?;
    Ok((
        rows.into_iter().map(|row| row.0).collect(),
        total.first().map_or(0, |row| row.0),
    ))
}

/// Whether there is any account, outside a transaction.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn any_any_org(db: &Db) -> Result<bool, StoreError> {
    Ok(db
        .read_opt::<(String,)>(ANY_ANY_ORG, params![])
        .await?
        .is_some())
}

/// Whether there is any account.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn any_any_org_in(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    Ok(tx
        .read_opt::<(String,)>(ANY_ANY_ORG, params![])
        .await?
        .is_some())
}

/// How many active system administrators there are besides `id`.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn count_other_admins_any_org_in(tx: &mut Tx<'_>, id: UserId) -> Result<u64, StoreError> {
    let found = tx
        .read_opt::<(u64,)>(COUNT_OTHER_ADMINS_ANY_ORG, params![id.to_string()])
        .await?;
    Ok(found.map_or(0, |row| row.0))
}

/// Writes name, role, organisation and flags.
///
/// # Errors
/// Any [`StoreError`].
pub async fn update(tx: &mut Tx<'_>, user: &User) -> Result<(), StoreError> {
    tx.exec(
        UPDATE,
        params![
            user.id.to_string(),
            user.full_name.as_deref(),
            user.role.as_str(),
            user.organization_id.map(|id| id.to_string()),
            user.is_active,
            user.is_verified,
            user.updated_at.as_micros(),
        ],
    )
    .await
    .map(|_| ())
}

/// Gives an account another address; answers whether it did, which it does not where somebody else has it.
///
/// # Errors
/// Any [`StoreError`]; [`StoreError::Conflict`] on `ux_users_email_key` where somebody else takes it at the same moment.
pub async fn update_email(
    tx: &mut Tx<'_>,
    id: UserId,
    email: &str,
    email_key: &str,
) -> Result<bool, StoreError> {
    let changed = tx
        .exec(UPDATE_EMAIL, params![id.to_string(), email, email_key])
        .await?;
    Ok(changed == 1)
}

/// Gives an account another password.
///
/// # Errors
/// Any [`StoreError`].
pub async fn update_password(
    tx: &mut Tx<'_>,
    id: UserId,
    password_hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(
        UPDATE_PASSWORD,
        params![id.to_string(), password_hash, now.as_micros()],
    )
    .await
    .map(|_| ())
}

/// Stores a stronger hash of the same password, unless the password was changed meanwhile.
///
/// # Errors
/// Any [`StoreError`].
pub async fn upgrade_password(
    tx: &mut Tx<'_>,
    id: UserId,
    old_hash: &str,
    new_hash: &str,
) -> Result<(), StoreError> {
    tx.exec(
        UPGRADE_PASSWORD,
        params![id.to_string(), old_hash, new_hash],
    )
    .await
    .map(|_| ())
}

/// Ends every session of an account.
///
/// # Errors
/// Any [`StoreError`].
pub async fn end_sessions(tx: &mut Tx<'_>, id: UserId) -> Result<(), StoreError> {
    tx.exec(END_SESSIONS, params![id.to_string()])
        .await
        .map(|_| ())
}

/// Remembers the end of a new session, in seconds since 1970.
///
/// # Errors
/// Any [`StoreError`].
pub async fn open_session(tx: &mut Tx<'_>, id: UserId, ends_at: i64) -> Result<(), StoreError> {
    tx.exec(OPEN_SESSION, params![id.to_string(), ends_at])
        .await
        .map(|_| ())
}

/// Removes an account; answers whether there was one. Its API keys go with it.
///
/// # Errors
/// Any [`StoreError`].
pub async fn delete(tx: &mut Tx<'_>, id: UserId) -> Result<bool, StoreError> {
    Ok(tx.exec(DELETE, params![id.to_string()]).await? == 1)
}

/// Everything that decides whether a session is good; `None` where its account is gone.
///
/// # Errors
/// Any [`StoreError`] but conflict.
pub async fn session_any_org(
    db: &Db,
    id: UserId,
    token_hash: &[u8],
) -> Result<Option<SessionRow>, StoreError> {
    db.read_opt(SELECT_SESSION, params![id.to_string(), token_hash])
        .await
}

/// Ends one session.
///
/// # Errors
/// Any [`StoreError`].
pub async fn revoke_session(
    tx: &mut Tx<'_>,
    token_hash: &[u8],
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    tx.exec(REVOKE_SESSION, params![token_hash, expires_at.as_micros()])
        .await
        .map(|_| ())
}

/// Forgets ended sessions that would have ended by `now` anyway; answers how many.
///
/// # Errors
/// Any [`StoreError`].
pub async fn purge_revoked_sessions(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64, StoreError> {
    tx.exec(PURGE_REVOKED_SESSIONS, params![now.as_micros()])
        .await
}

//! What goes into and comes out of the API key use cases.

use secrecy::SecretString;
use voxgate_domain::{KeyId, OrgId, Timestamp, UserId};

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's id.
    pub id: KeyId,
    /// The organisation it belongs to.
    pub organization_id: OrgId,
    /// The account it acts as.
    pub user_id: UserId,
    /// What its maker calls it.
    pub name: String,
    /// The first characters of the secret, to recognise it by.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A new API key.
#[derive(Debug, Clone, Default)]
pub struct CreateKey {
    /// What to call it: 1 to 200 characters.
    pub name: String,
    /// The account it acts as; `None` means the caller's own. Another's takes an administrator of their organisation.
    pub user_id: Option<UserId>,
}

/// An API key that was just made.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    /// The key.
    pub key: ApiKey,
    /// Its secret; shown this once.
    pub secret: SecretString,
}

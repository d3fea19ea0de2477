//! What goes into and comes out of the API key use cases.

use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use voxgate_domain::{
    KeyId, LimitSet, Micros, NameSet, OrgId, Patch, PlanId, Rights, ServiceSet, Timestamp, UserId,
};

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The key's id.
    pub id: KeyId,
    /// The organisation it belongs to.
    pub organization_id: OrgId,
    /// The account it acts as.
    pub user_id: UserId,
    /// The key that made it, where a key did. With that one it ends.
    pub created_by_key_id: Option<KeyId>,
    /// What its maker calls it.
    pub name: String,
    /// The first characters of the newest secret, to recognise it by.
    pub prefix: String,
    /// What it was given. What it may do is never more than its account and the key that made it may.
    pub rights: Rights,
    /// The plan whose limits are the key's where it has no own.
    pub tier_id: Option<PlanId>,
    /// Its own limits, beneath those of the organisation.
    pub limits: LimitSet,
    /// The most credits it may ever commit.
    pub credit_budget: Option<Micros>,
    /// The credits it has committed so far: held and spent.
    pub credits_committed: Micros,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A new API key. Its organisation and role are those of the account it acts as; nothing here can set them.
#[derive(Debug, Clone, Default)]
pub struct CreateKey {
    /// What to call it: 1 to 200 characters.
    pub name: String,
    /// The account it acts as; `None` means the caller's own. Another's takes an administrator of their organisation.
    pub user_id: Option<UserId>,
    /// Its services; `None` for all but administration, as far as the caller and the account have them.
    pub services: Option<ServiceSet>,
    /// Its voices; `None` for those of the caller.
    pub voices: Option<NameSet>,
    /// Its models; `None` for those of the caller.
    pub models: Option<NameSet>,
    /// Where it may be used from, empty for anywhere; `None` for where the caller's credential may.
    pub networks: Option<Vec<IpNet>>,
    /// The plan whose limits are the key's where it has no own.
    pub tier_id: Option<PlanId>,
    /// Its own limits.
    pub limits: LimitSet,
    /// The most credits it may ever commit: zero or more.
    pub credit_budget: Option<Micros>,
    /// When it ends by itself; in the future. `None` for never, or with the key that makes it.
    pub expires_at: Option<Timestamp>,
}

/// A change to an API key. `None` and [`Patch::Keep`] leave a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateKey {
    /// A new name.
    pub name: Option<String>,
    /// Other services.
    pub services: Option<ServiceSet>,
    /// Other voices.
    pub voices: Option<NameSet>,
    /// Other models.
    pub models: Option<NameSet>,
    /// Other networks; empty for anywhere.
    pub networks: Option<Vec<IpNet>>,
    /// Another tier, or none.
    pub tier_id: Patch<PlanId>,
    /// Replaces its own limits as a whole.
    pub limits: Option<LimitSet>,
    /// Another budget, or none.
    pub credit_budget: Patch<Micros>,
    /// Another end, in the future, or none.
    pub expires_at: Patch<Timestamp>,
}

/// A new secret for an API key.
#[derive(Debug, Clone, Copy, Default)]
pub struct RotateKey {
    /// For how long the secrets it has go on working; at most [`RotateKey::MAX_OVERLAP`]. A secret that ends sooner
    /// already still does.
    pub overlap: Duration,
}

impl RotateKey {
    /// The longest time for which an old secret can go on working: 30 days.
    pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 86_400);
}

/// An API key that was just made, or got a new secret.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    /// The key.
    pub key: ApiKey,
    /// Its secret; shown this once.
    pub secret: SecretString,
}

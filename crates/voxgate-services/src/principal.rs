//! Who is asking, as far as the use cases need to know.

use std::net::IpAddr;
use std::sync::Arc;

use voxgate_domain::{
    KeyId, LimitSet, Micros, OrgId, OrgLimits, OrgStatus, PlanId, Rights, Role, Service, Timestamp,
    UserId,
};

/// How the caller showed who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// A session from a login.
    Session {
        /// Keyed hash of the token; what logging out revokes.
        token_hash: Vec<u8>,
        /// When the session ends by itself.
        expires_at: Timestamp,
    },
    /// An API key.
    ApiKey(KeyId),
    /// The operator at the machine itself, who needs no credential.
    Operator,
}

/// The caller's organisation at the moment the credential was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgContext {
    /// The organisation.
    pub id: OrgId,
    /// Whether it may be used.
    pub status: OrgStatus,
    /// Words per day and month and requests per minute as they hold: its own, or those of its plan. What nothing limits
    /// stands at the largest value.
    pub limits: OrgLimits,
    /// Every limit that holds for it: its own, or its plan's. A kind without a value is not limited.
    pub all_limits: LimitSet,
    /// Its plan.
    pub plan_id: Option<PlanId>,
}

/// The API key in use, as far as limits and money go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyContext {
    /// The key.
    pub id: KeyId,
    /// The limits of this key alone, beneath the organisation's: its own values, or those of its tier.
    pub limits: LimitSet,
    /// The most credits it may ever commit; `None` for no bound of its own.
    pub credit_budget: Option<Micros>,
}

/// An authenticated caller. Only [`crate::identity::Identity::authenticate`] and [`Principal::operator`] make one, so
/// holding a value is the proof that somebody checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub(crate) user_id: Option<UserId>,
    pub(crate) role: Role,
    pub(crate) organization: Option<OrgContext>,
    pub(crate) credential: CredentialKind,
    pub(crate) rights: Arc<Rights>,
    pub(crate) key: Option<KeyContext>,
    pub(crate) address: Option<IpAddr>,
}

impl Principal {
    /// The operator on the command line, who acts on the local data with every right and belongs to no organisation.
    /// Never build it for a request from a network.
    #[must_use]
    pub fn operator() -> Self {
        Self {
            user_id: None,
            role: Role::SystemAdmin,
            organization: None,
            credential: CredentialKind::Operator,
            rights: Arc::new(Rights::everything()),
            key: None,
            address: None,
        }
    }

    /// The same caller, seen coming from `address`; for callers that were not authenticated over a network.
    #[must_use]
    pub fn with_address(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }

    /// The account; `None` for the operator.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// The account's role, as its profile shows it. What the caller may administer is asked of [`Principal::rank`].
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The role as far as administration goes: that of the account, but a plain user's for an API key without
    /// [`Service::Admin`].
    #[must_use]
    pub fn rank(&self) -> Role {
        match self.credential {
            CredentialKind::ApiKey(_) if !self.may_use(Service::Admin) => Role::OrgUser,
            CredentialKind::ApiKey(_)
            | CredentialKind::Session { .. }
            | CredentialKind::Operator => self.role,
        }
    }

    /// Whether the caller may do everything everywhere.
    #[must_use]
    pub fn is_system_admin(&self) -> bool {
        self.rank() == Role::SystemAdmin
    }

    /// What the caller may do: for a session everything the role may, for an API key no more than the key, the account's
    /// role and the key that made it all allow.
    #[must_use]
    pub fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Whether the caller may use a service.
    #[must_use]
    pub fn may_use(&self, service: Service) -> bool {
        self.rights.services.contains(service)
    }

    /// The caller's organisation, with its status and limits.
    #[must_use]
    pub fn organization(&self) -> Option<&OrgContext> {
        self.organization.as_ref()
    }

    /// The caller's organisation's id.
    #[must_use]
    pub fn organization_id(&self) -> Option<OrgId> {
        self.organization
            .as_ref()
            .map(|organization| organization.id)
    }

    /// How the caller showed who they are.
    #[must_use]
    pub fn credential(&self) -> &CredentialKind {
        &self.credential
    }

    /// The API key in use, if one is, with its limits.
    #[must_use]
    pub fn key(&self) -> Option<&KeyContext> {
        self.key.as_ref()
    }

    /// The API key in use, if one is.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        match self.credential {
            CredentialKind::ApiKey(id) => Some(id),
            CredentialKind::Session { .. } | CredentialKind::Operator => None,
        }
    }

    /// Where the request comes from, where that is known.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whether the caller may read what belongs to `organization`: a member or a system administrator.
    #[must_use]
    pub fn may_see(&self, organization: OrgId) -> bool {
        self.is_system_admin() || self.organization_id() == Some(organization)
    }

    /// Whether the caller administers `organization`. An API key does so only with [`Service::Admin`] among its services.
    #[must_use]
    pub fn may_administer(&self, organization: OrgId) -> bool {
        match self.rank() {
            Role::SystemAdmin => true,
            Role::OrgAdmin => self.organization_id() == Some(organization),
            Role::OrgUser => false,
        }
    }
}

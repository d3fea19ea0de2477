//! Who is asking, as far as the use cases need to know.

use voxgate_domain::{KeyId, OrgId, OrgLimits, OrgStatus, Role, Timestamp, UserId};

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
    /// Its limits.
    pub limits: OrgLimits,
}

/// An authenticated caller. Only [`crate::identity::Identity::authenticate`] and [`Principal::operator`] make one, so
/// holding a value is the proof that somebody checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub(crate) user_id: Option<UserId>,
    pub(crate) role: Role,
    pub(crate) organization: Option<OrgContext>,
    pub(crate) credential: CredentialKind,
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
        }
    }

    /// The account; `None` for the operator.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// The account's role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether the caller may do everything everywhere.
    #[must_use]
    pub fn is_system_admin(&self) -> bool {
        self.role == Role::SystemAdmin
    }

    /// The caller's organisation, with its status and limits.
    #[must_use]
    pub fn organization(&self) -> Option<&OrgContext> {
        self.organization.as_ref()
    }

    /// The caller's organisation's id.
    #[must_use]
    pub fn organization_id(&self) -> Option<OrgId> {
        self.organization.map(|organization| organization.id)
    }

    /// How the caller showed who they are.
    #[must_use]
    pub fn credential(&self) -> &CredentialKind {
        &self.credential
    }

    /// The API key in use, if one is.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        match self.credential {
            CredentialKind::ApiKey(id) => Some(id),
            CredentialKind::Session { .. } | CredentialKind::Operator => None,
        }
    }

    /// Whether the caller may read what belongs to `organization`: a member or a system administrator.
    #[must_use]
    pub fn may_see(&self, organization: OrgId) -> bool {
        self.is_system_admin() || self.organization_id() == Some(organization)
    }

    /// Whether the caller administers `organization`.
    #[must_use]
    pub fn may_administer(&self, organization: OrgId) -> bool {
        self.is_system_admin()
            || (self.role == Role::OrgAdmin && self.organization_id() == Some(organization))
    }
}

//! People: their accounts and their rank.

use std::fmt;
use std::str::FromStr;

use crate::{OrgId, Timestamp, UserId};

/// What a person may do, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything, in every organisation. On the wire this is also `is_superuser: true`.
    SystemAdmin,
    /// The own organisation's profile, members, invitations and usage.
    OrgAdmin,
    /// Normal use inside the organisation.
    OrgUser,
}

/// A text that names no [`Role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown role")]
pub struct UnknownRole;

impl Role {
    /// Every role, from most to least.
    pub const ALL: [Self; 3] = [Self::SystemAdmin, Self::OrgAdmin, Self::OrgUser];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SystemAdmin => "SYSTEM_ADMIN",
            Self::OrgAdmin => "ORG_ADMIN",
            Self::OrgUser => "ORG_USER",
        }
    }

    /// Whether someone of this role may give `other` to someone else. Nobody but a system administrator makes another.
    #[must_use]
    pub const fn may_grant(self, other: Self) -> bool {
        match self {
            Self::SystemAdmin => true,
            Self::OrgAdmin => !matches!(other, Self::SystemAdmin),
            Self::OrgUser => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// An account, without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account's id.
    pub id: UserId,
    /// The address as given, with the domain in lower case.
    pub email: String,
    /// The name shown to others.
    pub full_name: Option<String>,
    /// Rank.
    pub role: Role,
    /// The organisation the person belongs to. Self-registered people and system administrators may have none.
    pub organization_id: Option<OrgId>,
    /// An inactive account can neither log in nor use a session it already has.
    pub is_active: bool,
    /// Whether the person has shown that the address is theirs.
    pub is_verified: bool,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// The wire's `is_superuser`.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.role == Role::SystemAdmin
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_round_trip() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
        assert_eq!("org_user".parse::<Role>(), Err(UnknownRole));
    }

    #[test]
    fn nobody_grants_above_themselves() {
        assert!(Role::SystemAdmin.may_grant(Role::SystemAdmin));
        assert!(Role::OrgAdmin.may_grant(Role::OrgAdmin));
        assert!(!Role::OrgAdmin.may_grant(Role::SystemAdmin));
        assert!(
            Role::ALL
                .into_iter()
                .all(|role| !Role::OrgUser.may_grant(role))
        );
    }
}

//! Organisations: whether one may be used.

use std::fmt;
use std::str::FromStr;

/// Whether an organisation may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrgStatus {
    /// Normal.
    Active,
    /// Members may log in and read, but not synthesise.
    Suspended,
    /// Closed: as suspended, and no new invitations.
    Inactive,
}

/// A text that names no [`OrgStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown organisation status")]
pub struct UnknownOrgStatus;

impl OrgStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Inactive];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Inactive => "inactive",
        }
    }
}

impl fmt::Display for OrgStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OrgStatus {
    type Err = UnknownOrgStatus;

    fn from_str(text: &str) -> Result<Self, UnknownOrgStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownOrgStatus)
    }
}

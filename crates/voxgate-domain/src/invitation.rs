//! Invitations to join an organisation.

use std::fmt;

use crate::{InvitationId, OrgId, Role, Timestamp, UserId};

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvitationStatus {
    /// Open.
    Pending,
    /// Used; its account exists.
    Accepted,
    /// Past its end without being used.
    Expired,
    /// Withdrawn.
    Revoked,
}

impl InvitationStatus {
    /// The name used on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for InvitationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An invitation, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The invitation's id; not the secret in its link.
    pub id: InvitationId,
    /// The organisation it leads into.
    pub organization_id: OrgId,
    /// Whom it was sent to.
    pub email: String,
    /// The role the new account will have.
    pub role: Role,
    /// Who sent it; `None` where the operator did on the command line.
    pub invited_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub accepted_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
}

impl Invitation {
    /// What has become of it at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> InvitationStatus {
        if self.accepted_at.is_some() {
            InvitationStatus::Accepted
        } else if self.revoked_at.is_some() {
            InvitationStatus::Revoked
        } else if now >= self.expires_at {
            InvitationStatus::Expired
        } else {
            InvitationStatus::Pending
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn status_follows_time_and_use() {
        let made = Timestamp::from_secs(1_800_000_000);
        let mut invitation = Invitation {
            id: InvitationId::generate(),
            organization_id: OrgId::generate(),
            email: "new@example.com".into(),
            role: Role::OrgUser,
            invited_by: None,
            created_at: made,
            expires_at: made.saturating_add(Duration::from_secs(60)),
            accepted_at: None,
            revoked_at: None,
        };
        assert_eq!(invitation.status(made), InvitationStatus::Pending);
        assert_eq!(
            invitation.status(invitation.expires_at),
            InvitationStatus::Expired
        );
        invitation.revoked_at = Some(made);
        assert_eq!(invitation.status(made), InvitationStatus::Revoked);
        invitation.accepted_at = Some(made);
        assert_eq!(
            invitation.status(invitation.expires_at),
            InvitationStatus::Accepted
        );
    }
}

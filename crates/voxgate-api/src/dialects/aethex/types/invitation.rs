//! An invitation on the wire. Its token is in the mail and nowhere else.

use uuid::Uuid;
use voxgate_domain::{Invitation, Timestamp};

use crate::output::{Instant, output};

output! {
    /// An invitation.
    pub struct InvitationRead {
        /// The invitation's id; not the secret in its link.
        id: Uuid,
        /// Whom it was sent to.
        email: String,
        /// The role the account will have.
        role: &'static str,
        /// The organisation it leads into.
        organization_id: Uuid,
        /// pending, accepted, expired or revoked.
        status: &'static str,
        /// Who sent it.
        invited_by: Option<Uuid>,
        /// When it was made.
        created_at: Instant,
        /// When it ends.
        expires_at: Instant,
        /// When it was used.
        accepted_at: Option<Instant>,
    }
}

/// The wire form as of `now`, which decides whether the invitation has expired.
pub fn invitation_at(invitation: Invitation, now: Timestamp) -> InvitationRead {
    InvitationRead {
        id: invitation.id.as_uuid(),
        role: invitation.role.as_str(),
        organization_id: invitation.organization_id.as_uuid(),
        status: invitation.status(now).as_str(),
        invited_by: invitation.invited_by.map(voxgate_domain::UserId::as_uuid),
        created_at: invitation.created_at.into(),
        expires_at: invitation.expires_at.into(),
        accepted_at: invitation.accepted_at.map(Instant),
        email: invitation.email,
    }
}

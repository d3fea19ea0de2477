//! What goes into and comes out of the invitation use cases.

use secrecy::SecretString;
use voxgate_domain::{InvitationStatus, OrgId, Page, Role, Timestamp};

/// A new invitation.
#[derive(Debug, Clone)]
pub struct CreateInvitation {
    /// Whom to invite, unchecked.
    pub email: String,
    /// The role the account will have.
    pub role: Role,
    /// Into which organisation; `None` means the caller's own.
    pub organization_id: Option<OrgId>,
}

/// Which invitations to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListInvitations {
    /// Only those of this organisation; the caller must administer it.
    pub organization_id: Option<OrgId>,
    /// Only those in this state.
    pub status: Option<InvitationStatus>,
    /// Which piece.
    pub page: Page,
}

/// What the holder of an invitation's link may see before accepting it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationPreview {
    /// Whom it was sent to.
    pub email: String,
    /// The role the account will have.
    pub role: Role,
    /// The organisation's name.
    pub organization_name: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Accepting an invitation.
#[derive(Debug, Clone)]
pub struct AcceptInvitation {
    /// The token from the link.
    pub token: SecretString,
    /// The password of the new account.
    pub password: SecretString,
    /// The name shown to others.
    pub full_name: Option<String>,
}

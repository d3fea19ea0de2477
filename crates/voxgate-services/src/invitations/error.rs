//! How the invitation use cases refuse.

use std::time::Duration;

use voxgate_domain::{InvalidEmail, InvalidPassword, Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A refusal around invitations.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// The caller may not invite, or not with this role.
    #[error("forbidden")]
    Forbidden,
    /// No such organisation, or a foreign one.
    #[error("no such organisation")]
    OrganizationNotFound,
    /// The organisation is closed.
    #[error("the organisation is inactive")]
    OrganizationInactive,
    /// No such invitation, or a foreign one.
    #[error("no such invitation")]
    NotFound,
    /// Past its end.
    #[error("the invitation has expired")]
    Expired,
    /// Used before.
    #[error("the invitation was accepted before")]
    AlreadyAccepted,
    /// Withdrawn.
    #[error("the invitation was revoked")]
    Revoked,
    /// The address has an account.
    #[error("the address is taken")]
    EmailTaken,
    /// The address is not one.
    #[error(transparent)]
    InvalidEmail(#[from] InvalidEmail),
    /// The password breaks the rule.
    #[error("invalid password: {0}")]
    InvalidPassword(#[from] InvalidPassword),
    /// Another value does not hold.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// One sentence.
        reason: String,
    },
    /// Too many passwords are being hashed at this moment.
    #[error("too many password hashes at once")]
    Busy,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for InvitationError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Forbidden => Refusal::Forbidden,
            Self::OrganizationNotFound | Self::NotFound => Refusal::NotFound,
            Self::Expired | Self::AlreadyAccepted | Self::Revoked => Refusal::Invalid {
                field: Some("token"),
            },
            Self::OrganizationInactive | Self::EmailTaken => Refusal::Conflict,
            Self::InvalidEmail(_) => Refusal::Invalid {
                field: Some("email"),
            },
            Self::InvalidPassword(_) => Refusal::Invalid {
                field: Some("password"),
            },
            Self::Invalid { field, .. } => Refusal::Invalid { field: Some(field) },
            Self::Busy => Refusal::Busy {
                retry_after: Duration::from_secs(1),
            },
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::OrganizationNotFound => "organization_not_found",
            Self::OrganizationInactive => "organization_inactive",
            Self::NotFound => "invitation_not_found",
            Self::Expired => "invitation_expired",
            Self::AlreadyAccepted => "invitation_already_accepted",
            Self::Revoked => "invitation_revoked",
            Self::EmailTaken => "email_taken",
            Self::InvalidEmail(_) => "invalid_email",
            Self::InvalidPassword(_) => "invalid_password",
            Self::Invalid { .. } => "invalid",
            Self::Busy => "busy",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Forbidden => "Forbidden".into(),
            Self::OrganizationNotFound => "Organization not found".into(),
            Self::OrganizationInactive => "The organization is not active".into(),
            Self::NotFound => "Invitation not found".into(),
            Self::Expired => "The invitation has expired".into(),
            Self::AlreadyAccepted => "The invitation has already been accepted".into(),
            Self::Revoked => "The invitation has been revoked".into(),
            Self::EmailTaken => "An account with this e-mail address already exists".into(),
            Self::InvalidEmail(error) => error.to_string(),
            Self::InvalidPassword(error) => error.to_string(),
            Self::Invalid { field, reason } => format!("{field}: {reason}"),
            Self::Busy => "The service is busy, please try again".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(InvitationError);

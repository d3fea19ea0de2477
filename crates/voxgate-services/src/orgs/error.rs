//! How the organisation use cases refuse.

use voxgate_domain::{InvalidEmail, Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A refusal around organisations.
#[derive(Debug, thiserror::Error)]
pub enum OrgError {
    /// The caller may not do this to an organisation they may see.
    #[error("forbidden")]
    Forbidden,
    /// No such organisation, or a foreign one.
    #[error("no such organisation")]
    NotFound,
    /// The administrator's address is not one.
    #[error(transparent)]
    InvalidEmail(#[from] InvalidEmail),
    /// Another value does not hold.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// One sentence.
        reason: String,
    },
    /// The administrator's address belongs to an account of another organisation.
    #[error("the administrator's address is taken")]
    AdminEmailTaken,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for OrgError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Forbidden => Refusal::Forbidden,
            Self::NotFound => Refusal::NotFound,
            Self::InvalidEmail(_) => Refusal::Invalid {
                field: Some("admin_email"),
            },
            Self::Invalid { field, .. } => Refusal::Invalid { field: Some(field) },
            Self::AdminEmailTaken => Refusal::Conflict,
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NotFound => "organization_not_found",
            Self::InvalidEmail(_) => "invalid_email",
            Self::Invalid { .. } => "invalid",
            Self::AdminEmailTaken => "email_taken",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Forbidden => "Forbidden".into(),
            Self::NotFound => "Organization not found".into(),
            Self::InvalidEmail(error) => error.to_string(),
            Self::Invalid { field, reason } => format!("{field}: {reason}"),
            Self::AdminEmailTaken => "An account with this e-mail address already exists".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(OrgError);

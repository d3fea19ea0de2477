//! How the API key use cases refuse.

use voxgate_domain::{Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A refusal around API keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The caller may not do this.
    #[error("forbidden")]
    Forbidden,
    /// The key would get more than its maker, its account or the key that made it has; says what.
    #[error("beyond the rights of its maker: {0}")]
    Exceeds(String),
    /// No such key, account or organisation, or a foreign one.
    #[error("not found")]
    NotFound,
    /// The key was revoked, which cannot be undone.
    #[error("the key is revoked")]
    Revoked,
    /// The key has ended; it must get another end first.
    #[error("the key has expired")]
    Expired,
    /// A value does not hold.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// One sentence.
        reason: String,
    },
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for KeyError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Forbidden | Self::Exceeds(_) => Refusal::Forbidden,
            Self::NotFound => Refusal::NotFound,
            Self::Revoked | Self::Expired => Refusal::Conflict,
            Self::Invalid { field, .. } => Refusal::Invalid { field: Some(field) },
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Exceeds(_) => "exceeds_rights",
            Self::NotFound => "not_found",
            Self::Revoked => "api_key_revoked",
            Self::Expired => "api_key_expired",
            Self::Invalid { .. } => "invalid",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Forbidden => "Forbidden".into(),
            Self::Exceeds(what) => {
                format!("A key cannot have more rights than its maker and its account: {what}")
            }
            Self::NotFound => "Not Found".into(),
            Self::Revoked => "The API key is revoked".into(),
            Self::Expired => "The API key has expired".into(),
            Self::Invalid { field, reason } => format!("{field}: {reason}"),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(KeyError);

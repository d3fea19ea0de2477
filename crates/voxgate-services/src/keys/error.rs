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
    /// No such key, account or organisation, or a foreign one.
    #[error("not found")]
    NotFound,
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
            Self::Forbidden => Refusal::Forbidden,
            Self::NotFound => Refusal::NotFound,
            Self::Invalid { field, .. } => Refusal::Invalid { field: Some(field) },
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Forbidden => "Forbidden".into(),
            Self::NotFound => "Not Found".into(),
            Self::Invalid { field, reason } => format!("{field}: {reason}"),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(KeyError);

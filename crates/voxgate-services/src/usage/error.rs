//! How the usage use cases refuse.

use voxgate_domain::{Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A refusal around usage.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The caller may not see another's usage.
    #[error("forbidden")]
    Forbidden,
    /// No such account or organisation, or a foreign one.
    #[error("not found")]
    NotFound,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for UsageError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Forbidden => Refusal::Forbidden,
            Self::NotFound => Refusal::NotFound,
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Forbidden => "Forbidden".into(),
            Self::NotFound => "Not Found".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(UsageError);

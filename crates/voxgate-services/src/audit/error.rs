//! How the audit use cases refuse.

use voxgate_domain::{Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A refusal around the audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The caller administers nothing.
    #[error("forbidden")]
    Forbidden,
    /// No such organisation, or a foreign one.
    #[error("no such organisation")]
    NotFound,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refuse for AuditError {
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
            Self::NotFound => "organization_not_found",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Forbidden => "Forbidden".into(),
            Self::NotFound => "Organization not found".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(AuditError);

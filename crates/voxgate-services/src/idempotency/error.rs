//! How idempotency keys are refused.

use std::time::Duration;

use voxgate_domain::{Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A request whose idempotency key stands in its way.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// It is no key.
    #[error("invalid idempotency key")]
    Invalid,
    /// The key was used for a different request.
    #[error("the idempotency key was used for a different request")]
    Reused,
    /// The first request is still at work.
    #[error("a request with this idempotency key is at work")]
    InProgress {
        /// When to try again.
        retry_after: Duration,
    },
    /// The request was done and paid for, but its answer was too long to be kept.
    #[error("the answer to this idempotency key was not kept")]
    NotKept,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

store_errors_are_faults!(IdempotencyError);

impl Refuse for IdempotencyError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Invalid | Self::Reused => Refusal::Invalid {
                field: Some("idempotency_key"),
            },
            Self::InProgress { .. } | Self::NotKept => Refusal::Conflict,
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid => "invalid_idempotency_key",
            Self::Reused => "idempotency_key_reused",
            Self::InProgress { .. } => "idempotent_request_in_progress",
            Self::NotKept => "idempotent_answer_not_kept",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Invalid => {
                "The Idempotency-Key must be 1 to 255 printable ASCII characters".into()
            }
            Self::Reused => {
                "This Idempotency-Key was used for a different request; use a new one".into()
            }
            Self::InProgress { .. } => {
                "A request with this Idempotency-Key is still being worked on, please try again"
                    .into()
            }
            Self::NotKept => "The request with this Idempotency-Key was completed, but its answer \
                 was too long to be kept; use a new key to do it again"
                .into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

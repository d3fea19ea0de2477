//! What can go wrong below every use case, and the glue that lets each service error carry it.

use std::time::Duration;

use voxgate_domain::{Refusal, Refuse};
use voxgate_store::StoreError;

/// A failure that is not the caller's. The text is for the log; the caller hears [`Refuse::public_message`].
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database is contended; the same request may well succeed in a moment.
    #[error("the database is busy")]
    Busy,
    /// The database cannot be reached.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// A broken assumption.
    #[error("{0}")]
    Internal(String),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Self::Busy,
            StoreError::Unavailable(reason) => Self::Unavailable(reason),
            StoreError::Corrupt(reason) => {
                Self::Internal(format!("corrupt row or statement: {reason}"))
            }
            StoreError::Conflict { constraint } => {
                Self::Internal(format!("unexpected conflict on {constraint}"))
            }
        }
    }
}

impl Refuse for Fault {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Busy => Refusal::Busy {
                retry_after: Duration::from_secs(1),
            },
            Self::Unavailable(_) => Refusal::Unavailable,
            Self::Internal(_) => Refusal::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal_error",
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Busy => "The service is busy, please try again".into(),
            Self::Unavailable(_) => "The service is temporarily unavailable".into(),
            Self::Internal(_) => "Internal server error".into(),
        }
    }
}

/// Lets a service error with a `Fault` variant be raised by `?` on a store call.
macro_rules! store_errors_are_faults {
    ($($error:ty),* $(,)?) => {$(
        impl From<voxgate_store::StoreError> for $error {
            fn from(error: voxgate_store::StoreError) -> Self {
                Self::Fault(error.into())
            }
        }
    )*};
}
pub(crate) use store_errors_are_faults;

//! How changes of credits are refused.

use voxgate_domain::{Micros, Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A change of credits or prices that was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreditError {
    /// The caller may not do this.
    #[error("forbidden")]
    Forbidden,
    /// No such organisation or plan, or not the caller's to know about.
    #[error("not found")]
    NotFound,
    /// A value does not hold.
    #[error("{field}: {reason}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// Why.
        reason: String,
    },
    /// It would take more than there is.
    #[error("{available} credits are available")]
    Insufficient {
        /// What there is.
        available: Micros,
    },
    /// More than can be given back for the request.
    #[error("{refundable} credits can be refunded")]
    NotRefundable {
        /// What can be.
        refundable: Micros,
    },
    /// The transfer's id was used for something else.
    #[error("the id of the transfer is taken")]
    IdTaken,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

store_errors_are_faults!(CreditError);

impl Refuse for CreditError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Forbidden => Refusal::Forbidden,
            Self::NotFound => Refusal::NotFound,
            Self::Invalid { field, .. } => Refusal::Invalid { field: Some(field) },
            Self::Insufficient { .. } | Self::NotRefundable { .. } => Refusal::Invalid {
                field: Some("amount_micros"),
            },
            Self::IdTaken => Refusal::Conflict,
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Invalid { .. } => "invalid",
            Self::Insufficient { .. } => "insufficient_credits",
            Self::NotRefundable { .. } => "not_refundable",
            Self::IdTaken => "transfer_id_taken",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Forbidden => "Forbidden".into(),
            Self::NotFound => "Not found".into(),
            Self::Invalid { field, reason } => format!("{field} {reason}"),
            Self::Insufficient { available } => {
                format!("That is more than the {available} credits there are")
            }
            Self::NotRefundable { refundable } => {
                format!("At most {refundable} credits can be given back for this request")
            }
            Self::IdTaken => "A different transfer has this id already".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

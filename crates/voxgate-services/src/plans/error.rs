//! How the plan use cases refuse.

use voxgate_domain::{Refusal, Refuse};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A refusal around plans.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The caller may not do this.
    #[error("forbidden")]
    Forbidden,
    /// No such plan.
    #[error("no such plan")]
    NotFound,
    /// Another plan has the name.
    #[error("the name is taken")]
    NameTaken,
    /// Organisations or keys have the plan.
    #[error("the plan is in use")]
    InUse,
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

impl Refuse for PlanError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Forbidden => Refusal::Forbidden,
            Self::NotFound => Refusal::NotFound,
            Self::NameTaken | Self::InUse => Refusal::Conflict,
            Self::Invalid { field, .. } => Refusal::Invalid { field: Some(field) },
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NotFound => "plan_not_found",
            Self::NameTaken => "plan_name_taken",
            Self::InUse => "plan_in_use",
            Self::Invalid { .. } => "invalid",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::Forbidden => "Forbidden".into(),
            Self::NotFound => "Plan not found".into(),
            Self::NameTaken => "Another plan has this name".into(),
            Self::InUse => "Organizations or keys have this plan".into(),
            Self::Invalid { field, reason } => format!("{field}: {reason}"),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

store_errors_are_faults!(PlanError);

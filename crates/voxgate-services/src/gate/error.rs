//! How the gate refuses.

use std::time::Duration;

use voxgate_domain::{LimitKind, LimitRefusal, Micros, Refusal, Refuse, Service};

use crate::Fault;
use crate::fault::store_errors_are_faults;

/// A request that was not let in. Nothing is counted, held or charged then, but for the attempt itself where a window
/// refused it.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The caller belongs to no organisation, so there is nobody to account for it.
    #[error("the caller has no organisation")]
    NoOrganization,
    /// The organisation is suspended or inactive.
    #[error("the organisation is not active")]
    OrganizationNotActive,
    /// The key may not use the service.
    #[error("the key may not use {0}")]
    ServiceNotAllowed(Service),
    /// The key may not use the voice.
    #[error("the key may not use the voice {0:?}")]
    VoiceNotAllowed(String),
    /// The key may not use the model.
    #[error("the key may not use the model {0:?}")]
    ModelNotAllowed(String),
    /// A limit refused.
    #[error("{} refused", .0.kind.as_str())]
    Limited(LimitRefusal),
    /// The organisation has not enough credits.
    #[error("{needed} credits are needed, {available} are available")]
    InsufficientCredits {
        /// What had to be held.
        needed: Micros,
        /// What there is.
        available: Micros,
    },
    /// The key's budget does not cover it.
    #[error("{needed} credits are needed, {left} are left of the key's budget")]
    OverBudget {
        /// What had to be held.
        needed: Micros,
        /// What is left.
        left: Micros,
    },
    /// The books cannot keep up.
    #[error("metering is behind")]
    Behind,
    /// Not the caller's fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

store_errors_are_faults!(GateError);

/// The kind of refusal a limit means.
pub(crate) fn limited(limit: &LimitRefusal) -> Refusal {
    match limit.kind {
        LimitKind::RequestsPerMinute
        | LimitKind::TokensPerMinute
        | LimitKind::GenerationPer10Seconds
        | LimitKind::ReadPer10Seconds
        | LimitKind::UploadPerMinute
        | LimitKind::DeletePerMinute
        | LimitKind::ConcurrentStreams
        | LimitKind::LoginAttempts => Refusal::Rate(*limit),
        LimitKind::TokensPerDay
        | LimitKind::WordsPerDay
        | LimitKind::WordsPerMonth
        | LimitKind::CharactersPerMonth
        | LimitKind::AudioSecondsPerMonth => Refusal::Quota(*limit),
    }
}

impl Refuse for GateError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::NoOrganization
            | Self::OrganizationNotActive
            | Self::ServiceNotAllowed(_)
            | Self::VoiceNotAllowed(_)
            | Self::ModelNotAllowed(_) => Refusal::Forbidden,
            Self::Limited(limit) => limited(limit),
            Self::InsufficientCredits { .. } | Self::OverBudget { .. } => Refusal::Payment,
            Self::Behind => Refusal::Busy {
                retry_after: Duration::from_secs(1),
            },
            Self::Fault(fault) => fault.refusal(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoOrganization => "no_organization",
            Self::OrganizationNotActive => "organization_not_active",
            Self::ServiceNotAllowed(_) => "service_not_allowed",
            Self::VoiceNotAllowed(_) => "voice_not_allowed",
            Self::ModelNotAllowed(_) => "model_not_allowed",
            Self::Limited(limit) => limit.kind.as_str(),
            Self::InsufficientCredits { .. } => "insufficient_credits",
            Self::OverBudget { .. } => "key_budget_exceeded",
            Self::Behind => "busy",
            Self::Fault(fault) => fault.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Self::NoOrganization => "Your account belongs to no organization".into(),
            Self::OrganizationNotActive => "Your organization is not active".into(),
            Self::ServiceNotAllowed(service) => {
                format!("This API key may not use the service {service}")
            }
            Self::VoiceNotAllowed(voice) => format!("This API key may not use the voice {voice}"),
            Self::ModelNotAllowed(model) => format!("This API key may not use the model {model}"),
            Self::Limited(limit) => message(limit),
            Self::InsufficientCredits { needed, available } => format!(
                "Not enough credits: this request needs {needed}, available are {available}"
            ),
            Self::OverBudget { needed, left } => format!(
                "The credit budget of this API key is used up: this request needs {needed}, left are {left}"
            ),
            Self::Behind => "The service is busy, please try again".into(),
            Self::Fault(fault) => fault.public_message(),
        }
    }
}

/// A limit's refusal in words; the first three are those of the AethexAI reference.
pub(crate) fn message(limit: &LimitRefusal) -> String {
    match limit.kind {
        LimitKind::RequestsPerMinute
        | LimitKind::GenerationPer10Seconds
        | LimitKind::ReadPer10Seconds
        | LimitKind::UploadPerMinute
        | LimitKind::DeletePerMinute => "Rate limit exceeded".into(),
        LimitKind::WordsPerDay => "Daily word limit exceeded".into(),
        LimitKind::WordsPerMonth => "Monthly word limit exceeded".into(),
        LimitKind::TokensPerMinute => "Token limit per minute exceeded".into(),
        LimitKind::TokensPerDay => "Daily token limit exceeded".into(),
        LimitKind::CharactersPerMonth => "Monthly character limit exceeded".into(),
        LimitKind::AudioSecondsPerMonth => "Monthly audio limit exceeded".into(),
        LimitKind::ConcurrentStreams => "Too many requests at once".into(),
        LimitKind::LoginAttempts => "Too many failed attempts".into(),
    }
}

//! The one grammar in which services refuse. Every dialect maps it to its own statuses and bodies in one exhaustive table.

use std::time::Duration;

use crate::LimitRefusal;

/// Why a request is refused, in terms every transport can express.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody we know: no credential, or one that is not valid (any more).
    Unauthenticated,
    /// Somebody we know, who may not do this.
    Forbidden,
    /// There is no such thing, or it is not this caller's to know about.
    NotFound,
    /// It would contradict what is already there.
    Conflict,
    /// A value does not hold; `field` names it in the service's words.
    Invalid {
        /// The field at fault, where one field is.
        field: Option<&'static str>,
    },
    /// A value is longer than allowed.
    TooLarge {
        /// The field at fault.
        field: &'static str,
        /// The largest size allowed, in the field's own unit.
        max: u64,
    },
    /// Too many requests in a short window.
    Rate(LimitRefusal),
    /// An allowance for a day or a month is used up.
    Quota(LimitRefusal),
    /// The account cannot cover it.
    Payment,
    /// All hands are full at this moment.
    Busy {
        /// When to try again, from now.
        retry_after: Duration,
    },
    /// Something this request needs is not there, and waiting a moment will not change that.
    Unavailable,
    /// Our fault. Details are in the log, never in the answer.
    Internal,
}

impl Refusal {
    /// Whole seconds for `Retry-After`, where trying again helps: rounded up, at least one.
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u64> {
        match self {
            Self::Rate(limit) | Self::Quota(limit) => Some(limit.retry_after_secs()),
            Self::Busy { retry_after } => Some(crate::limits::whole_secs(*retry_after)),
            Self::Unauthenticated
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict
            | Self::Invalid { .. }
            | Self::TooLarge { .. }
            | Self::Payment
            | Self::Unavailable
            | Self::Internal => None,
        }
    }
}

/// What every service error can answer about itself.
pub trait Refuse: std::error::Error {
    /// The kind of refusal.
    fn refusal(&self) -> Refusal;

    /// A stable, lower-case machine code such as `voice_not_found`.
    fn code(&self) -> &'static str;

    /// A sentence for the caller, free of internals.
    fn public_message(&self) -> String;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_round_up() {
        let busy = |millis| {
            Refusal::Busy {
                retry_after: Duration::from_millis(millis),
            }
            .retry_after_secs()
        };
        assert_eq!(busy(0), Some(1));
        assert_eq!(busy(1000), Some(1));
        assert_eq!(busy(1001), Some(2));
        assert_eq!(Refusal::Forbidden.retry_after_secs(), None);
    }
}

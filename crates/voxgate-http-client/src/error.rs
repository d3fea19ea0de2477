//! Why an outbound request did not end in a response.

use crate::policy::Refusal;

/// A failed outbound request. The messages name the host but never the path or query, which may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The URL cannot be parsed, is not `http(s)`, or carries credentials.
    #[error("{0}")]
    InvalidUrl(String),
    /// The address policy forbids the host.
    #[error("{0}")]
    Refused(Refusal),
    /// The name has no address, or could not be looked up.
    #[error("the name {host} could not be resolved: {detail}")]
    Resolve {
        /// The name looked up.
        host: String,
        /// What the system's resolver said.
        detail: String,
    },
    /// No connection to the host could be made.
    #[error("no connection to {host}: {detail}")]
    Connect {
        /// The host dialled.
        host: String,
        /// What went wrong.
        detail: String,
    },
    /// A limit of time was reached.
    #[error("{host} did not answer in time")]
    Timeout {
        /// The host called.
        host: String,
    },
    /// More redirects than the policy follows.
    #[error("{host} redirected more than {limit} times")]
    TooManyRedirects {
        /// The last host.
        host: String,
        /// Redirects followed.
        limit: usize,
    },
    /// The body is longer than the cap.
    #[error("the answer of {host} is larger than {limit} bytes")]
    BodyTooLarge {
        /// The host called.
        host: String,
        /// The cap in bytes.
        limit: u64,
    },
    /// The connection broke or spoke something else than HTTP.
    #[error("the exchange with {host} failed: {detail}")]
    Transport {
        /// The host called.
        host: String,
        /// What went wrong.
        detail: String,
    },
}

impl OutboundError {
    /// Whether the same request may well succeed a moment later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. }
                | Self::Timeout { .. }
                | Self::Transport { .. }
                | Self::Resolve { .. }
        )
    }

    pub(crate) fn from_reqwest(host: &str, error: &reqwest::Error) -> Self {
        // Ours, travelling through reqwest's error chain.
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        let mut innermost = String::new();
        while let Some(current) = cause {
            if let Some(own) = current.downcast_ref::<Self>() {
                return own.clone();
            }
            innermost = current.to_string();
            cause = current.source();
        }
        let host = host.to_owned();
        if error.is_timeout() {
            Self::Timeout { host }
        } else if error.is_connect() {
            Self::Connect {
                host,
                detail: innermost,
            }
        } else {
            Self::Transport {
                host,
                detail: innermost,
            }
        }
    }
}

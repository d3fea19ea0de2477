//! Metered requests.

use std::fmt;
use std::str::FromStr;

/// How far a metered request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestStatus {
    /// Admitted, words reserved, not finished.
    Pending,
    /// Delivered whole.
    Success,
    /// Ended by an error or by the client going away.
    Failed,
}

/// A text that names no [`RequestStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown request status")]
pub struct UnknownRequestStatus;

impl RequestStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Success, Self::Failed];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for RequestStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RequestStatus {
    type Err = UnknownRequestStatus;

    fn from_str(text: &str) -> Result<Self, UnknownRequestStatus> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownRequestStatus)
    }
}

/// Sums over metered requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageTotals {
    /// Requests of any status.
    pub requests: u64,
    /// Of those, delivered whole.
    pub success: u64,
    /// Of those, ended early.
    pub failed: u64,
    /// Of those, still running.
    pub pending: u64,
    /// Characters (Unicode scalar values) of the texts delivered, including the share of those that ended early.
    pub characters: u64,
    /// Words charged.
    pub words: u64,
    /// Milliseconds of audio delivered.
    pub audio_ms: u64,
}

impl UsageTotals {
    /// Seconds of audio delivered.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to 285,000 years of audio"
    )]
    pub fn audio_seconds(&self) -> f64 {
        self.audio_ms as f64 / 1000.0
    }
}

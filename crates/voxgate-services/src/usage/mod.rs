//! What was used.

mod error;
mod types;

use voxgate_domain::{DateRange, OrgId, Paged, UserId};

use crate::Principal;
pub use error::UsageError;
pub use types::{
    DayUsage, ListRequests, OrgTotals, OrgUsage, UsageRecord, UsageSummary, UserUsage,
    WordAllowance,
};

/// The usage use cases.
#[derive(Clone)]
pub struct Usage {}

impl Usage {
    /// The current day and month of the caller, or of `user`, which takes an administrator of their organisation.
    ///
    /// # Errors
    /// `Forbidden` for a plain user who names anybody (but themselves); `NotFound` for an unknown or foreign user.
    pub async fn summary(
        &self,
        _principal: &Principal,
        _user: Option<UserId>,
    ) -> Result<UsageSummary, UsageError> {
        unimplemented!()
    }

    /// Single requests, newest first.
    ///
    /// # Errors
    /// As for [`Usage::summary`].
    pub async fn requests(
        &self,
        _principal: &Principal,
        _query: ListRequests,
    ) -> Result<Paged<UsageRecord>, UsageError> {
        unimplemented!()
    }

    /// A whole organisation over `range` (`None`: this month so far); its administrators and system administrators.
    ///
    /// # Errors
    /// `NotFound` for a foreign organisation, `Forbidden` for its plain users.
    pub async fn organization(
        &self,
        _principal: &Principal,
        _id: OrgId,
        _range: Option<DateRange>,
    ) -> Result<OrgUsage, UsageError> {
        unimplemented!()
    }

    /// Every organisation's sums over `range` (`None`: this month so far), most words first, at most a thousand; system
    /// administrators only.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn totals(
        &self,
        _principal: &Principal,
        _range: Option<DateRange>,
    ) -> Result<Vec<OrgTotals>, UsageError> {
        unimplemented!()
    }
}

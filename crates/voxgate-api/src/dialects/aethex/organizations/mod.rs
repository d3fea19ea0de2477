//! Organisations, their members and their usage.

pub mod create;
pub mod list;
pub mod members;
pub mod read;
pub mod update;
pub mod usage;

use uuid::Uuid;
use voxgate_domain::{OrgId, OrgLimits};

use crate::extract::kinds::{Int, defaulted, int, required, uuid};
pub(super) use crate::extract::page::{MAX_OFFSET, page};
use crate::extract::{Style, input};

const TAG: &str = "organizations";

input! {
    /// Which organisation.
    pub struct OrganizationPath as "OrganizationPath", Style::Text; {
        /// The organisation's id.
        org_id: Uuid = required(uuid()),
    }
}

impl OrganizationPath {
    fn id(&self) -> OrgId {
        OrgId::from(self.org_id)
    }
}

input! {
    /// Which piece of a list.
    pub struct Paging as "Paging", Style::Text; {
        /// The most entries to return.
        limit: i64 = defaulted(int(1, 100), 50),
        /// How many entries to skip first.
        offset: i64 = defaulted(int(0, MAX_OFFSET), 0),
    }
}

/// A limit counted in words.
fn words() -> Int {
    int(0, i64::try_from(OrgLimits::MAX_WORDS).unwrap_or(i64::MAX))
}

/// A limit counted in requests per minute.
fn requests_per_minute() -> Int {
    int(0, i64::from(OrgLimits::MAX_REQUESTS_PER_MINUTE))
}

fn to_words(limit: Option<i64>) -> Option<u64> {
    limit.and_then(|limit| u64::try_from(limit).ok())
}

fn to_requests(limit: Option<i64>) -> Option<u32> {
    limit.and_then(|limit| u32::try_from(limit).ok())
}

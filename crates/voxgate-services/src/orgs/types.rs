//! What goes into and comes out of the organisation use cases.

use serde_json::{Map, Value};
use voxgate_domain::{
    LimitKind, LimitSet, OrgId, OrgLimits, OrgStatus, Page, Patch, PlanId, Timestamp,
};

/// An organisation.
#[derive(Debug, Clone, PartialEq)]
pub struct Organization {
    /// The organisation's id.
    pub id: OrgId,
    /// Its name.
    pub name: String,
    /// Its mail domain, in lower case.
    pub domain: Option<String>,
    /// Whether somebody has checked that the domain is theirs.
    pub domain_verified: bool,
    /// Whether it may be used.
    pub status: OrgStatus,
    /// The address of its first administrator.
    pub admin_email: String,
    /// Its plan.
    pub plan_id: Option<PlanId>,
    /// Words per day and month and requests per minute as they hold: its own, or its plan's. What nothing limits stands at
    /// the largest value.
    pub limits: OrgLimits,
    /// The limits that are its own, of every kind.
    pub own_limits: LimitSet,
    /// The limits that hold, of every kind: its own, or its plan's.
    pub all_limits: LimitSet,
    /// Free-form settings of its own.
    pub settings: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Which organisations to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListOrgs {
    /// Only those in this state.
    pub status: Option<OrgStatus>,
    /// Which piece.
    pub page: Page,
}

/// A new organisation.
#[derive(Debug, Clone, Default)]
pub struct CreateOrg {
    /// Its name: 1 to 200 characters.
    pub name: String,
    /// Its mail domain.
    pub domain: Option<String>,
    /// Who will administer it; an invitation as ORG_ADMIN is mailed there.
    pub admin_email: String,
    /// Words per day; `None` for the plan's, or without a plan the installation's default.
    pub daily_word_limit: Option<u64>,
    /// Words per month; `None` likewise.
    pub monthly_word_limit: Option<u64>,
    /// Requests per minute; `None` likewise.
    pub rate_limit_per_minute: Option<u32>,
    /// Its plan.
    pub plan_id: Option<PlanId>,
    /// Limits of any kind: an own value, or `None` for the plan's (no limit where the plan has none either). Comes after
    /// the three above.
    pub limits: Vec<(LimitKind, Option<u64>)>,
}

/// A change to an organisation. `None` and [`Patch::Keep`] leave a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateOrg {
    /// A new name.
    pub name: Option<String>,
    /// A new domain; it is unverified until somebody says otherwise.
    pub domain: Patch<String>,
    /// System administrators only.
    pub domain_verified: Option<bool>,
    /// System administrators only.
    pub status: Option<OrgStatus>,
    /// System administrators only.
    pub daily_word_limit: Option<u64>,
    /// System administrators only.
    pub monthly_word_limit: Option<u64>,
    /// System administrators only.
    pub rate_limit_per_minute: Option<u32>,
    /// Another plan, or none. System administrators only.
    pub plan_id: Patch<PlanId>,
    /// Limits of any kind: an own value, or `None` for the plan's (no limit where the plan has none either). Comes after
    /// the three above. System administrators only.
    pub limits: Vec<(LimitKind, Option<u64>)>,
    /// Replaces the settings as a whole; [`Patch::Clear`] empties them.
    pub settings: Patch<Map<String, Value>>,
}

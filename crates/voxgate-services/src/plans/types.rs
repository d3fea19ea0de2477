//! What goes into and comes out of the plan use cases.

use voxgate_domain::{LimitSet, PlanId, Timestamp};

/// A plan: limits under a name, which organisations and keys can be given. Its prices are the credit use cases'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The plan's id.
    pub id: PlanId,
    /// Its name; no other plan has it.
    pub name: String,
    /// Its limits. A kind without a value is not limited by it.
    pub limits: LimitSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A new plan.
#[derive(Debug, Clone, Default)]
pub struct CreatePlan {
    /// Its name: 1 to 200 characters.
    pub name: String,
    /// Its limits.
    pub limits: LimitSet,
}

/// A change to a plan. `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdatePlan {
    /// A new name.
    pub name: Option<String>,
    /// Replaces its limits as a whole.
    pub limits: Option<LimitSet>,
}

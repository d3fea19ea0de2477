//! A plan as administration shows it.

use uuid::Uuid;
use voxgate_services::plans::Plan;

use super::LimitMap;
use crate::output::{Instant, output};

output! {
    /// A plan: limits under a name, which organisations and keys can be given.
    pub struct AdminPlan {
        /// The plan's id.
        id: Uuid,
        /// Its name.
        name: String,
        /// Its limits.
        limits: LimitMap,
        /// When it was made.
        created_at: Instant,
        /// When it last changed.
        updated_at: Instant,
    }
}

impl From<Plan> for AdminPlan {
    fn from(plan: Plan) -> Self {
        Self {
            id: plan.id.as_uuid(),
            name: plan.name,
            limits: LimitMap(plan.limits),
            created_at: plan.created_at.into(),
            updated_at: plan.updated_at.into(),
        }
    }
}

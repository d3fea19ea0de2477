//! Plans: limits under a name.

pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod update;

use uuid::Uuid;
use voxgate_domain::PlanId;

use crate::extract::kinds::{required, uuid};
use crate::extract::{Style, input};

input! {
    /// Which plan.
    pub struct PlanPath as "AdminPlanPath", Style::Text; {
        /// The plan's id.
        plan_id: Uuid = required(uuid()),
    }
}

impl PlanPath {
    /// The plan that is meant.
    pub(super) fn id(&self) -> PlanId {
        PlanId::from(self.plan_id)
    }
}

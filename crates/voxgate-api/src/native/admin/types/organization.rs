//! An organisation as administration shows it.

use serde_json::{Map, Value};
use uuid::Uuid;
use voxgate_domain::{OrgId, PlanId};
use voxgate_services::orgs::Organization;

use super::LimitMap;
use crate::output::{Instant, output};

output! {
    /// An organisation.
    pub struct AdminOrganization {
        /// The organisation's id.
        id: Uuid,
        /// Its name.
        name: String,
        /// Its mail domain.
        domain: Option<String>,
        /// Whether the domain has been checked to be theirs.
        domain_verified: bool,
        /// active, suspended or inactive.
        status: &'static str,
        /// The address of its first administrator.
        admin_email: String,
        /// Its plan, whose limits hold where it has no own.
        plan_id: Option<Uuid>,
        /// Its own limits.
        own_limits: LimitMap,
        /// The limits that hold: its own, and those of its plan.
        limits: LimitMap,
        /// Free-form settings of its own.
        settings: Map<String, Value>,
        /// When it was made.
        created_at: Instant,
        /// When it last changed.
        updated_at: Instant,
    }
}

impl From<Organization> for AdminOrganization {
    fn from(organization: Organization) -> Self {
        Self {
            id: OrgId::as_uuid(organization.id),
            name: organization.name,
            domain: organization.domain,
            domain_verified: organization.domain_verified,
            status: organization.status.as_str(),
            admin_email: organization.admin_email,
            plan_id: organization.plan_id.map(PlanId::as_uuid),
            own_limits: LimitMap(organization.own_limits),
            limits: LimitMap(organization.all_limits),
            settings: organization.settings,
            created_at: organization.created_at.into(),
            updated_at: organization.updated_at.into(),
        }
    }
}

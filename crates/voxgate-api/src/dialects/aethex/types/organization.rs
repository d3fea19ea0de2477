//! An organisation on the wire.

use serde_json::{Map, Value};
use uuid::Uuid;
use voxgate_services::orgs::Organization;

use crate::output::{Instant, output};

output! {
    /// An organisation.
    pub struct OrganizationRead {
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
        /// Words that may be spoken per UTC day.
        daily_word_limit: u64,
        /// Words that may be spoken per UTC calendar month.
        monthly_word_limit: u64,
        /// Speech requests in any 60 seconds.
        rate_limit_per_minute: u32,
        /// Free-form settings of its own.
        settings: Map<String, Value>,
        /// When it was made.
        created_at: Instant,
        /// When it last changed.
        updated_at: Instant,
    }
}

impl From<Organization> for OrganizationRead {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id.as_uuid(),
            name: organization.name,
            domain: organization.domain,
            domain_verified: organization.domain_verified,
            status: organization.status.as_str(),
            admin_email: organization.admin_email,
            daily_word_limit: organization.limits.daily_words,
            monthly_word_limit: organization.limits.monthly_words,
            rate_limit_per_minute: organization.limits.requests_per_minute,
            settings: organization.settings,
            created_at: organization.created_at.into(),
            updated_at: organization.updated_at.into(),
        }
    }
}

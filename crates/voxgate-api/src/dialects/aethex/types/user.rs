//! An account on the wire.

use uuid::Uuid;
use voxgate_domain::User;

use crate::output::{Instant, output};

output! {
    /// An account: the five keys of the reference in their order, then ours.
    pub struct UserRead {
        /// The account's id.
        id: Uuid,
        /// The address, its domain in lower case.
        email: String,
        /// Whether the account may be used.
        is_active: bool,
        /// Whether it is a system administrator's.
        is_superuser: bool,
        /// Whether the address has been verified.
        is_verified: bool,
        /// SYSTEM_ADMIN, ORG_ADMIN or ORG_USER.
        role: &'static str,
        /// The organisation it belongs to.
        organization_id: Option<Uuid>,
        /// The name shown to others.
        full_name: Option<String>,
        /// When it was made.
        created_at: Instant,
        /// When it last changed.
        updated_at: Instant,
    }
}

impl From<User> for UserRead {
    fn from(user: User) -> Self {
        Self {
            id: user.id.as_uuid(),
            is_active: user.is_active,
            is_superuser: user.is_superuser(),
            is_verified: user.is_verified,
            role: user.role.as_str(),
            organization_id: user.organization_id.map(voxgate_domain::OrgId::as_uuid),
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
            email: user.email,
            full_name: user.full_name,
        }
    }
}

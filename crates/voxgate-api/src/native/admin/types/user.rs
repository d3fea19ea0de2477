//! An account as administration shows it.

use uuid::Uuid;
use voxgate_domain::{OrgId, User};
use voxgate_services::identity::CreatedUser;

use crate::output::{Instant, Revealed, output};

output! {
    /// An account.
    pub struct AdminUser {
        /// The account's id.
        id: Uuid,
        /// The address, its domain in lower case.
        email: String,
        /// The name shown to others.
        full_name: Option<String>,
        /// SYSTEM_ADMIN, ORG_ADMIN or ORG_USER.
        role: &'static str,
        /// The organisation it belongs to.
        organization_id: Option<Uuid>,
        /// Whether the account may be used.
        is_active: bool,
        /// Whether the address has been verified.
        is_verified: bool,
        /// When it was made.
        created_at: Instant,
        /// When it last changed.
        updated_at: Instant,
    }
}

output! {
    /// A new account.
    pub struct AdminUserCreated {
        /// The account.
        user: AdminUser,
        /// Its password, where it was generated; shown this once.
        password: Option<Revealed>,
    }
}

impl From<User> for AdminUser {
    fn from(user: User) -> Self {
        Self {
            id: user.id.as_uuid(),
            role: user.role.as_str(),
            organization_id: user.organization_id.map(OrgId::as_uuid),
            is_active: user.is_active,
            is_verified: user.is_verified,
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
            email: user.email,
            full_name: user.full_name,
        }
    }
}

impl From<CreatedUser> for AdminUserCreated {
    fn from(created: CreatedUser) -> Self {
        Self {
            user: created.user.into(),
            password: created.generated_password.map(Revealed),
        }
    }
}

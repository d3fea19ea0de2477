//! What goes into and comes out of the identity use cases.

use std::net::IpAddr;

use secrecy::SecretString;
use voxgate_domain::{OrgId, Patch, Role, Timestamp, User};

/// A secret a caller presents, by the place it was found in.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The value after `Authorization: Bearer`: a session token or an API key.
    Bearer(SecretString),
    /// The value of `X-API-Key` or its equivalents.
    ApiKey(SecretString),
}

/// A login attempt.
#[derive(Debug, Clone)]
pub struct LoginCommand {
    /// What was typed as the user name; need not look like an address.
    pub username: String,
    /// The password.
    pub password: SecretString,
    /// Where the attempt comes from; attempts without an address share one throttle.
    pub client: Option<IpAddr>,
}

/// A session that was just opened.
#[derive(Debug, Clone)]
pub struct Session {
    /// The bearer token.
    pub token: SecretString,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A self-registration.
#[derive(Debug, Clone)]
pub struct RegisterCommand {
    /// The address, unchecked.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// The name shown to others.
    pub full_name: Option<String>,
}

/// A password reset with the token from the mail.
#[derive(Debug, Clone)]
pub struct ResetPasswordCommand {
    /// The token.
    pub token: SecretString,
    /// The new password.
    pub password: SecretString,
}

/// What people may change about themselves.
#[derive(Debug, Clone, Default)]
pub struct UpdateMe {
    /// A new address, unchecked; it will be unverified. `None` changes nothing.
    pub email: Option<String>,
    /// A new password. `None` changes nothing.
    pub password: Option<SecretString>,
    /// A new name.
    pub full_name: Patch<String>,
}

/// What a system administrator may change about anybody.
#[derive(Debug, Clone, Default)]
pub struct UpdateUser {
    /// A new address, unchecked; it will be unverified unless `is_verified` says otherwise.
    pub email: Option<String>,
    /// A new password.
    pub password: Option<SecretString>,
    /// A new name.
    pub full_name: Patch<String>,
    /// Whether the account may be used.
    pub is_active: Option<bool>,
    /// `true` makes a system administrator; `false` turns one into an administrator of their organisation, or a plain
    /// user where they have none. Ignored where `role` is given.
    pub is_superuser: Option<bool>,
    /// Whether the address counts as verified.
    pub is_verified: Option<bool>,
    /// A new role.
    pub role: Option<Role>,
    /// Another organisation, or none.
    pub organization_id: Patch<OrgId>,
}

/// An account made by an administrator.
#[derive(Debug, Clone)]
pub struct CreateUserCommand {
    /// The address, unchecked; it counts as verified.
    pub email: String,
    /// The password; `None` has one generated.
    pub password: Option<SecretString>,
    /// The name shown to others.
    pub full_name: Option<String>,
    /// The role.
    pub role: Role,
    /// The organisation; required for every role but the system administrator's.
    pub organization_id: Option<OrgId>,
}

/// An account that was just made by an administrator.
#[derive(Debug, Clone)]
pub struct CreatedUser {
    /// The account.
    pub user: User,
    /// The password, where it was generated; shown this once.
    pub generated_password: Option<SecretString>,
}

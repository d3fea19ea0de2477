//! Logins, sessions and accounts.
//!
//! Owns who a caller is and how they show it. Whether they may then do something is asked of [`crate::Principal`] by the
//! use case in question.

mod accounts;
mod api_keys;
mod error;
pub(crate) mod password;
mod recovery;
mod sessions;
mod throttle;
pub(crate) mod tokens;
mod trail;
mod types;

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use voxgate_domain::InvalidPassword;

use crate::Fault;
use crate::core::Core;
pub use error::{AccountError, AuthError, LoginError};
pub(crate) use trail::account_event;
pub use types::{
    CreateUserCommand, CreatedUser, Credential, LoginCommand, RegisterCommand,
    ResetPasswordCommand, Session, UpdateMe, UpdateUser,
};

/// The identity use cases.
#[derive(Clone)]
pub struct Identity {
    core: Arc<Core>,
}

impl Identity {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

/// The longest name of a person or a key, in characters.
pub(crate) const MAX_NAME_CHARACTERS: usize = 200;

/// A name as it is kept: trimmed, none where nothing is left.
///
/// # Errors
/// A sentence where it is too long or holds control characters.
pub(crate) fn checked_name(name: &str) -> Result<Option<String>, String> {
    let name = name.trim();
    if name.chars().count() > MAX_NAME_CHARACTERS {
        return Err(format!("must be at most {MAX_NAME_CHARACTERS} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("must not contain control characters".into());
    }
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// Why a new password was not hashed.
pub(crate) enum NewPasswordError {
    Invalid(InvalidPassword),
    Busy,
    Fault(Fault),
}

impl Core {
    /// Checks a new password against the rule and hashes it.
    pub(crate) async fn hash_new_password(
        &self,
        password: &SecretString,
        email: &str,
    ) -> Result<String, NewPasswordError> {
        self.config
            .identity
            .password
            .check(password.expose_secret(), email)
            .map_err(NewPasswordError::Invalid)?;
        let place = self
            .passwords
            .place()
            .await
            .map_err(|_| NewPasswordError::Busy)?;
        self.passwords
            .hash(place, password)
            .await
            .map_err(NewPasswordError::Fault)
    }
}

impl From<NewPasswordError> for AccountError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Invalid(error) => Self::InvalidPassword(error),
            NewPasswordError::Busy => Self::Busy,
            NewPasswordError::Fault(fault) => Self::Fault(fault),
        }
    }
}

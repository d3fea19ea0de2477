//! Logins, sessions and accounts.

mod error;
mod types;

use voxgate_domain::{OrgId, Page, Paged, User, UserId};

use crate::Principal;
pub use error::{AccountError, AuthError, LoginError};
pub use types::{
    CreateUserCommand, CreatedUser, Credential, LoginCommand, RegisterCommand,
    ResetPasswordCommand, Session, UpdateMe, UpdateUser,
};

/// The identity use cases.
#[derive(Clone)]
pub struct Identity {}

impl Identity {
    /// Opens a session.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn login(&self, _command: LoginCommand) -> Result<Session, LoginError> {
        unimplemented!()
    }

    /// Finds out who presents a credential.
    ///
    /// # Errors
    /// [`AuthError`].
    pub async fn authenticate(&self, _credential: &Credential) -> Result<Principal, AuthError> {
        unimplemented!()
    }

    /// Ends the session the caller presented.
    ///
    /// # Errors
    /// [`AuthError::Unauthenticated`] where the caller came with an API key: there is no session to end.
    pub async fn logout(&self, _principal: &Principal) -> Result<(), AuthError> {
        unimplemented!()
    }

    /// Creates an account for a stranger, where the installation allows it.
    ///
    /// # Errors
    /// [`AccountError::RegistrationDisabled`], `InvalidEmail`, `InvalidPassword` (checked before) `EmailTaken`.
    pub async fn register(&self, _command: RegisterCommand) -> Result<User, AccountError> {
        unimplemented!()
    }

    /// Whether strangers may create accounts; where not, the route does not exist.
    #[must_use]
    pub fn registration_enabled(&self) -> bool {
        unimplemented!()
    }

    /// Mails a link that verifies an address. Succeeds for every well-formed address, known or not.
    ///
    /// # Errors
    /// [`AccountError::InvalidEmail`].
    pub async fn request_verify(&self, _email: &str) -> Result<(), AccountError> {
        unimplemented!()
    }

    /// Verifies an address with the token from the mail.
    ///
    /// # Errors
    /// [`AccountError::BadToken`], [`AccountError::AlreadyVerified`].
    pub async fn verify(&self, _token: &str) -> Result<User, AccountError> {
        unimplemented!()
    }

    /// Mails a link that resets the password. Succeeds for every well-formed address, known or not.
    ///
    /// # Errors
    /// [`AccountError::InvalidEmail`].
    pub async fn forgot_password(&self, _email: &str) -> Result<(), AccountError> {
        unimplemented!()
    }

    /// Sets a new password with the token from the mail.
    ///
    /// # Errors
    /// [`AccountError::BadToken`], [`AccountError::InvalidPassword`].
    pub async fn reset_password(&self, _command: ResetPasswordCommand) -> Result<(), AccountError> {
        unimplemented!()
    }

    /// The caller's own account.
    ///
    /// # Errors
    /// [`AccountError::NotFound`] for the operator, who has none.
    pub async fn me(&self, _principal: &Principal) -> Result<User, AccountError> {
        unimplemented!()
    }

    /// Changes the caller's own account.
    ///
    /// # Errors
    /// `InvalidEmail`, `EmailTaken` (also for one's own address in other letter case, as in the reference), `InvalidPassword`.
    pub async fn update_me(
        &self,
        _principal: &Principal,
        _change: UpdateMe,
    ) -> Result<User, AccountError> {
        unimplemented!()
    }

    /// Any account; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn user(&self, _principal: &Principal, _id: UserId) -> Result<User, AccountError> {
        unimplemented!()
    }

    /// The account of an address; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn user_by_email(
        &self,
        _principal: &Principal,
        _email: &str,
    ) -> Result<User, AccountError> {
        unimplemented!()
    }

    /// Every account, or every account of one organisation; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn users(
        &self,
        _principal: &Principal,
        _organization: Option<OrgId>,
        _page: Page,
    ) -> Result<Paged<User>, AccountError> {
        unimplemented!()
    }

    /// Creates an account; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `InvalidEmail`, `InvalidPassword`, `EmailTaken`, `Invalid { field: "organization_id" }`.
    pub async fn create_user(
        &self,
        _principal: &Principal,
        _command: CreateUserCommand,
    ) -> Result<CreatedUser, AccountError> {
        unimplemented!()
    }

    /// Changes any account; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `InvalidEmail`, `InvalidPassword`, `EmailTaken`, `Invalid`, `LastAdministrator`.
    pub async fn update_user(
        &self,
        _principal: &Principal,
        _id: UserId,
        _change: UpdateUser,
    ) -> Result<User, AccountError> {
        unimplemented!()
    }

    /// Removes an account; system administrators only. Its usage history stays.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `LastAdministrator`.
    pub async fn delete_user(
        &self,
        _principal: &Principal,
        _id: UserId,
    ) -> Result<(), AccountError> {
        unimplemented!()
    }
}

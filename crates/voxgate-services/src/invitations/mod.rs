//! Invitations into organisations.

mod error;
mod types;

use voxgate_domain::{Invitation, InvitationId, Paged, User};

use crate::Principal;
pub use error::InvitationError;
pub use types::{AcceptInvitation, CreateInvitation, InvitationPreview, ListInvitations};

/// The invitation use cases.
#[derive(Clone)]
pub struct Invitations {}

impl Invitations {
    /// Invites somebody by mail. The link goes nowhere but into the mail.
    ///
    /// # Errors
    /// `Forbidden`, `OrganizationNotFound`, `OrganizationInactive`, `InvalidEmail`, `EmailTaken`.
    pub async fn create(
        &self,
        _principal: &Principal,
        _command: CreateInvitation,
    ) -> Result<Invitation, InvitationError> {
        unimplemented!()
    }

    /// Invitations, newest first: all for system administrators, the own organisation's for its administrators, those
    /// sent to the own address for others.
    ///
    /// # Errors
    /// `OrganizationNotFound` for a foreign `organization_id`.
    pub async fn list(
        &self,
        _principal: &Principal,
        _query: ListInvitations,
    ) -> Result<Paged<Invitation>, InvitationError> {
        unimplemented!()
    }

    /// What the holder of a link may see. The status to show is [`Invitation::status`] at [`Invitations::now`].
    ///
    /// # Errors
    /// `NotFound`, `Expired`, `AlreadyAccepted`, `Revoked`.
    pub async fn preview(&self, _token: &str) -> Result<InvitationPreview, InvitationError> {
        unimplemented!()
    }

    /// The moment against which [`Invitation::status`] is to be taken.
    #[must_use]
    pub fn now(&self) -> voxgate_domain::Timestamp {
        unimplemented!()
    }

    /// Creates the account; its address counts as verified. Succeeds once per invitation, however many try at once.
    ///
    /// # Errors
    /// `NotFound`, `Expired`, `AlreadyAccepted`, `Revoked`, `InvalidPassword`, `EmailTaken`, `OrganizationInactive`.
    pub async fn accept(&self, _command: AcceptInvitation) -> Result<User, InvitationError> {
        unimplemented!()
    }

    /// Withdraws an invitation that was not accepted yet.
    ///
    /// # Errors
    /// `NotFound`, `AlreadyAccepted`.
    pub async fn revoke(
        &self,
        _principal: &Principal,
        _id: InvitationId,
    ) -> Result<(), InvitationError> {
        unimplemented!()
    }
}

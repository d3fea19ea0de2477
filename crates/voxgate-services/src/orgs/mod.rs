//! Organisations.

mod error;
mod types;

use voxgate_domain::{OrgId, Page, Paged, User};

use crate::Principal;
pub use error::OrgError;
pub use types::{CreateOrg, ListOrgs, Organization, UpdateOrg};

/// The organisation use cases.
#[derive(Clone)]
pub struct Orgs {}

impl Orgs {
    /// All organisations for system administrators, the own one for others.
    ///
    /// # Errors
    /// [`OrgError::Fault`].
    pub async fn list(
        &self,
        _principal: &Principal,
        _query: ListOrgs,
    ) -> Result<Paged<Organization>, OrgError> {
        unimplemented!()
    }

    /// Creates an organisation and invites its first administrator; system administrators only.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `InvalidEmail` (of `admin_email`).
    pub async fn create(
        &self,
        _principal: &Principal,
        _command: CreateOrg,
    ) -> Result<Organization, OrgError> {
        unimplemented!()
    }

    /// One organisation; its members and system administrators.
    ///
    /// # Errors
    /// `NotFound`, also for a foreign one.
    pub async fn get(&self, _principal: &Principal, _id: OrgId) -> Result<Organization, OrgError> {
        unimplemented!()
    }

    /// Changes an organisation. Its administrators may change name, domain and settings; system administrators everything.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`.
    pub async fn update(
        &self,
        _principal: &Principal,
        _id: OrgId,
        _change: UpdateOrg,
    ) -> Result<Organization, OrgError> {
        unimplemented!()
    }

    /// The members of an organisation; its administrators and system administrators.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn members(
        &self,
        _principal: &Principal,
        _id: OrgId,
        _page: Page,
    ) -> Result<Paged<User>, OrgError> {
        unimplemented!()
    }
}

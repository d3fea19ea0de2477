//! API keys.

mod error;
mod types;

use voxgate_domain::{KeyId, OrgId, Page, Paged};

use crate::Principal;
pub use error::KeyError;
pub use types::{ApiKey, CreateKey, CreatedKey};

/// The API key use cases.
#[derive(Clone)]
pub struct Keys {}

impl Keys {
    /// Makes a key that acts as an account in its organisation.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`.
    pub async fn create(
        &self,
        _principal: &Principal,
        _command: CreateKey,
    ) -> Result<CreatedKey, KeyError> {
        unimplemented!()
    }

    /// The keys of an organisation, newest first: administrators see all, others their own.
    ///
    /// # Errors
    /// `NotFound` for a foreign organisation.
    pub async fn list(
        &self,
        _principal: &Principal,
        _organization: OrgId,
        _page: Page,
    ) -> Result<Paged<ApiKey>, KeyError> {
        unimplemented!()
    }

    /// Revokes a key; its next use fails. Revoking twice is no error.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn revoke(&self, _principal: &Principal, _id: KeyId) -> Result<(), KeyError> {
        unimplemented!()
    }
}

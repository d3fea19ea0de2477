//! API keys.

pub mod create;
pub mod list;
pub mod read;
pub mod revoke;
pub mod rotate;
pub mod update;

use uuid::Uuid;
use voxgate_domain::KeyId;

use crate::extract::kinds::{required, uuid};
use crate::extract::{Style, input};

input! {
    /// Which key.
    pub struct KeyPath as "AdminKeyPath", Style::Text; {
        /// The key's id.
        key_id: Uuid = required(uuid()),
    }
}

impl KeyPath {
    /// The key that is meant.
    pub(super) fn id(&self) -> KeyId {
        KeyId::from(self.key_id)
    }
}

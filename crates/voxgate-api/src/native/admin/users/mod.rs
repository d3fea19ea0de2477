//! Accounts.

pub mod create;
pub mod delete;
pub mod list;
pub mod read;
pub mod update;

use uuid::Uuid;
use voxgate_domain::UserId;

use crate::extract::kinds::{required, uuid};
use crate::extract::{Style, input};

input! {
    /// Which account.
    pub struct UserPath as "AdminUserPath", Style::Text; {
        /// The account's id.
        user_id: Uuid = required(uuid()),
    }
}

impl UserPath {
    fn id(&self) -> UserId {
        UserId::from(self.user_id)
    }
}

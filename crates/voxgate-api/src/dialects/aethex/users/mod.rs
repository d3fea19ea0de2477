//! Accounts: one's own, and anybody's for system administrators.

pub mod delete_user;
pub mod me;
pub mod read_user;
pub mod update_me;
pub mod update_user;

use voxgate_domain::UserId;

use crate::extract::kinds::{free_text, required};
use crate::extract::{Style, input};
use crate::refused::Refused;

const TAG: &str = "users";

input! {
    /// Which account.
    pub struct UserPath as "UserPath", Style::Text; {
        /// The account's id.
        id: String = required(free_text()),
    }
}

impl UserPath {
    /// The id; a text that is none names no account, so the answer is 404 and not a fault list.
    fn user_id(&self) -> Result<UserId, Refused> {
        self.id.parse().map_err(|_| Refused::not_found())
    }
}

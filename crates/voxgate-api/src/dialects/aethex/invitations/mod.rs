//! Inviting people, and the page on which they accept.

pub mod accept;
pub mod create;
pub mod list;
pub mod page;

use crate::extract::kinds::{free_text, required};
use crate::extract::{Style, input};

const TAG: &str = "invitations";

input! {
    /// Which invitation.
    pub struct TokenPath as "TokenPath", Style::Text; {
        /// The token from the link.
        token: String = required(free_text()),
    }
}

//! Logging in and out, registering, verifying an address, resetting a password.

pub mod forgot_password;
pub mod login;
pub mod logout;
pub mod register;
pub mod request_verify;
pub mod reset_page;
pub mod reset_password;
pub mod verify;
pub mod verify_page;

const TAG: &str = "auth";

/// The body of an answer that has nothing to say: `null`.
fn null_schema(_: &mut crate::output::Components) -> serde_json::Value {
    serde_json::json!({ "type": "null" })
}

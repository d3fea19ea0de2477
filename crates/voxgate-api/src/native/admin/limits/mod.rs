//! The limits that hold.

pub mod of_key;
pub mod of_organization;
pub mod own;

//! Our own API, which is no vendor's: administration under `/admin/v1`.
//!
//! Bodies refuse fields that are not declared; lists are `{"items": […], "total": n}`; refusals are
//! `{"error": {"code", "message", …}}`, made in [`error`] and nowhere else. Who may do what is decided by the services;
//! the route table only keeps out who may not do it to anybody.

pub mod admin;
pub mod error;
pub mod kinds;

/// The path of the administration API.
pub const ADMIN: &str = "/admin/v1";
/// What the path of each of its routes begins with.
pub const ADMIN_FOLDER: &str = "/admin/v1/";

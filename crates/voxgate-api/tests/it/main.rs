//! The surface as clients meet it: the real router on the real services, with SQLite in a temporary folder and
//! the fake engine.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod access;
mod framework;
mod harness;
mod openapi;
mod pages;
mod speech;
mod validation;
mod wire_table;
mod wire_users;

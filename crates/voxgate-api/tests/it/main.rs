//! The surface as clients meet it: the real router on the real services, with SQLite in a temporary folder and
//! the fake engine.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod access;
mod admin_books;
mod admin_keys;
mod admin_people;
mod framework;
mod harness;
mod idempotency;
mod limit_headers;
mod openapi;
mod pages;
mod speech;
mod validation;
mod wire_table;
mod wire_users;

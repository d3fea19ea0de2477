//! Rows in SQLite and Postgres: connections, transactions, migrations, queries.
//!
//! Owns every line of SQL in the product. Knows nothing of HTTP, engines or use cases. One text serves both databases:
//! `$1` binds, `RETURNING`, `ON CONFLICT`, and only TEXT, BIGINT, DOUBLE PRECISION and BLOB/BYTEA columns; ids are UUIDv7
//! text, time is microseconds UTC, JSON is text. What differs between the databases is in `sqlite` and
//! `postgres` and nowhere else.
//!
//! A noun's module holds its statements as named constants, lists them in `STATEMENTS` (a test prepares each on both
//! databases), and offers functions that take `&Db` or `&mut Tx`, the organisation first; those that look across
//! organisations are named `*_any_org`.

mod backup;
mod config;
mod db;
mod doctor;
mod error;
pub mod migrate;
mod postgres;
mod sqlite;
mod transaction;
mod tx;
mod value;

pub use config::{Durability, PostgresOptions, SqliteOptions, StoreConfig};
pub use db::{Backend, Db};
pub use doctor::{DatabaseReport, StatementShape};
pub use error::StoreError;
pub use migrate::{Migration, MigrationReport};
pub use tx::Tx;
pub use value::{FromRow, FromValue, Row, Value};

// Nouns, in alphabetical order: one module each, with its rows and its SQL.
pub mod audit;
pub mod counters;
mod decode;
pub mod idempotency;
pub mod invitations;
pub mod keys;
pub mod ledger;
pub mod limit_rows;
pub mod mail;
pub mod nodes;
pub mod orgs;
pub mod plans;
pub mod prices;
pub mod throttle;
pub mod usage;
pub mod users;

/// Every statement of every noun, with its name; a test prepares each on both databases.
pub const STATEMENTS: &[&[(&str, &str)]] = &[
    audit::STATEMENTS,
    counters::STATEMENTS,
    idempotency::STATEMENTS,
    invitations::STATEMENTS,
    keys::STATEMENTS,
    keys::CREDENTIAL_STATEMENTS,
    ledger::STATEMENTS,
    ledger::HOLD_STATEMENTS,
    ledger::CHECKS,
    mail::STATEMENTS,
    nodes::STATEMENTS,
    orgs::STATEMENTS,
    plans::STATEMENTS,
    prices::STATEMENTS,
    throttle::STATEMENTS,
    usage::STATEMENTS,
    usage::SUM_STATEMENTS,
    users::STATEMENTS,
];

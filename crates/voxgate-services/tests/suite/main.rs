//! One suite, run against both databases: every case is a function of a [`fixture::Fixture`] and appears once as
//! `sqlite::…` and once as `postgres::…`.

#![allow(clippy::unwrap_used)]

/// Runs each case on a fresh SQLite file and on a fresh Postgres database. The cases are boxed, so that each is compiled
/// once.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $case() {
                crate::fixture::on_sqlite(|fixture| Box::pin(super::$case(fixture)));
            })+
        }
        mod postgres {
            $(#[test]
            fn $case() {
                crate::fixture::on_postgres(|fixture| Box::pin(super::$case(fixture)));
            })+
        }
    };
}

mod accounts;
mod audit;
mod credits;
mod fixture;
mod idempotency;
mod invitations;
mod key_families;
mod keys;
mod limits;
mod metering;
mod plans;
mod sessions;
mod speech;
mod tenancy;

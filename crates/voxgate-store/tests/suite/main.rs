//! One suite, run against both databases: every case is a function of a [`Fixture`] and appears once as `sqlite::…` and once
//! as `postgres::…`.

#![allow(clippy::unwrap_used)]

/// Runs each case on a fresh SQLite file and on a fresh Postgres database.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::fixture::Fixture::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::fixture::Fixture::postgres().await).await;
            })+
        }
    };
}

mod backup;
mod concurrency;
mod crash;
mod encryption;
mod fixture;
mod migrations;
mod statements;
mod transactions;

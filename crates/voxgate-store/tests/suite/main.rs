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

/// As `on_both`, on the product's own schema, with a [`world::World`] in it.
macro_rules! product_on_both {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::world::World::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(crate::world::World::postgres().await).await;
            })+
        }
    };
}

mod audit;
mod backup;
mod books;
mod books_random;
mod concurrency;
mod crash;
mod encryption;
mod fixture;
mod idempotency;
mod keys;
mod metering;
mod migrations;
mod statements;
mod transactions;
mod upgrade;
mod world;

//! An empty database with one small schema of the tests' own, so that the core is tested whatever the product's schema is.

use std::path::PathBuf;

use tempfile::TempDir;
use voxgate_store::{Db, Migration, StoreConfig, StoreError};
use voxgate_testing::TestDatabase;

/// Accounts with unique names and a counter, and rows that refer to them.
const SCHEMA: &str = "
    CREATE TABLE accounts (
        id TEXT NOT NULL PRIMARY KEY,
        email TEXT NOT NULL,
        realm TEXT NOT NULL,
        balance BIGINT NOT NULL CONSTRAINT ck_accounts_balance CHECK (balance >= 0),
        score DOUBLE PRECISION,
        secret BYTEA
    );
    CREATE UNIQUE INDEX ux_accounts_email ON accounts (email);
    CREATE UNIQUE INDEX ux_accounts_realm_lower ON accounts (realm, lower(id));
    CREATE TABLE entries (
        account TEXT NOT NULL REFERENCES accounts (id),
        number BIGINT NOT NULL,
        twin BIGINT UNIQUE,
        PRIMARY KEY (account, number)
    );
    CREATE TABLE rounds (
        number BIGINT NOT NULL,
        half BIGINT NOT NULL,
        PRIMARY KEY (number, half)
    );
";

/// Where the data lives; removed with the fixture.
enum Place {
    File(TempDir),
    Server(TestDatabase),
}

/// A database for one test.
pub(crate) struct Fixture {
    pub(crate) db: Db,
    place: Place,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        Self::at(Place::File(tempfile::tempdir().unwrap()), true).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::at(Place::Server(TestDatabase::create().await.unwrap()), true).await
    }

    pub(crate) async fn empty_sqlite() -> Self {
        Self::at(Place::File(tempfile::tempdir().unwrap()), false).await
    }

    pub(crate) async fn empty_postgres() -> Self {
        Self::at(Place::Server(TestDatabase::create().await.unwrap()), false).await
    }

    async fn at(place: Place, with_schema: bool) -> Self {
        let db = Db::open(&config(&place)).await.unwrap();
        if with_schema {
            db.apply_migrations(test_migrations()).await.unwrap();
        }
        Self { db, place }
    }

    pub(crate) fn config(&self) -> StoreConfig {
        config(&self.place)
    }

    /// Another handle to the same data, as another process would have.
    pub(crate) async fn reopen(&self) -> Db {
        Db::open(&self.config()).await.unwrap()
    }

    /// A path beside the data.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        match &self.place {
            Place::File(folder) => folder.path().join(name),
            Place::Server(_) => std::env::temp_dir().join(name),
        }
    }
}

fn config(place: &Place) -> StoreConfig {
    match place {
        Place::File(folder) => StoreConfig::sqlite(folder.path().join("test.db")),
        Place::Server(database) => StoreConfig::postgres(&database.url),
    }
}

pub(crate) fn test_migrations() -> Vec<Migration> {
    vec![Migration {
        version: 1,
        name: "accounts".into(),
        sql: SCHEMA.into(),
    }]
}

/// Makes an account with balance 0.
pub(crate) async fn add_account(db: &Db, id: &str, email: &str) -> Result<u64, StoreError> {
    let (id, email) = (id.to_owned(), email.to_owned());
    db.write(move |tx| {
        let params = voxgate_store::params![&id, &email];
        Box::pin(async move {
            tx.exec(
                "INSERT INTO accounts (id, email, realm, balance) VALUES ($1, $2, 'r', 0)",
                params,
            )
            .await
        })
    })
    .await
}

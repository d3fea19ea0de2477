//! A database with the product's schema and, in it, an organisation with a person and a key.

use std::time::Duration;

use futures_util::future::BoxFuture;
use voxgate_domain::{
    KeyId, LimitSet, Micros, OrgId, OrgLimits, OrgStatus, Rights, Role, Timestamp, User, UserId,
};
use voxgate_store::keys::{self, KeyRow};
use voxgate_store::orgs::{self, OrgRow};
use voxgate_store::{Db, StoreError, Tx, users};

use crate::fixture::Fixture;

/// What most tests begin with.
pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) key: KeyId,
    fixture: Fixture,
}

/// A moment some seconds after the tests' beginning of time.
pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::from_secs(1_790_000_000).saturating_add(Duration::from_secs(seconds))
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        Self::in_database(Fixture::empty_sqlite().await).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::in_database(Fixture::empty_postgres().await).await
    }

    async fn in_database(fixture: Fixture) -> Self {
        let db = fixture.db.clone();
        db.migrate().await.unwrap();
        let (org, user) = add_org(&db, "first").await;
        let world = Self {
            db,
            org,
            user,
            key: KeyId::generate(),
            fixture,
        };
        world.add_key(world.key_row(world.key), b"secret").await;
        world
    }

    /// Another handle to the same data, as another process would have.
    pub(crate) async fn other_node(&self) -> Db {
        self.fixture.reopen().await
    }

    /// A key with every right, no limits and no budget.
    pub(crate) fn key_row(&self, id: KeyId) -> KeyRow {
        KeyRow {
            id,
            organization_id: self.org,
            user_id: self.user,
            created_by_key_id: None,
            name: "a key".into(),
            prefix: "vx_1234".into(),
            rights: Rights::everything(),
            tier_id: None,
            limits: LimitSet::default(),
            credit_budget: None,
            credits_committed: Micros::ZERO,
            expires_at: None,
            created_at: at(0),
            updated_at: at(0),
            last_used_at: None,
            revoked_at: None,
        }
    }

    pub(crate) async fn add_key(&self, row: KeyRow, hash: &'static [u8]) {
        self.write(move |tx| {
            let row = row.clone();
            Box::pin(async move { keys::insert(tx, &row, hash).await })
        })
        .await;
    }

    /// A transaction that must succeed.
    pub(crate) async fn write<R, F>(&self, work: F) -> R
    where
        R: Send + 'static,
        F: for<'t> Fn(&'t mut Tx<'_>) -> BoxFuture<'t, Result<R, StoreError>>
            + Send
            + Sync
            + 'static,
    {
        self.db.write(work).await.unwrap()
    }
}

/// An organisation and a person in it.
pub(crate) async fn add_org(db: &Db, name: &str) -> (OrgId, UserId) {
    let org = OrgRow {
        id: OrgId::generate(),
        name: name.to_owned(),
        domain: None,
        domain_verified: false,
        status: OrgStatus::Active,
        admin_email: format!("admin@{name}.example"),
        limits: OrgLimits::default(),
        settings: "{}".into(),
        created_at: at(0),
        updated_at: at(0),
        plan_id: None,
        own_limits: Default::default(),
    };
    let user = User {
        id: UserId::generate(),
        email: format!("somebody@{name}.example"),
        full_name: None,
        role: Role::OrgAdmin,
        organization_id: Some(org.id),
        is_active: true,
        is_verified: true,
        created_at: at(0),
        updated_at: at(0),
    };
    let ids = (org.id, user.id);
    db.write::<_, StoreError, _>(move |tx| {
        let (org, user) = (org.clone(), user.clone());
        Box::pin(async move {
            orgs::insert(tx, &org).await?;
            users::insert(tx, &user, &user.email, "hash")
                .await
                .map(drop)
        })
    })
    .await
    .unwrap();
    ids
}

//! Keys, their secrets, their makers, plans: what one look-up of a credential brings along.

use voxgate_domain::{
    KeyId, LimitKind, LimitSet, Micros, NameSet, Page, PlanId, Rights, Service, ServiceSet,
};
use voxgate_store::keys::{self, KeyRow};
use voxgate_store::limit_rows::OwnLimits;
use voxgate_store::plans::{self, PlanRemoval, PlanRow};
use voxgate_store::{StoreError, orgs, users};

use crate::world::{World, add_org, at};

product_on_both!(
    a_key_comes_back_as_it_went_in,
    the_credential_brings_everything_along,
    makers_come_nearest_first,
    rotation_keeps_both_secrets_until_the_old_one_ends,
    revoked_and_foreign_keys_stay_as_they_are,
    a_key_goes_with_the_key_that_made_it,
    plans_in_use_stay,
);

fn narrow() -> Rights {
    Rights {
        services: ServiceSet::from_iter([Service::Tts, Service::Admin]),
        voices: NameSet::Only(["a \"quoted\" voice".to_owned(), "ä".to_owned()].into()),
        models: NameSet::Only([].into()),
        networks: vec![
            "10.0.0.0/8".parse().unwrap(),
            "2001:db8::/32".parse().unwrap(),
        ],
    }
}

fn plan(name: &str, limits: &[(LimitKind, u64)]) -> PlanRow {
    PlanRow {
        id: PlanId::generate(),
        name: name.into(),
        limits: limits.iter().copied().collect(),
        created_at: at(0),
        updated_at: at(0),
    }
}

async fn add_plan(w: &World, row: &PlanRow) {
    let row = row.clone();
    w.write(move |tx| {
        let row = row.clone();
        Box::pin(async move { plans::insert(tx, &row).await })
    })
    .await;
}

async fn a_key_comes_back_as_it_went_in(w: World) {
    let tier = plan("tier", &[]);
    add_plan(&w, &tier).await;
    let row = KeyRow {
        created_by_key_id: Some(w.key),
        rights: narrow(),
        tier_id: Some(tier.id),
        limits: LimitSet::from_iter([(LimitKind::ConcurrentStreams, 3)]),
        credit_budget: Some(Micros::new(7)),
        expires_at: Some(at(60)),
        created_at: at(1),
        ..w.key_row(KeyId::generate())
    };
    w.add_key(row.clone(), b"narrow").await;
    assert_eq!(
        keys::get(&w.db, w.org, row.id).await.unwrap(),
        Some(row.clone())
    );
    assert_eq!(
        keys::get_any_org(&w.db, row.id).await.unwrap(),
        Some(row.clone())
    );
    let (other, _) = add_org(&w.db, "other").await;
    assert_eq!(keys::get(&w.db, other, row.id).await.unwrap(), None);
    let (listed, total) = keys::list(&w.db, w.org, Some(w.user), Page::default())
        .await
        .unwrap();
    assert_eq!((listed.len(), total, &listed[0]), (2, 2, &row));

    let changed = KeyRow {
        name: "another name".into(),
        rights: Rights::everything(),
        tier_id: None,
        credit_budget: None,
        expires_at: None,
        updated_at: at(5),
        ..row
    };
    let written = changed.clone();
    let done = w
        .write(move |tx| {
            let row = written.clone();
            Box::pin(async move { keys::update(tx, &row).await })
        })
        .await;
    assert!(done);
    assert_eq!(
        keys::get(&w.db, w.org, changed.id).await.unwrap(),
        Some(changed)
    );
}

async fn the_credential_brings_everything_along(w: World) {
    let (of_org, tier) = (
        plan("basic", &[(LimitKind::TokensPerDay, 9)]),
        plan("tier", &[(LimitKind::TokensPerMinute, 8)]),
    );
    add_plan(&w, &of_org).await;
    add_plan(&w, &tier).await;
    let own = OwnLimits {
        set: LimitSet::from_iter([(LimitKind::AudioSecondsPerMonth, 1)]),
        from_plan: vec![LimitKind::WordsPerMonth],
    };
    let mut org = orgs::get(&w.db, w.org).await.unwrap().unwrap();
    org.plan_id = Some(of_org.id);
    org.own_limits = own.clone();
    let written = org.clone();
    w.write(move |tx| {
        let org = written.clone();
        Box::pin(async move { orgs::update(tx, &org).await })
    })
    .await;
    assert_eq!(orgs::get(&w.db, w.org).await.unwrap(), Some(org.clone()));
    let row = KeyRow {
        rights: narrow(),
        tier_id: Some(tier.id),
        limits: LimitSet::from_iter([(LimitKind::ConcurrentStreams, 3)]),
        credit_budget: Some(Micros::new(7)),
        expires_at: Some(at(60)),
        ..w.key_row(KeyId::generate())
    };
    w.add_key(row.clone(), b"narrow").await;

    let found = keys::credential_any_org(&w.db, b"narrow")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, row.id);
    assert_eq!(found.secret_hash, b"narrow");
    assert_eq!(
        (found.expires_at, found.secret_expires_at),
        (Some(at(60)), None)
    );
    assert_eq!(found.rights, row.rights);
    assert_eq!((found.limits, found.tier_limits), (row.limits, tier.limits));
    assert_eq!(found.credit_budget, row.credit_budget);
    assert_eq!(
        (found.user_id, found.is_active, found.is_verified),
        (w.user, true, true)
    );
    assert!(found.makers.is_empty());
    let terms = found.organization;
    assert_eq!(
        (terms.id, terms.status, terms.limits),
        (org.id, org.status, org.limits)
    );
    assert_eq!(
        (&terms.own_limits, terms.plan_id, terms.plan_limits),
        (&own, org.plan_id, of_org.limits)
    );

    let session = users::session_any_org(&w.db, w.user, b"no such session")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(session.organization, Some(terms));
    assert!(!session.revoked);
    assert!(
        keys::credential_any_org(&w.db, b"unknown")
            .await
            .unwrap()
            .is_none()
    );
}

async fn makers_come_nearest_first(w: World) {
    let mut makers = vec![w.key];
    for hash in [b"first".as_slice(), b"second", b"third"] {
        let row = KeyRow {
            created_by_key_id: makers.last().copied(),
            rights: narrow(),
            expires_at: Some(at(9)),
            ..w.key_row(KeyId::generate())
        };
        w.add_key(row.clone(), hash).await;
        makers.push(row.id);
    }
    let (org, second) = (w.org, makers[2]);
    w.write(move |tx| Box::pin(keys::revoke(tx, org, second, at(4))))
        .await;
    let found = keys::credential_any_org(&w.db, b"third")
        .await
        .unwrap()
        .unwrap();
    let chain: Vec<_> = found.makers.iter().map(|maker| maker.id).collect();
    assert_eq!(chain, [makers[2], makers[1], makers[0]]);
    assert_eq!(found.makers[0].revoked_at, Some(at(4)));
    assert_eq!(
        (found.makers[1].revoked_at, found.makers[1].expires_at),
        (None, Some(at(9)))
    );
    assert_eq!(found.makers[0].rights, narrow());
    assert_eq!(found.makers[2].rights, Rights::everything());
}

async fn rotation_keeps_both_secrets_until_the_old_one_ends(w: World) {
    let (org, key) = (w.org, w.key);
    let (changed, added) = w
        .write(move |tx| {
            Box::pin(async move {
                let changed = keys::expire_secrets(tx, org, key, at(60)).await?;
                Ok((
                    changed,
                    keys::add_secret(tx, org, key, b"new", at(10)).await?,
                ))
            })
        })
        .await;
    assert_eq!((changed, added), (1, true));
    for (hash, ends) in [(b"secret".as_slice(), Some(at(60))), (b"new", None)] {
        let found = keys::credential_any_org(&w.db, hash)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.id, found.secret_expires_at), (key, ends));
    }
    // An end is brought forward, never put off.
    let brought = w
        .write(move |tx| Box::pin(keys::expire_secrets(tx, org, key, at(90))))
        .await;
    assert_eq!(brought, 1);
    let secrets = keys::secrets(&w.db, org, key).await.unwrap();
    let ends: Vec<_> = secrets.iter().map(|secret| secret.expires_at).collect();
    assert_eq!(ends, [Some(at(90)), Some(at(60))]);
    // The latest stays, so that an ended key is told apart from an unknown one.
    let purged = w
        .write(move |tx| Box::pin(keys::purge_secrets_any_org(tx, at(1000))))
        .await;
    assert_eq!(purged, 1);
    assert!(
        keys::credential_any_org(&w.db, b"secret")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        keys::credential_any_org(&w.db, b"new")
            .await
            .unwrap()
            .is_some()
    );
}

async fn revoked_and_foreign_keys_stay_as_they_are(w: World) {
    let (other, _) = add_org(&w.db, "other").await;
    let (org, key) = (w.org, w.key);
    let foreign = w
        .write(move |tx| {
            Box::pin(async move {
                let revoked = keys::revoke(tx, other, key, at(1)).await?;
                let added = keys::add_secret(tx, other, key, b"mine", at(1)).await?;
                Ok((
                    revoked,
                    added,
                    keys::expire_secrets(tx, other, key, at(1)).await?,
                ))
            })
        })
        .await;
    assert_eq!(foreign, (false, false, 0));
    assert!(!keys::is_revoked_any_org(&w.db, b"secret").await.unwrap());
    let row = w.key_row(key);
    let after = w
        .write(move |tx| {
            let row = row.clone();
            Box::pin(async move {
                let first = keys::revoke(tx, org, key, at(1)).await?;
                let second = keys::revoke(tx, org, key, at(2)).await?;
                let added = keys::add_secret(tx, org, key, b"mine", at(1)).await?;
                Ok((first, second, added, keys::update(tx, &row).await?))
            })
        })
        .await;
    assert_eq!(after, (true, false, false, false));
    assert!(
        keys::credential_any_org(&w.db, b"secret")
            .await
            .unwrap()
            .is_none()
    );
    assert!(keys::is_revoked_any_org(&w.db, b"secret").await.unwrap());
    assert!(!keys::is_revoked_any_org(&w.db, b"unknown").await.unwrap());
}

async fn a_key_goes_with_the_key_that_made_it(w: World) {
    let made = KeyRow {
        created_by_key_id: Some(w.key),
        ..w.key_row(KeyId::generate())
    };
    w.add_key(made, b"made").await;
    let user = w.user;
    w.write(move |tx| Box::pin(users::delete(tx, user))).await;
    for hash in [b"secret".as_slice(), b"made"] {
        assert!(
            keys::credential_any_org(&w.db, hash)
                .await
                .unwrap()
                .is_none()
        );
    }
    assert_eq!(w.db.inspect().await.unwrap().problems, Vec::<String>::new());
}

async fn plans_in_use_stay(w: World) {
    let (used, free) = (
        plan("used", &[]),
        plan("free", &[(LimitKind::WordsPerDay, 1)]),
    );
    add_plan(&w, &used).await;
    add_plan(&w, &free).await;
    let row = KeyRow {
        tier_id: Some(used.id),
        ..w.key_row(KeyId::generate())
    };
    w.add_key(row, b"tiered").await;
    let taken = plan("used", &[]);
    let refused =
        w.db.write::<(), StoreError, _>(move |tx| {
            let taken = taken.clone();
            Box::pin(async move { plans::insert(tx, &taken).await })
        })
        .await;
    assert!(refused.unwrap_err().is_conflict_on("ux_plans_name"));
    assert_eq!(
        plans::get_by_name(&w.db, "free").await.unwrap(),
        Some(free.clone())
    );
    let (listed, total) = plans::list(&w.db, Page::default()).await.unwrap();
    assert_eq!((listed, total), (vec![free.clone(), used.clone()], 2));
    let renamed = PlanRow {
        name: "renamed".into(),
        ..free.clone()
    };
    let written = renamed.clone();
    w.write(move |tx| {
        let row = written.clone();
        Box::pin(async move { plans::update(tx, &row).await })
    })
    .await;
    assert_eq!(plans::get(&w.db, free.id).await.unwrap(), Some(renamed));
    for (id, fate) in [
        (used.id, PlanRemoval::InUse),
        (free.id, PlanRemoval::Removed),
        (free.id, PlanRemoval::Unknown),
    ] {
        let found = w.write(move |tx| Box::pin(plans::delete(tx, id))).await;
        assert_eq!(found, fate);
    }
}

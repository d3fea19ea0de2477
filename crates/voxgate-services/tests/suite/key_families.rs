//! Keys that keys have made, and keys that change other keys.

use voxgate_domain::{LimitKind, LimitSet, Micros, Page, Patch, Role, Service, ServiceSet};
use voxgate_services::identity::{AuthError, UpdateUser};
use voxgate_services::keys::{CreateKey, KeyError, RotateKey, UpdateKey};

use crate::fixture::{Fixture, HOUR, PASSWORD};
use crate::keys::{enter, exceeds, make, named, with_services};

on_both!(
    what_a_key_makes_stays_beneath_it,
    what_a_key_made_ends_with_it,
    what_a_key_made_ends_with_its_account,
    a_key_hands_out_no_secret_of_a_stronger_one,
);

async fn what_a_key_makes_stays_beneath_it(f: Fixture) {
    let keys = f.services.keys();
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let anna = f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let end = f.services.now().saturating_add(HOUR);
    let maker = CreateKey {
        services: Some(ServiceSet::ALL),
        expires_at: Some(end),
        limits: LimitSet::from_iter([(LimitKind::RequestsPerMinute, 50)]),
        ..named("maker")
    };
    let maker = make(&f, &boss, maker).await;
    let caller = enter(&f.services, &maker.secret, None).await.unwrap();
    let child = make(
        &f,
        &caller,
        CreateKey {
            user_id: Some(anna.id),
            ..named("child")
        },
    )
    .await
    .key;
    assert_eq!(child.created_by_key_id, Some(maker.key.id));
    assert_eq!((child.user_id, child.expires_at), (anna.id, Some(end)));
    assert_eq!(child.limits.get(LimitKind::RequestsPerMinute), Some(50));
    assert!(!child.rights.services.contains(Service::Admin));

    let beyond = [
        (with_services(ServiceSet::ALL), "admin"),
        (
            CreateKey {
                expires_at: Some(end.saturating_add(HOUR)),
                ..named("longer")
            },
            "expires_at",
        ),
        (
            CreateKey {
                limits: LimitSet::from_iter([(LimitKind::RequestsPerMinute, 51)]),
                ..named("faster")
            },
            "limits",
        ),
    ];
    for (command, what) in beyond {
        exceeds(keys.create(&caller, command).await, what);
    }
    // Nobody lifts it above its maker afterwards, people included.
    let lifted = [
        (
            UpdateKey {
                services: Some(ServiceSet::ALL),
                ..UpdateKey::default()
            },
            "admin",
        ),
        (
            UpdateKey {
                expires_at: Patch::Clear,
                ..UpdateKey::default()
            },
            "expires_at",
        ),
        (
            UpdateKey {
                limits: Some(LimitSet::default()),
                ..UpdateKey::default()
            },
            "limits",
        ),
    ];
    let own_child = make(&f, &caller, named("own child")).await.key;
    for (change, what) in lifted {
        for who in [&boss, &caller, &f.admin] {
            exceeds(keys.update(who, own_child.id, change.clone()).await, what);
        }
    }
    // Two keys could spend a budget twice.
    let budgeted = CreateKey {
        services: Some(ServiceSet::ALL),
        credit_budget: Some(Micros::new(1_000_000)),
        ..named("budgeted")
    };
    let budgeted = make(&f, &boss, budgeted).await;
    let caller = enter(&f.services, &budgeted.secret, None).await.unwrap();
    assert_eq!(
        caller.key().unwrap().credit_budget,
        Some(Micros::new(1_000_000))
    );
    exceeds(keys.create(&caller, named("twice")).await, "credit_budget");
    f.stop().await;
}

async fn what_a_key_made_ends_with_it(f: Fixture) {
    let keys = f.services.keys();
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let maker = make(&f, &boss, with_services(ServiceSet::ALL)).await;
    let caller = enter(&f.services, &maker.secret, None).await.unwrap();
    let child = make(&f, &caller, named("child")).await;
    assert!(f.opens(&child.secret).await);
    // What its maker loses it loses.
    let narrower = UpdateKey {
        services: Some([Service::Tts, Service::Admin].into_iter().collect()),
        networks: Some(vec!["10.0.0.0/8".parse().unwrap()]),
        ..UpdateKey::default()
    };
    keys.update(&boss, maker.key.id, narrower).await.unwrap();
    assert!(!f.opens(&child.secret).await, "from anywhere");
    let narrowed = enter(&f.services, &child.secret, Some("10.1.1.1"))
        .await
        .unwrap();
    assert!(narrowed.may_use(Service::Tts) && !narrowed.may_use(Service::Llm));
    // Networks that do not meet leave nowhere.
    let elsewhere = UpdateKey {
        networks: Some(Vec::new()),
        ..UpdateKey::default()
    };
    keys.update(&boss, maker.key.id, elsewhere).await.unwrap();
    let office = UpdateKey {
        networks: Some(vec!["192.0.2.0/24".parse().unwrap()]),
        services: Some([Service::Tts].into_iter().collect()),
        ..UpdateKey::default()
    };
    keys.update(&boss, child.key.id, office).await.unwrap();
    let abroad = UpdateKey {
        networks: Some(vec!["10.0.0.0/8".parse().unwrap()]),
        ..UpdateKey::default()
    };
    keys.update(&boss, maker.key.id, abroad).await.unwrap();
    for address in ["10.1.1.1", "192.0.2.1", "198.51.100.1"] {
        let refused = enter(&f.services, &child.secret, Some(address)).await;
        assert!(matches!(refused, Err(AuthError::AddressNotAllowed)));
    }
    // It ends when its maker ends, and when that is revoked.
    let soon = UpdateKey {
        expires_at: Patch::Set(f.services.now().saturating_add(HOUR)),
        networks: Some(Vec::new()),
        ..UpdateKey::default()
    };
    keys.update(&boss, maker.key.id, soon).await.unwrap();
    let at_the_office = Some("192.0.2.1");
    assert!(
        enter(&f.services, &child.secret, at_the_office)
            .await
            .is_ok()
    );
    f.clock.advance(HOUR);
    let refused = enter(&f.services, &child.secret, at_the_office).await;
    assert!(matches!(refused, Err(AuthError::ExpiredKey)), "{refused:?}");
    let never = UpdateKey {
        expires_at: Patch::Clear,
        ..UpdateKey::default()
    };
    let again = f.login("boss@example.com", crate::fixture::PASSWORD).await;
    let boss = f.authenticate(&again).await;
    keys.update(&boss, maker.key.id, never).await.unwrap();
    assert!(
        enter(&f.services, &child.secret, at_the_office)
            .await
            .is_ok()
    );
    keys.revoke(&boss, maker.key.id).await.unwrap();
    let refused = enter(&f.services, &child.secret, at_the_office).await;
    assert!(matches!(refused, Err(AuthError::RevokedKey)), "{refused:?}");
    f.stop().await;
}

async fn what_a_key_made_ends_with_its_account(f: Fixture) {
    let boss = f
        .user("boss@example.com", Role::OrgAdmin, Some(f.org))
        .await;
    let anna = f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let token = f.login("boss@example.com", PASSWORD).await;
    let maker = with_services(ServiceSet::ALL);
    let maker = make(&f, &f.authenticate(&token).await, maker).await;
    let caller = enter(&f.services, &maker.secret, None).await.unwrap();
    let of_anna = CreateKey {
        user_id: Some(anna.id),
        ..named("child")
    };
    let child = make(&f, &caller, of_anna).await;
    assert!(f.opens(&child.secret).await);
    let switch = |on| UpdateUser {
        is_active: Some(on),
        ..UpdateUser::default()
    };
    let identity = f.services.identity();
    for on in [false, true] {
        identity
            .update_user(&f.admin, boss.id, switch(on))
            .await
            .unwrap();
        assert_eq!(f.opens(&child.secret).await, on);
    }
    f.stop().await;
}

async fn a_key_hands_out_no_secret_of_a_stronger_one(f: Fixture) {
    let keys = f.services.keys();
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let strong = make(&f, &boss, with_services(ServiceSet::ALL)).await;
    let lasting = make(&f, &boss, named("lasting")).await;
    let weak = CreateKey {
        expires_at: Some(f.services.now().saturating_add(HOUR)),
        ..with_services(ServiceSet::ALL)
    };
    let weak = make(&f, &boss, weak).await;
    let caller = enter(&f.services, &weak.secret, None).await.unwrap();
    let rotate = |id| keys.rotate(&caller, id, RotateKey::default());
    exceeds(rotate(strong.key.id).await, "admin");
    exceeds(rotate(lasting.key.id).await, "expires_at");
    // Its own, yes.
    let renewed = keys
        .rotate(&caller, weak.key.id, RotateKey::default())
        .await
        .unwrap();
    assert!(f.opens(&renewed.secret).await && !f.opens(&weak.secret).await);
    // An administrator of an organisation gets no secret of a system administrator in it.
    let system = f.services.keys().list(&f.admin, f.org, Page::default());
    let system = system.await.unwrap();
    let id = system
        .items
        .iter()
        .find(|key| key.user_id == f.boot.admin_id)
        .unwrap()
        .id;
    assert!(matches!(
        keys.rotate(&boss, id, RotateKey::default()).await,
        Err(KeyError::Forbidden)
    ));
    assert!(matches!(
        keys.update(&boss, id, UpdateKey::default()).await,
        Err(KeyError::Forbidden)
    ));
    let for_admin = CreateKey {
        user_id: Some(f.boot.admin_id),
        ..named("taken over")
    };
    assert!(matches!(
        keys.create(&boss, for_admin).await,
        Err(KeyError::Forbidden)
    ));
    f.stop().await;
}

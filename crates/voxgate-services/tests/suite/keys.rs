//! API keys: what they may be given, by whom, and until when.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use voxgate_domain::{
    KeyId, LimitKind, LimitSet, Micros, NameSet, Page, Patch, Refusal, Refuse as _, Rights, Role,
    Service, ServiceSet, UserId,
};
use voxgate_services::identity::{AccountError, AuthError, Credential, UpdateUser};
use voxgate_services::keys::{CreateKey, CreatedKey, KeyError, RotateKey, UpdateKey};
use voxgate_services::{Principal, Process, Services};

use crate::fixture::{Fixture, HOUR, secret};

on_both!(
    a_key_gets_no_right_its_maker_lacks,
    a_change_gives_no_right_its_maker_lacks,
    a_key_loses_what_its_account_loses,
    without_admin_a_key_administers_nothing,
    after_a_rotation_the_old_secret_lives_on_for_the_overlap,
    keys_expire,
    keys_are_bound_to_networks,
    each_wrong_key_has_its_own_code,
    foreign_keys_are_unknown_keys,
    values_are_checked,
    another_process_notices_within_two_seconds,
);

pub(crate) async fn enter(
    services: &Services,
    secret: &SecretString,
    address: Option<&str>,
) -> Result<Principal, AuthError> {
    let address = address.map(|text| text.parse::<IpAddr>().unwrap());
    let credential = Credential::ApiKey(secret.clone());
    services.identity().authenticate(&credential, address).await
}

pub(crate) fn named(name: &str) -> CreateKey {
    CreateKey {
        name: name.into(),
        ..CreateKey::default()
    }
}

pub(crate) fn with_services(services: ServiceSet) -> CreateKey {
    CreateKey {
        services: Some(services),
        ..named("some services")
    }
}

fn only(names: &[&str]) -> NameSet {
    NameSet::Only(names.iter().map(|&name| name.to_owned()).collect())
}

pub(crate) async fn make(f: &Fixture, principal: &Principal, command: CreateKey) -> CreatedKey {
    f.services.keys().create(principal, command).await.unwrap()
}

pub(crate) fn exceeds<T: std::fmt::Debug>(result: Result<T, KeyError>, what: &str) {
    match result {
        Err(error @ KeyError::Exceeds(_)) => {
            assert_eq!(error.refusal(), Refusal::Forbidden);
            assert_eq!(error.code(), "exceeds_rights");
            assert!(error.to_string().contains(what), "{error} for {what}");
        }
        other => panic!("{what}: {other:?}"),
    }
}

async fn a_key_gets_no_right_its_maker_lacks(f: Fixture) {
    let keys = f.services.keys();
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let made = make(&f, &anna, named("plain")).await;
    assert_eq!(made.key.rights, Rights::of_role(Role::OrgUser));
    let robot = enter(&f.services, &made.secret, None).await.unwrap();
    assert!(robot.may_use(Service::Tts) && !robot.may_use(Service::Admin));

    exceeds(
        keys.create(&anna, with_services(ServiceSet::ALL)).await,
        "admin",
    );
    // Nor does an administrator give an account more than it may have itself.
    for maker in [&boss, &f.admin] {
        let for_anna = CreateKey {
            user_id: anna.user_id(),
            ..with_services(ServiceSet::ALL)
        };
        exceeds(keys.create(maker, for_anna).await, "admin");
    }
    let chief = make(&f, &boss, with_services(ServiceSet::ALL)).await;
    assert!(chief.key.rights.services.contains(Service::Admin));

    // A key that may less makes keys that may no more.
    let narrow = CreateKey {
        services: Some([Service::Tts, Service::Admin].into_iter().collect()),
        voices: Some(only(&["magnus"])),
        networks: Some(vec!["10.0.0.0/8".parse().unwrap()]),
        ..named("narrow")
    };
    let narrow = make(&f, &boss, narrow).await;
    let narrow = enter(&f.services, &narrow.secret, Some("10.1.2.3"))
        .await
        .unwrap();
    let inherited = make(&f, &narrow, named("inherits")).await.key.rights;
    assert_eq!(inherited.services, [Service::Tts].into_iter().collect());
    assert_eq!(inherited.voices, only(&["magnus"]));
    assert_eq!(inherited.networks, narrow.rights().networks);
    let beyond = [
        (with_services([Service::Llm].into_iter().collect()), "llm"),
        (
            CreateKey {
                voices: Some(NameSet::All),
                ..named("a")
            },
            "voices",
        ),
        (
            CreateKey {
                networks: Some(Vec::new()),
                ..named("b")
            },
            "networks",
        ),
        (
            CreateKey {
                networks: Some(vec!["192.0.2.0/24".parse().unwrap()]),
                ..named("c")
            },
            "networks",
        ),
    ];
    for (command, what) in beyond {
        exceeds(keys.create(&narrow, command).await, what);
    }
    f.stop().await;
}

async fn a_change_gives_no_right_its_maker_lacks(f: Fixture) {
    let keys = f.services.keys();
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let key = make(&f, &anna, named("plain")).await.key;
    let everything = UpdateKey {
        services: Some(ServiceSet::ALL),
        ..UpdateKey::default()
    };
    for caller in [&anna, &boss, &f.admin] {
        exceeds(
            keys.update(caller, key.id, everything.clone()).await,
            "admin",
        );
    }
    // A key does not widen itself, nor a key that has more than it.
    let bounded = CreateKey {
        services: Some([Service::Tts, Service::Admin].into_iter().collect()),
        limits: LimitSet::from_iter([(LimitKind::RequestsPerMinute, 5)]),
        credit_budget: Some(Micros::new(7)),
        ..named("bounded")
    };
    let bounded = make(&f, &boss, bounded).await;
    let caller = enter(&f.services, &bounded.secret, None).await.unwrap();
    exceeds(
        keys.update(&caller, bounded.key.id, everything).await,
        "services",
    );
    let wider = [
        (
            UpdateKey {
                limits: Some(LimitSet::default()),
                ..UpdateKey::default()
            },
            "limits: requests_per_minute",
        ),
        (
            UpdateKey {
                credit_budget: Patch::Clear,
                ..UpdateKey::default()
            },
            "credit_budget",
        ),
    ];
    for (change, what) in wider {
        exceeds(keys.update(&caller, bounded.key.id, change).await, what);
    }
    let rename = UpdateKey {
        name: Some("mine now".into()),
        ..UpdateKey::default()
    };
    exceeds(
        keys.update(&caller, key.id, rename.clone()).await,
        "services",
    );
    // Narrowing and renaming are fine.
    let renamed = keys.update(&caller, bounded.key.id, rename).await.unwrap();
    assert_eq!(renamed.name, "mine now");
    let narrower = UpdateKey {
        services: Some([Service::Tts].into_iter().collect()),
        voices: Some(only(&["magnus"])),
        ..UpdateKey::default()
    };
    let narrowed = keys.update(&anna, key.id, narrower).await.unwrap();
    assert_eq!(narrowed.rights.voices, only(&["magnus"]));
    assert_eq!(keys.get(&anna, key.id).await.unwrap(), narrowed);
    f.stop().await;
}

async fn a_key_loses_what_its_account_loses(f: Fixture) {
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let made = make(&f, &boss, with_services(ServiceSet::ALL)).await;
    let before = enter(&f.services, &made.secret, None).await.unwrap();
    assert!(before.may_administer(f.org));
    let demoted = UpdateUser {
        role: Some(Role::OrgUser),
        ..UpdateUser::default()
    };
    let identity = f.services.identity();
    let id = boss.user_id().unwrap();
    identity.update_user(&f.admin, id, demoted).await.unwrap();
    let after = enter(&f.services, &made.secret, None).await.unwrap();
    assert!(!after.may_use(Service::Admin) && !after.may_administer(f.org));
    assert!(after.may_use(Service::Tts));
    let refused = f.services.keys().create(&after, named("more")).await;
    assert!(matches!(refused, Err(KeyError::Forbidden)), "{refused:?}");
    // What lies idle keeps nobody from renaming it.
    let rename = UpdateKey {
        name: Some("old".into()),
        ..UpdateKey::default()
    };
    let demoted = f.services.keys();
    let again = f.login("boss@example.com", crate::fixture::PASSWORD).await;
    let boss = f.authenticate(&again).await;
    demoted.update(&boss, made.key.id, rename).await.unwrap();
    f.stop().await;
}

async fn without_admin_a_key_administers_nothing(f: Fixture) {
    let made = make(&f, &f.admin, named("work only")).await;
    let robot = enter(&f.services, &made.secret, None).await.unwrap();
    assert_eq!(
        (robot.role(), robot.rank()),
        (Role::SystemAdmin, Role::OrgUser)
    );
    assert!(!robot.is_system_admin() && !robot.may_administer(f.org));
    let (identity, keys) = (f.services.identity(), f.services.keys());
    assert!(matches!(
        identity.users(&robot, None, Page::default()).await,
        Err(AccountError::Forbidden)
    ));
    let id = made.key.id;
    assert!(matches!(
        keys.create(&robot, named("another")).await,
        Err(KeyError::Forbidden)
    ));
    assert!(matches!(
        keys.update(&robot, id, UpdateKey::default()).await,
        Err(KeyError::Forbidden)
    ));
    assert!(matches!(
        keys.rotate(&robot, id, RotateKey::default()).await,
        Err(KeyError::Forbidden)
    ));
    assert!(matches!(
        keys.revoke(&robot, id).await,
        Err(KeyError::Forbidden)
    ));
    // Itself it may read.
    assert!(identity.me(&robot).await.is_ok());
    assert!(f.services.usage().summary(&robot, None).await.is_ok());
    assert!(f.services.orgs().get(&robot, f.org).await.is_ok());
    f.stop().await;
}

async fn after_a_rotation_the_old_secret_lives_on_for_the_overlap(f: Fixture) {
    let keys = f.services.keys();
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let first = make(&f, &anna, named("rotated")).await;
    let id = first.key.id;
    let minute = RotateKey {
        overlap: Duration::from_secs(60),
    };
    let second = keys.rotate(&anna, id, minute).await.unwrap();
    assert_eq!(second.key.id, id);
    assert_ne!(secret(&second.secret), secret(&first.secret));
    assert!(secret(&second.secret).starts_with(&second.key.prefix));
    for made in [&first, &second] {
        let principal = enter(&f.services, &made.secret, None).await.unwrap();
        assert_eq!(principal.key_id(), Some(id));
    }
    f.clock.advance(Duration::from_millis(59_999));
    assert!(f.opens(&first.secret).await && f.opens(&second.secret).await);
    f.clock.advance(Duration::from_millis(1));
    let late = enter(&f.services, &first.secret, None).await.unwrap_err();
    assert!(matches!(late, AuthError::ExpiredKey), "{late:?}");
    assert!(f.opens(&second.secret).await);
    // Without an overlap the old one ends at once; a longer overlap does not bring an ended one back.
    let third = keys.rotate(&anna, id, RotateKey::default()).await.unwrap();
    assert!(!f.opens(&second.secret).await && f.opens(&third.secret).await);
    let long = RotateKey {
        overlap: RotateKey::MAX_OVERLAP,
    };
    keys.rotate(&anna, id, long).await.unwrap();
    assert!(!f.opens(&second.secret).await && f.opens(&third.secret).await);
    let too_long = RotateKey {
        overlap: RotateKey::MAX_OVERLAP + Duration::from_secs(1),
    };
    let refused = keys.rotate(&anna, id, too_long).await;
    assert!(matches!(
        refused,
        Err(KeyError::Invalid {
            field: "overlap",
            ..
        })
    ));
    // Revoking ends all of them.
    keys.revoke(&anna, id).await.unwrap();
    assert!(!f.opens(&third.secret).await);
    assert!(matches!(
        keys.rotate(&anna, id, RotateKey::default()).await,
        Err(KeyError::Revoked)
    ));
    f.stop().await;
}

async fn keys_expire(f: Fixture) {
    let keys = f.services.keys();
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let end = f.services.now().saturating_add(HOUR);
    let made = CreateKey {
        expires_at: Some(end),
        ..named("short")
    };
    let made = make(&f, &anna, made).await;
    // Asked before and after within the time for which a look-up is remembered.
    f.clock.advance(HOUR - Duration::from_millis(1));
    assert!(f.opens(&made.secret).await);
    f.clock.advance(Duration::from_millis(1));
    let refused = enter(&f.services, &made.secret, None).await.unwrap_err();
    assert!(matches!(refused, AuthError::ExpiredKey), "{refused:?}");
    assert_eq!(refused.refusal(), Refusal::Unauthenticated);
    let rotated = keys.rotate(&anna, made.key.id, RotateKey::default()).await;
    assert!(matches!(rotated, Err(KeyError::Expired)), "{rotated:?}");
    let longer = UpdateKey {
        expires_at: Patch::Set(end.saturating_add(HOUR)),
        ..UpdateKey::default()
    };
    keys.update(&anna, made.key.id, longer).await.unwrap();
    assert!(f.opens(&made.secret).await);
    f.stop().await;
}

async fn keys_are_bound_to_networks(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let made = CreateKey {
        networks: Some(vec![
            "192.0.2.0/24".parse().unwrap(),
            "2001:db8::/32".parse().unwrap(),
        ]),
        ..named("at the office")
    };
    let made = make(&f, &anna, made).await;
    // Twice, so that the second answer is a remembered one.
    for _ in 0..2 {
        for inside in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1"] {
            let principal = enter(&f.services, &made.secret, Some(inside)).await;
            let principal = principal.unwrap();
            assert_eq!(principal.address(), Some(inside.parse().unwrap()));
        }
        for outside in [Some("192.0.3.7"), Some("2001:db9::1"), None] {
            let refused = enter(&f.services, &made.secret, outside).await.unwrap_err();
            assert!(
                matches!(refused, AuthError::AddressNotAllowed),
                "{outside:?}"
            );
            assert_eq!(refused.refusal(), Refusal::Forbidden);
            assert_eq!(refused.code(), "address_not_allowed");
        }
    }
    f.stop().await;
}

async fn each_wrong_key_has_its_own_code(f: Fixture) {
    let keys = f.services.keys();
    let user = f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let anna = f.login("anna@example.com", crate::fixture::PASSWORD).await;
    let anna = f.authenticate(&anna).await;
    let revoked = make(&f, &anna, named("revoked")).await;
    let gone = make(&f, &anna, named("gone")).await;
    keys.revoke(&anna, revoked.key.id).await.unwrap();
    let code = async |secret: &SecretString| {
        let error = enter(&f.services, secret, None).await.unwrap_err();
        assert_eq!(error.refusal(), Refusal::Unauthenticated);
        (error.code(), error.public_message())
    };
    assert_eq!(code(&revoked.secret).await.0, "api_key_revoked");
    let text = secret(&gone.secret);
    // One character wrong, cut short, or the beginning of a good key with another end: never a good key.
    assert!(f.opens(&gone.secret).await);
    let swapped = if text.ends_with('0') { "1" } else { "0" };
    for wrong in [
        format!("{}{swapped}", &text[..text.len() - 1]),
        text[..text.len() - 1].to_owned(),
        format!("{}{}", &text[..30], &secret(&revoked.secret)[30..]),
        "vg_".to_owned(),
        String::new(),
    ] {
        let (code, _) = code(&wrong.into()).await;
        assert_eq!(code, "malformed_api_key");
    }
    // A key that is no more sounds like one that never was.
    f.services
        .identity()
        .delete_user(&f.admin, user.id)
        .await
        .unwrap();
    let (code, message) = code(&gone.secret).await;
    assert_eq!(code, "invalid_api_key");
    assert_eq!(message, "The API key is not valid");
    f.stop().await;
}

async fn foreign_keys_are_unknown_keys(f: Fixture) {
    let keys = f.services.keys();
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let bob = f.member("bob@example.com", Role::OrgUser, f.org).await;
    let other = f.organization("other", 100, 100).await;
    let stranger = f.member("eve@example.com", Role::OrgAdmin, other).await;
    let key = make(&f, &anna, named("anna's")).await.key;
    for caller in [&stranger, &bob] {
        for id in [key.id, KeyId::generate()] {
            assert!(matches!(
                keys.get(caller, id).await,
                Err(KeyError::NotFound)
            ));
            let update = keys.update(caller, id, UpdateKey::default()).await;
            assert!(matches!(update, Err(KeyError::NotFound)));
            let rotate = keys.rotate(caller, id, RotateKey::default()).await;
            assert!(matches!(rotate, Err(KeyError::NotFound)));
            assert!(matches!(
                keys.revoke(caller, id).await,
                Err(KeyError::NotFound)
            ));
        }
    }
    for id in [anna.user_id().unwrap(), UserId::generate()] {
        let foreign = CreateKey {
            user_id: Some(id),
            ..named("foreign")
        };
        let refused = keys.create(&stranger, foreign.clone()).await;
        assert!(matches!(refused, Err(KeyError::NotFound)), "{refused:?}");
    }
    let for_anna = CreateKey {
        user_id: anna.user_id(),
        ..named("for another")
    };
    let refused = keys.create(&bob, for_anna).await;
    assert!(matches!(refused, Err(KeyError::Forbidden)), "{refused:?}");
    assert!(keys.get(&anna, key.id).await.is_ok());
    assert!(keys.get(&f.admin, key.id).await.is_ok());
    f.stop().await;
}

async fn values_are_checked(f: Fixture) {
    let keys = f.services.keys();
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let wrong = [
        (named(" "), "name"),
        (with_services(ServiceSet::NONE), "services"),
        (
            CreateKey {
                voices: Some(only(&[""])),
                ..named("a")
            },
            "voices",
        ),
        (
            CreateKey {
                networks: Some(vec!["10.0.0.0/8".parse().unwrap(); 101]),
                ..named("b")
            },
            "networks",
        ),
        (
            CreateKey {
                credit_budget: Some(Micros::new(-1)),
                ..named("c")
            },
            "credit_budget",
        ),
        (
            CreateKey {
                expires_at: Some(f.services.now()),
                ..named("d")
            },
            "expires_at",
        ),
        (
            CreateKey {
                tier_id: Some(voxgate_domain::PlanId::generate()),
                ..named("e")
            },
            "tier_id",
        ),
    ];
    for (command, named) in wrong {
        match keys.create(&anna, command).await {
            Err(KeyError::Invalid { field, .. }) => assert_eq!(field, named),
            other => panic!("{named}: {other:?}"),
        }
    }
    f.stop().await;
}

async fn another_process_notices_within_two_seconds(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let (revoked, expired) = (
        make(&f, &anna, named("revoked")).await,
        make(&f, &anna, named("narrowed")).await,
    );
    let second = f.another(Process::Command).await;
    for made in [&revoked, &expired] {
        assert!(enter(&second, &made.secret, None).await.is_ok());
    }
    let keys = f.services.keys();
    keys.revoke(&anna, revoked.key.id).await.unwrap();
    let office = UpdateKey {
        networks: Some(vec!["192.0.2.0/24".parse().unwrap()]),
        ..UpdateKey::default()
    };
    keys.update(&anna, expired.key.id, office).await.unwrap();
    // Here at once; there what was seen is believed for a second and a half, and no longer.
    assert!(!f.opens(&revoked.secret).await && !f.opens(&expired.secret).await);
    f.clock.advance(Duration::from_millis(1500));
    let refused = enter(&second, &revoked.secret, None).await;
    assert!(matches!(refused, Err(AuthError::RevokedKey)), "{refused:?}");
    let refused = enter(&second, &expired.secret, None).await;
    assert!(matches!(refused, Err(AuthError::AddressNotAllowed)));
    second.shutdown().await;
    f.stop().await;
}

/// The same with the clocks of the machine and a client that never pauses, so that what is known is renewed all the time.
#[test]
fn a_busy_key_is_revoked_in_another_process_within_two_seconds() {
    crate::fixture::on_postgres(|f| {
        Box::pin(async move {
            let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
            let made = make(&f, &anna, named("busy")).await;
            let second = f.another_with_system_clock().await;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(1200) {
                assert!(enter(&second, &made.secret, None).await.is_ok());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            f.services.keys().revoke(&anna, made.key.id).await.unwrap();
            let revoked = Instant::now();
            while enter(&second, &made.secret, None).await.is_ok() {
                assert!(revoked.elapsed() < Duration::from_secs(2));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            second.shutdown().await;
            f.stop().await;
        })
    });
}

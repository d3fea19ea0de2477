//! Organisations: what each role sees and changes, at home and abroad.

use serde_json::json;
use voxgate_domain::{OrgStatus, Page, Patch, Role};
use voxgate_services::Principal;
use voxgate_services::orgs::{CreateOrg, ListOrgs, OrgError, UpdateOrg};
use voxgate_services::usage::{ListRequests, UsageError};

use crate::fixture::{Fixture, PASSWORD, say};

on_both!(
    creating_an_organisation_invites_its_administrator,
    each_role_sees_and_changes_its_own,
    patches_keep_clear_and_set,
    usage_is_shown_to_those_who_may_see_it,
);

async fn creating_an_organisation_invites_its_administrator(f: Fixture) {
    let orgs = f.services.orgs();
    let command = CreateOrg {
        name: " Acme ".into(),
        domain: Some("Acme.Example".into()),
        admin_email: "Boss@Acme.com".into(),
        daily_word_limit: Some(5),
        ..CreateOrg::default()
    };
    let org = orgs.create(&f.admin, command.clone()).await.unwrap();
    assert_eq!(
        (org.name.as_str(), org.domain.as_deref()),
        ("Acme", Some("acme.example"))
    );
    assert_eq!(
        (org.limits.daily_words, org.limits.monthly_words),
        (5, 2_000_000)
    );
    assert_eq!(org.limits.requests_per_minute, 100);
    let token = f.mailed_token("Boss@acme.com", "/invitations/").await;
    let accept = voxgate_services::invitations::AcceptInvitation {
        token: token.into(),
        password: PASSWORD.to_owned().into(),
        full_name: None,
    };
    let boss = f.services.invitations().accept(accept).await.unwrap();
    assert_eq!(
        (boss.role, boss.organization_id),
        (Role::OrgAdmin, Some(org.id))
    );

    for (field, broken) in [
        (
            "name",
            CreateOrg {
                name: "  ".into(),
                ..command.clone()
            },
        ),
        (
            "domain",
            CreateOrg {
                domain: Some("a b".into()),
                ..command.clone()
            },
        ),
        (
            "daily_word_limit",
            CreateOrg {
                daily_word_limit: Some(u64::MAX),
                ..command.clone()
            },
        ),
    ] {
        let broken = CreateOrg {
            admin_email: "x@acme.com".into(),
            ..broken
        };
        match orgs.create(&f.admin, broken).await {
            Err(OrgError::Invalid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{field}: {other:?}"),
        }
    }
    assert!(matches!(
        orgs.create(&f.admin, command).await,
        Err(OrgError::AdminEmailTaken)
    ));
    f.stop().await;
}

async fn each_role_sees_and_changes_its_own(f: Fixture) {
    let orgs = f.services.orgs();
    let other = f.organization("other", 100, 100).await;
    let admin = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let user = f.member("user@example.com", Role::OrgUser, f.org).await;
    let count = |principal: &Principal, status| {
        let (orgs, principal) = (orgs.clone(), principal.clone());
        let query = ListOrgs {
            status,
            page: Page::default(),
        };
        async move { orgs.list(&principal, query).await.unwrap().total }
    };
    assert_eq!(count(&f.admin, None).await, 2);
    assert_eq!(count(&admin, None).await, 1);
    assert_eq!(count(&user, Some(OrgStatus::Suspended)).await, 0);

    let rename = UpdateOrg {
        name: Some("New".into()),
        ..UpdateOrg::default()
    };
    let raise = UpdateOrg {
        daily_word_limit: Some(1),
        ..UpdateOrg::default()
    };
    for stranger in [&admin, &user] {
        assert!(matches!(
            orgs.get(stranger, other).await,
            Err(OrgError::NotFound)
        ));
        assert!(matches!(
            orgs.update(stranger, other, rename.clone()).await,
            Err(OrgError::NotFound)
        ));
        assert!(matches!(
            orgs.members(stranger, other, Page::default()).await,
            Err(OrgError::NotFound)
        ));
        assert!(matches!(
            orgs.create(stranger, CreateOrg::default()).await,
            Err(OrgError::Forbidden)
        ));
        assert!(orgs.get(stranger, f.org).await.is_ok());
        assert!(matches!(
            orgs.update(stranger, f.org, raise.clone()).await,
            Err(OrgError::Forbidden)
        ));
    }
    assert!(matches!(
        orgs.update(&user, f.org, rename.clone()).await,
        Err(OrgError::Forbidden)
    ));
    assert!(matches!(
        orgs.members(&user, f.org, Page::default()).await,
        Err(OrgError::Forbidden)
    ));
    assert_eq!(
        orgs.update(&admin, f.org, rename).await.unwrap().name,
        "New"
    );
    assert_eq!(
        orgs.members(&admin, f.org, Page::new(2, 0))
            .await
            .unwrap()
            .items
            .len(),
        2
    );
    assert_eq!(
        orgs.members(&admin, f.org, Page::new(2, 2))
            .await
            .unwrap()
            .total,
        3
    );
    assert_eq!(
        orgs.update(&f.admin, other, raise)
            .await
            .unwrap()
            .limits
            .daily_words,
        1
    );
    let unknown = voxgate_domain::OrgId::generate();
    assert!(matches!(
        orgs.get(&f.admin, unknown).await,
        Err(OrgError::NotFound)
    ));
    f.stop().await;
}

async fn patches_keep_clear_and_set(f: Fixture) {
    let orgs = f.services.orgs();
    let change = UpdateOrg {
        domain: Patch::Set("acme.com".into()),
        domain_verified: Some(true),
        settings: Patch::Set(
            json!({"theme": "dark", "z": [1]})
                .as_object()
                .unwrap()
                .clone(),
        ),
        ..UpdateOrg::default()
    };
    let org = orgs.update(&f.admin, f.org, change).await.unwrap();
    assert!(org.domain_verified);
    let kept = orgs
        .update(&f.admin, f.org, UpdateOrg::default())
        .await
        .unwrap();
    assert_eq!(kept, org);
    let moved = UpdateOrg {
        domain: Patch::Set("acme.org".into()),
        ..UpdateOrg::default()
    };
    let org = orgs.update(&f.admin, f.org, moved).await.unwrap();
    assert!(
        !org.domain_verified,
        "another domain is to be verified anew"
    );
    assert_eq!(org.settings["theme"], json!("dark"));
    let cleared = UpdateOrg {
        domain: Patch::Clear,
        settings: Patch::Clear,
        ..UpdateOrg::default()
    };
    let org = orgs.update(&f.admin, f.org, cleared).await.unwrap();
    assert_eq!((org.domain, org.settings.len()), (None, 0));
    f.stop().await;
}

async fn usage_is_shown_to_those_who_may_see_it(f: Fixture) {
    let usage = f.services.usage();
    let other = f.organization("other", 100, 100).await;
    let admin = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let user = f.member("user@example.com", Role::OrgUser, f.org).await;
    let stranger = f.member("eve@example.com", Role::OrgAdmin, other).await;
    f.services
        .speech()
        .synthesize(&user, say("three short words"))
        .await
        .unwrap();
    f.services
        .speech()
        .synthesize(&admin, say("two words"))
        .await
        .unwrap();
    let id = user.user_id();

    let own = usage.summary(&user, None).await.unwrap();
    assert_eq!(
        (own.totals.words, own.totals.success, own.daily.words_used),
        (3, 1, 5)
    );
    assert_eq!(own.daily.remaining, Some(100_000 - 5));
    assert_eq!(own.by_day.len(), 1);
    assert_eq!(own.by_day[0].date, "2027-01-15");
    assert!(usage.summary(&user, id).await.is_ok());
    assert_eq!(usage.summary(&admin, id).await.unwrap().totals.words, 3);
    assert_eq!(usage.summary(&f.admin, id).await.unwrap().totals.words, 3);
    assert!(matches!(
        usage.summary(&stranger, id).await,
        Err(UsageError::NotFound)
    ));
    assert!(matches!(
        usage.summary(&user, admin.user_id()).await,
        Err(UsageError::Forbidden)
    ));

    let query = ListRequests {
        user_id: id,
        ..ListRequests::default()
    };
    let rows = usage.requests(&admin, query).await.unwrap();
    assert_eq!(
        (
            rows.total,
            rows.items[0].words,
            rows.items[0].endpoint.as_str()
        ),
        (1, 3, "/tts/tts")
    );
    assert_eq!(
        usage
            .requests(&user, ListRequests::default())
            .await
            .unwrap()
            .total,
        1
    );
    assert!(usage.requests(&stranger, query).await.is_err());

    let whole = usage.organization(&admin, f.org, None).await.unwrap();
    assert_eq!(
        (
            whole.totals.words,
            whole.by_user.len(),
            whole.by_user[0].totals.words
        ),
        (5, 2, 3)
    );
    assert_eq!(whole.by_user[0].email.as_deref(), Some("user@example.com"));
    assert!(matches!(
        usage.organization(&user, f.org, None).await,
        Err(UsageError::Forbidden)
    ));
    assert!(matches!(
        usage.organization(&stranger, f.org, None).await,
        Err(UsageError::NotFound)
    ));
    let before = voxgate_domain::DateRange::parse("2026-01-01", "2026-12-31");
    assert_eq!(
        usage
            .organization(&admin, f.org, before)
            .await
            .unwrap()
            .totals
            .requests,
        0
    );

    // History outlives the account.
    f.services
        .identity()
        .delete_user(&f.admin, id.unwrap())
        .await
        .unwrap();
    let whole = usage.organization(&admin, f.org, None).await.unwrap();
    assert_eq!(
        (whole.totals.words, whole.by_user[0].email.as_deref()),
        (5, None)
    );
    assert_eq!(
        usage.totals(&f.admin, None).await.unwrap()[0].totals.words,
        5
    );
    assert!(usage.totals(&admin, None).await.is_err());
    f.stop().await;
}

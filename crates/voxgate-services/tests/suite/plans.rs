//! Plans: who makes them, who has them, and which limits hold.

use voxgate_domain::{LimitKind, LimitSet, OrgLimits, Page, Patch, PlanId, Refuse as _, Role};
use voxgate_services::identity::Credential;
use voxgate_services::keys::{CreateKey, UpdateKey};
use voxgate_services::orgs::{CreateOrg, OrgError, UpdateOrg};
use voxgate_services::plans::{CreatePlan, Plan, PlanError, UpdatePlan};

use crate::fixture::{Fixture, PASSWORD};

on_both!(
    system_administrators_make_plans_and_everybody_reads_them,
    a_plan_in_use_stays,
    an_organisation_has_its_own_limits_or_those_of_its_plan,
    a_new_organisation_takes_its_limits_from_its_plan,
    a_key_has_its_own_limits_or_those_of_its_tier,
    only_system_administrators_change_limits,
);

fn limits(values: &[(LimitKind, u64)]) -> LimitSet {
    values.iter().copied().collect()
}

async fn plan(f: &Fixture, name: &str, values: &[(LimitKind, u64)]) -> Plan {
    let command = CreatePlan {
        name: name.into(),
        limits: limits(values),
    };
    f.services.plans().create(&f.admin, command).await.unwrap()
}

async fn system_administrators_make_plans_and_everybody_reads_them(f: Fixture) {
    let plans = f.services.plans();
    let small = plan(&f, " Small ", &[(LimitKind::WordsPerDay, 10)]).await;
    assert_eq!(small.name, "Small");
    let taken = plans
        .create(
            &f.admin,
            CreatePlan {
                name: "Small".into(),
                ..CreatePlan::default()
            },
        )
        .await;
    assert!(matches!(taken, Err(PlanError::NameTaken)), "{taken:?}");
    let large = plan(&f, "Large", &[]).await;
    let rename = |name: &str| UpdatePlan {
        name: Some(name.into()),
        limits: None,
    };
    let taken = plans.update(&f.admin, large.id, rename("Small")).await;
    assert!(matches!(taken, Err(PlanError::NameTaken)), "{taken:?}");
    let renamed = plans.update(&f.admin, large.id, rename("Big")).await;
    assert_eq!(renamed.unwrap().name, "Big");
    let more = UpdatePlan {
        name: None,
        limits: Some(limits(&[(LimitKind::TokensPerDay, 3)])),
    };
    let changed = plans.update(&f.admin, small.id, more).await.unwrap();
    assert_eq!(changed.limits, limits(&[(LimitKind::TokensPerDay, 3)]));

    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let user = f.member("user@example.com", Role::OrgUser, f.org).await;
    for caller in [&boss, &user] {
        let seen = plans.list(caller, Page::default()).await.unwrap();
        assert_eq!(seen.total, 2);
        assert_eq!(plans.get(caller, small.id).await.unwrap(), changed);
        let refused = plans.create(caller, CreatePlan::default()).await;
        assert!(matches!(refused, Err(PlanError::Forbidden)));
        let refused = plans.update(caller, small.id, rename("Mine")).await;
        assert!(matches!(refused, Err(PlanError::Forbidden)));
        let refused = plans.delete(caller, small.id).await;
        assert!(matches!(refused, Err(PlanError::Forbidden)));
    }
    let unknown = PlanId::generate();
    assert!(matches!(
        plans.get(&user, unknown).await,
        Err(PlanError::NotFound)
    ));
    assert!(matches!(
        plans.update(&f.admin, unknown, rename("x")).await,
        Err(PlanError::NotFound)
    ));
    plans.delete(&f.admin, small.id).await.unwrap();
    assert!(matches!(
        plans.delete(&f.admin, small.id).await,
        Err(PlanError::NotFound)
    ));
    f.stop().await;
}

async fn a_plan_in_use_stays(f: Fixture) {
    let plans = f.services.plans();
    let of_org = plan(&f, "of an organisation", &[]).await;
    let of_key = plan(&f, "of a key", &[]).await;
    let taken = UpdateOrg {
        plan_id: Patch::Set(of_org.id),
        ..UpdateOrg::default()
    };
    f.services
        .orgs()
        .update(&f.admin, f.org, taken)
        .await
        .unwrap();
    let key = CreateKey {
        name: "tiered".into(),
        tier_id: Some(of_key.id),
        ..CreateKey::default()
    };
    let key = f.services.keys().create(&f.admin, key).await.unwrap().key;
    for id in [of_org.id, of_key.id] {
        let refused = plans.delete(&f.admin, id).await.unwrap_err();
        assert_eq!(refused.code(), "plan_in_use");
    }
    let none = UpdateOrg {
        plan_id: Patch::Clear,
        ..UpdateOrg::default()
    };
    f.services
        .orgs()
        .update(&f.admin, f.org, none)
        .await
        .unwrap();
    let none = UpdateKey {
        tier_id: Patch::Clear,
        ..UpdateKey::default()
    };
    f.services
        .keys()
        .update(&f.admin, key.id, none)
        .await
        .unwrap();
    for id in [of_org.id, of_key.id] {
        plans.delete(&f.admin, id).await.unwrap();
    }
    f.stop().await;
}

async fn an_organisation_has_its_own_limits_or_those_of_its_plan(f: Fixture) {
    let (orgs, plans) = (f.services.orgs(), f.services.plans());
    let org = f.organization("acme", 100, 10).await;
    let anna = f.user("anna@example.com", Role::OrgUser, Some(org)).await;
    let session = f.login("anna@example.com", PASSWORD).await;
    let key = CreateKey {
        name: "robot".into(),
        user_id: Some(anna.id),
        ..CreateKey::default()
    };
    let key = f.services.keys().create(&f.admin, key).await.unwrap();
    // Own values first: seen by sessions and keys, and at once.
    let holds = async |kind: LimitKind| {
        let mut seen = Vec::new();
        for token in [&session, &key.secret] {
            let context = *f.authenticate(token).await.organization().unwrap();
            seen.push((
                context.all_limits.get(kind),
                context.limits,
                context.plan_id,
            ));
        }
        assert_eq!(seen[0], seen[1], "a session and a key of it");
        seen[0]
    };
    let gold = plan(
        &f,
        "Gold",
        &[
            (LimitKind::WordsPerDay, 5000),
            (LimitKind::ConcurrentStreams, 8),
            (LimitKind::TokensPerMinute, 60),
        ],
    )
    .await;
    assert_eq!(holds(LimitKind::ConcurrentStreams).await.0, None);
    let on_gold = UpdateOrg {
        plan_id: Patch::Set(gold.id),
        limits: vec![(LimitKind::TokensPerMinute, Some(6))],
        ..UpdateOrg::default()
    };
    let shown = orgs.update(&f.admin, org, on_gold).await.unwrap();
    assert_eq!(shown.plan_id, Some(gold.id));
    assert_eq!(shown.own_limits.get(LimitKind::ConcurrentStreams), None);
    assert_eq!(shown.all_limits.get(LimitKind::ConcurrentStreams), Some(8));
    assert_eq!(holds(LimitKind::ConcurrentStreams).await.0, Some(8));
    assert_eq!(holds(LimitKind::TokensPerMinute).await.0, Some(6), "own");
    let (words, classic, plan_id) = holds(LimitKind::WordsPerDay).await;
    assert_eq!((words, classic.daily_words), (Some(100), 100), "own");
    assert_eq!(plan_id, Some(gold.id));

    // The three classic ones can be left to the plan too, and where it has none nothing limits.
    let left = UpdateOrg {
        limits: vec![
            (LimitKind::WordsPerDay, None),
            (LimitKind::RequestsPerMinute, None),
            (LimitKind::TokensPerMinute, None),
        ],
        ..UpdateOrg::default()
    };
    orgs.update(&f.admin, org, left).await.unwrap();
    let (words, classic, _) = holds(LimitKind::WordsPerDay).await;
    assert_eq!((words, classic.daily_words), (Some(5000), 5000));
    assert_eq!(
        classic.requests_per_minute,
        OrgLimits::MAX_REQUESTS_PER_MINUTE
    );
    assert_eq!(holds(LimitKind::RequestsPerMinute).await.0, None);
    assert_eq!(holds(LimitKind::TokensPerMinute).await.0, Some(60));

    // A change of the plan holds for all who have it, at once.
    let less = UpdatePlan {
        name: None,
        limits: Some(limits(&[(LimitKind::WordsPerDay, 7)])),
    };
    plans.update(&f.admin, gold.id, less).await.unwrap();
    assert_eq!(holds(LimitKind::WordsPerDay).await.0, Some(7));
    assert_eq!(holds(LimitKind::ConcurrentStreams).await.0, None);
    let listed = orgs.get(&f.admin, org).await.unwrap();
    assert_eq!(listed.limits.daily_words, 7);
    let all = orgs.list(&f.admin, Default::default()).await.unwrap();
    let acme = all.items.iter().find(|found| found.id == org).unwrap();
    assert_eq!(acme.limits.daily_words, 7);

    // An own value again, through the old field.
    let own = UpdateOrg {
        daily_word_limit: Some(9),
        ..UpdateOrg::default()
    };
    let shown = orgs.update(&f.admin, org, own).await.unwrap();
    assert_eq!(shown.limits.daily_words, 9);
    assert_eq!(holds(LimitKind::WordsPerDay).await.0, Some(9));
    f.stop().await;
}

async fn a_new_organisation_takes_its_limits_from_its_plan(f: Fixture) {
    let orgs = f.services.orgs();
    let gold = plan(&f, "Gold", &[(LimitKind::WordsPerMonth, 50)]).await;
    let command = CreateOrg {
        name: "acme".into(),
        admin_email: "boss@acme.com".into(),
        plan_id: Some(gold.id),
        rate_limit_per_minute: Some(3),
        ..CreateOrg::default()
    };
    let made = orgs.create(&f.admin, command.clone()).await.unwrap();
    assert_eq!(made.limits.monthly_words, 50);
    assert_eq!(made.limits.daily_words, OrgLimits::MAX_WORDS, "not limited");
    assert_eq!(made.limits.requests_per_minute, 3, "own");
    assert_eq!(made.own_limits.iter().count(), 1);
    let unknown = CreateOrg {
        admin_email: "other@acme.com".into(),
        plan_id: Some(PlanId::generate()),
        ..command
    };
    match orgs.create(&f.admin, unknown).await {
        Err(OrgError::Invalid { field, .. }) => assert_eq!(field, "plan_id"),
        other => panic!("{other:?}"),
    }
    f.stop().await;
}

async fn a_key_has_its_own_limits_or_those_of_its_tier(f: Fixture) {
    let keys = f.services.keys();
    let tier = plan(
        &f,
        "Tier",
        &[
            (LimitKind::RequestsPerMinute, 20),
            (LimitKind::TokensPerDay, 30),
        ],
    )
    .await;
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let command = CreateKey {
        name: "tiered".into(),
        tier_id: Some(tier.id),
        limits: limits(&[(LimitKind::RequestsPerMinute, 5)]),
        ..CreateKey::default()
    };
    let made = keys.create(&anna, command).await.unwrap();
    let context = async || {
        let credential = Credential::Bearer(made.secret.clone());
        let principal = f.services.identity().authenticate(&credential, None).await;
        *principal.unwrap().key().unwrap()
    };
    let seen = context().await;
    assert_eq!(seen.id, made.key.id);
    assert_eq!(seen.limits.get(LimitKind::RequestsPerMinute), Some(5));
    assert_eq!(seen.limits.get(LimitKind::TokensPerDay), Some(30));
    let bare = UpdateKey {
        limits: Some(LimitSet::default()),
        ..UpdateKey::default()
    };
    keys.update(&anna, made.key.id, bare).await.unwrap();
    let seen = context().await;
    assert_eq!(seen.limits.get(LimitKind::RequestsPerMinute), Some(20));
    let no_tier = UpdateKey {
        tier_id: Patch::Clear,
        ..UpdateKey::default()
    };
    keys.update(&anna, made.key.id, no_tier).await.unwrap();
    assert_eq!(context().await.limits, LimitSet::default());
    f.stop().await;
}

async fn only_system_administrators_change_limits(f: Fixture) {
    let orgs = f.services.orgs();
    let gold = plan(&f, "Gold", &[]).await;
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let wanted = [
        UpdateOrg {
            plan_id: Patch::Set(gold.id),
            ..UpdateOrg::default()
        },
        UpdateOrg {
            plan_id: Patch::Clear,
            ..UpdateOrg::default()
        },
        UpdateOrg {
            limits: vec![(LimitKind::WordsPerDay, None)],
            ..UpdateOrg::default()
        },
    ];
    for change in wanted {
        let refused = orgs.update(&boss, f.org, change).await;
        assert!(matches!(refused, Err(OrgError::Forbidden)), "{refused:?}");
    }
    let wrong = UpdateOrg {
        limits: vec![(LimitKind::LoginAttempts, Some(1))],
        ..UpdateOrg::default()
    };
    let refused = orgs.update(&f.admin, f.org, wrong).await;
    assert!(matches!(
        refused,
        Err(OrgError::Invalid {
            field: "limits",
            ..
        })
    ));
    f.stop().await;
}

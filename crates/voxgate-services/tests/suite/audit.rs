//! The audit log: every change leaves an entry, no entry holds a secret, and each sees their own.

use serde_json::{Value, json};
use voxgate_domain::{Page, Patch, Role};
use voxgate_services::audit::{AuditEntry, AuditError, AuditFilter};
use voxgate_services::identity::{
    AccountError, CreateUserCommand, Credential, ResetPasswordCommand, UpdateMe, UpdateUser,
};
use voxgate_services::invitations::{AcceptInvitation, CreateInvitation};
use voxgate_services::keys::{CreateKey, RotateKey, UpdateKey};
use voxgate_services::orgs::UpdateOrg;
use voxgate_services::plans::{CreatePlan, UpdatePlan};
use voxgate_services::{Principal, Process};

use crate::fixture::{Fixture, PASSWORD, secret};

on_both!(
    every_change_leaves_an_entry_without_a_secret,
    an_entry_says_who_what_and_from_where,
    what_is_refused_leaves_none,
    each_reads_their_own,
);

/// Everything so far, oldest first.
async fn log(f: &Fixture) -> Vec<AuditEntry> {
    let mut all = Vec::new();
    loop {
        let page = Page::new(Page::MAX_LIMIT, all.len() as u64);
        let audit = f.services.audit();
        let piece = audit.list(&f.admin, AuditFilter::default(), page).await;
        let piece = piece.unwrap();
        all.extend(piece.items);
        if all.len() as u64 >= piece.total {
            all.reverse();
            return all;
        }
    }
}

async fn since(f: &Fixture, before: usize) -> Vec<AuditEntry> {
    log(f).await.split_off(before)
}

fn key(name: &str) -> CreateKey {
    CreateKey {
        name: name.into(),
        ..CreateKey::default()
    }
}

async fn every_change_leaves_an_entry_without_a_secret(f: Fixture) {
    let (identity, orgs, keys) = (f.services.identity(), f.services.orgs(), f.services.keys());
    let first: Vec<String> = log(&f)
        .await
        .into_iter()
        .map(|entry| entry.action)
        .collect();
    assert_eq!(first, ["organization.create", "user.create", "key.create"]);
    let mut secrets = vec![
        secret(&f.boot.api_key).to_owned(),
        secret(&f.boot.admin_password).to_owned(),
        PASSWORD.to_owned(),
    ];

    let org = f.organization("acme", 100, 10).await;
    secrets.push(
        f.mailed_token("acme-admin@example.com", "/invitations/")
            .await,
    );
    let settings = UpdateOrg {
        name: Some("Acme".into()),
        settings: Patch::Set(
            [("token".to_owned(), json!("settings-secret"))]
                .into_iter()
                .collect(),
        ),
        ..UpdateOrg::default()
    };
    secrets.push("settings-secret".into());
    orgs.update(&f.admin, org, settings).await.unwrap();
    let anna = f.member("anna@example.com", Role::OrgUser, org).await;
    let id = anna.user_id().unwrap();
    let me = UpdateMe {
        password: Some("a password of her own".to_owned().into()),
        full_name: Patch::Set("Anna".into()),
        ..UpdateMe::default()
    };
    secrets.push("a password of her own".into());
    identity.update_me(&anna, me).await.unwrap();
    let promoted = UpdateUser {
        role: Some(Role::OrgAdmin),
        is_verified: Some(false),
        ..UpdateUser::default()
    };
    identity.update_user(&f.admin, id, promoted).await.unwrap();
    identity.request_verify("anna@example.com").await.unwrap();
    let token = f
        .mailed_token("anna@example.com", "/auth/verify?token=")
        .await;
    identity.verify(&token).await.unwrap();
    secrets.push(token);
    identity.forgot_password("anna@example.com").await.unwrap();
    let token = f
        .mailed_token("anna@example.com", "/auth/reset-password?token=")
        .await;
    secrets.push(token.clone());
    secrets.push("yet another password".into());
    let reset = ResetPasswordCommand {
        token: token.into(),
        password: "yet another password".to_owned().into(),
    };
    identity.reset_password(reset).await.unwrap();

    let made = keys.create(&anna, key("robot")).await.unwrap();
    let rename = UpdateKey {
        name: Some("Robot".into()),
        ..UpdateKey::default()
    };
    keys.update(&anna, made.key.id, rename.clone())
        .await
        .unwrap();
    // The same again changes nothing.
    keys.update(&anna, made.key.id, rename).await.unwrap();
    let rotated = keys
        .rotate(&anna, made.key.id, RotateKey::default())
        .await
        .unwrap();
    secrets.push(secret(&made.secret).to_owned());
    secrets.push(secret(&rotated.secret).to_owned());
    keys.revoke(&anna, made.key.id).await.unwrap();
    keys.revoke(&anna, made.key.id).await.unwrap();

    let invite = |email: &str| CreateInvitation {
        email: email.into(),
        role: Role::OrgUser,
        organization_id: Some(org),
    };
    let invitations = f.services.invitations();
    invitations
        .create(&f.admin, invite("new@example.com"))
        .await
        .unwrap();
    let token = f.mailed_token("new@example.com", "/invitations/").await;
    secrets.push(token.clone());
    let accept = AcceptInvitation {
        token: token.into(),
        password: PASSWORD.to_owned().into(),
        full_name: None,
    };
    invitations.accept(accept).await.unwrap();
    let open = invitations.create(&f.admin, invite("never@example.com"));
    let open = open.await.unwrap();
    invitations.revoke(&f.admin, open.id).await.unwrap();
    invitations.revoke(&f.admin, open.id).await.unwrap();

    let plans = f.services.plans();
    let plan = CreatePlan {
        name: "Gold".into(),
        ..CreatePlan::default()
    };
    let plan = plans.create(&f.admin, plan).await.unwrap();
    let rename = UpdatePlan {
        name: Some("Silver".into()),
        limits: None,
    };
    plans.update(&f.admin, plan.id, rename).await.unwrap();
    plans.delete(&f.admin, plan.id).await.unwrap();
    identity.delete_user(&f.admin, id).await.unwrap();

    let entries = since(&f, 3).await;
    let actions: Vec<&str> = entries.iter().map(|entry| &*entry.action).collect();
    assert_eq!(
        actions,
        [
            "organization.create",
            "invitation.create",
            "organization.update",
            "user.create",
            "user.update",
            "user.update",
            "user.verify",
            "user.reset_password",
            "key.create",
            "key.update",
            "key.rotate",
            "key.revoke",
            "invitation.create",
            "invitation.accept",
            "user.create",
            "invitation.create",
            "invitation.revoke",
            "plan.create",
            "plan.update",
            "plan.delete",
            "user.delete",
        ]
    );
    let whole = format!("{:?}", log(&f).await);
    for secret in &secrets {
        assert!(!whole.contains(secret.as_str()), "{secret} in {whole}");
    }
    for sign in ["$argon2", "$2b$"] {
        assert!(!whole.contains(sign), "a password hash in {whole}");
    }
    f.stop().await;
}

async fn an_entry_says_who_what_and_from_where(f: Fixture) {
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let boss = boss.with_address(Some("192.0.2.9".parse().unwrap()));
    let keys = f.services.keys();
    let all = CreateKey {
        services: Some(voxgate_domain::ServiceSet::ALL),
        ..key("chief")
    };
    let before = log(&f).await.len();
    let made = keys.create(&boss, all).await.unwrap();
    let credential = Credential::ApiKey(made.secret.clone());
    let address = Some("2001:db8::7".parse().unwrap());
    let robot = f.services.identity().authenticate(&credential, address);
    let robot = robot.await.unwrap();
    let child = keys.create(&robot, key("child")).await.unwrap();
    let rename = UpdateOrg {
        name: Some("Renamed".into()),
        ..UpdateOrg::default()
    };
    let operator = Principal::operator();
    f.services
        .orgs()
        .update(&operator, f.org, rename)
        .await
        .unwrap();
    let entries = since(&f, before).await;
    let [by_user, by_key, by_operator] = &entries[..] else {
        panic!("{entries:?}");
    };
    assert_eq!(
        (by_user.actor, by_user.actor_user_id),
        ("user", boss.user_id())
    );
    assert_eq!(
        (by_user.actor_key_id, by_user.address),
        (None, boss.address())
    );
    assert_eq!(
        (&*by_user.target_kind, &*by_user.target_id),
        ("key", &*made.key.id.to_string())
    );
    assert_eq!(
        by_user.changes["name"],
        json!({"old": null, "new": "chief"})
    );
    assert_eq!(
        (by_user.organization_id, by_user.at),
        (Some(f.org), f.services.now())
    );
    assert_eq!(
        (by_key.actor, by_key.actor_key_id),
        ("key", Some(made.key.id))
    );
    assert_eq!(by_key.address, address);
    assert_eq!(by_key.target_id, child.key.id.to_string());
    assert_eq!(
        (by_operator.actor, by_operator.actor_user_id),
        ("operator", None)
    );
    assert_eq!(
        by_operator.changes,
        json!({"name": {"old": "Default", "new": "Renamed"}})
    );
    f.stop().await;
}

async fn what_is_refused_leaves_none(f: Fixture) {
    let before = log(&f).await.len();
    let twice = CreateUserCommand {
        email: "admin@voxgate.local".into(),
        password: Some(PASSWORD.to_owned().into()),
        full_name: None,
        role: Role::OrgUser,
        organization_id: Some(f.org),
    };
    let refused = f.services.identity().create_user(&f.admin, twice).await;
    assert!(matches!(
        refused,
        Err(AccountError::EmailTaken | AccountError::InvalidEmail(_))
    ));
    let refused = f
        .services
        .identity()
        .delete_user(&f.admin, f.boot.admin_id)
        .await;
    assert!(matches!(refused, Err(AccountError::LastAdministrator)));
    let unknown = CreateKey {
        tier_id: Some(voxgate_domain::PlanId::generate()),
        ..key("no such tier")
    };
    assert!(f.services.keys().create(&f.admin, unknown).await.is_err());
    let none = UpdateOrg::default();
    f.services
        .orgs()
        .update(&f.admin, f.org, none)
        .await
        .unwrap();
    assert_eq!(since(&f, before).await, []);
    f.stop().await;
}

async fn each_reads_their_own(f: Fixture) {
    let audit = f.services.audit();
    let other = f.organization("other", 100, 100).await;
    let boss = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let user = f.member("user@example.com", Role::OrgUser, f.org).await;
    let made = f.services.keys().create(&user, key("hers")).await.unwrap();
    let list =
        async |who: &Principal, filter: AuditFilter| audit.list(who, filter, Page::default()).await;
    let of = |id| AuditFilter {
        organization_id: Some(id),
        ..AuditFilter::default()
    };
    let own = list(&boss, AuditFilter::default()).await.unwrap();
    assert!(
        own.total > 0
            && own
                .items
                .iter()
                .all(|entry| entry.organization_id == Some(f.org))
    );
    assert_eq!(list(&boss, of(f.org)).await.unwrap(), own);
    for foreign in [other, voxgate_domain::OrgId::generate()] {
        let refused = list(&boss, of(foreign)).await;
        assert!(matches!(refused, Err(AuditError::NotFound)), "{refused:?}");
    }
    assert!(matches!(
        list(&user, AuditFilter::default()).await,
        Err(AuditError::Forbidden)
    ));
    let all = list(&f.admin, AuditFilter::default()).await.unwrap();
    assert!(all.total > own.total);
    let abroad = list(&f.admin, of(other)).await.unwrap();
    assert_eq!(abroad.total, 2, "the organisation and its invitation");
    // Filters.
    let about_key = AuditFilter {
        action: Some("key.create".into()),
        target_kind: Some("key".into()),
        target_id: Some(made.key.id.to_string()),
        actor_user_id: user.user_id(),
        ..AuditFilter::default()
    };
    let found = list(&boss, about_key).await.unwrap();
    assert_eq!(found.total, 1);
    assert_eq!(found.items[0].changes["services"]["old"], Value::Null);
    // A key without administration reads nothing here, whoever it belongs to.
    let plain = f.services.keys().create(&boss, key("plain")).await.unwrap();
    let plain = f.authenticate(&plain.secret).await;
    assert!(matches!(
        list(&plain, AuditFilter::default()).await,
        Err(AuditError::Forbidden)
    ));
    // The log outlives the process.
    let again = f.another(Process::Command).await;
    let kept = again.audit().list(&boss, of(f.org), Page::default()).await;
    assert_eq!(kept.unwrap().total, own.total + 1);
    again.shutdown().await;
    f.stop().await;
}

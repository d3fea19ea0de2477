//! Invitations: who may send them, what the link is good for, how often.

use std::time::Duration;

use voxgate_domain::{InvitationStatus, OrgStatus, Role};
use voxgate_services::Principal;
use voxgate_services::invitations::{
    AcceptInvitation, CreateInvitation, InvitationError, ListInvitations,
};
use voxgate_services::orgs::UpdateOrg;

use crate::fixture::{Fixture, PASSWORD};

on_both!(
    an_invitation_makes_one_account,
    of_many_who_accept_at_once_one_succeeds,
    links_end,
    who_may_invite_whom,
    lists_show_what_is_ones_own,
);

fn invite(email: &str, role: Role) -> CreateInvitation {
    CreateInvitation {
        email: email.into(),
        role,
        organization_id: None,
    }
}

fn accept(token: &str) -> AcceptInvitation {
    AcceptInvitation {
        token: token.to_owned().into(),
        password: PASSWORD.to_owned().into(),
        full_name: Some("New".into()),
    }
}

async fn sent(f: &Fixture, by: &Principal, email: &str) -> String {
    let invitations = f.services.invitations();
    invitations
        .create(by, invite(email, Role::OrgUser))
        .await
        .unwrap();
    token(f, email).await
}

async fn token(f: &Fixture, email: &str) -> String {
    let email = email.replace("@Example", "@example");
    f.mailed_token(&email, "/invitations/").await
}

async fn an_invitation_makes_one_account(f: Fixture) {
    let invitations = f.services.invitations();
    let token = sent(&f, &f.admin, "New@Example.com").await;
    let preview = invitations.preview(&token).await.unwrap();
    assert_eq!(
        (preview.email.as_str(), preview.organization_name.as_str()),
        ("New@example.com", "Default")
    );
    let mut weak = accept(&token);
    weak.password = "short".to_owned().into();
    assert!(matches!(
        invitations.accept(weak).await,
        Err(InvitationError::InvalidPassword(_))
    ));
    let user = invitations.accept(accept(&token)).await.unwrap();
    assert!(user.is_verified && user.organization_id == Some(f.org) && user.role == Role::OrgUser);
    f.login("new@example.com", PASSWORD).await;
    assert!(matches!(
        invitations.accept(accept(&token)).await,
        Err(InvitationError::AlreadyAccepted)
    ));
    assert!(matches!(
        invitations.preview(&token).await,
        Err(InvitationError::AlreadyAccepted)
    ));
    assert!(matches!(
        invitations.preview("unknown").await,
        Err(InvitationError::NotFound)
    ));
    let again = invitations
        .create(&f.admin, invite("NEW@example.com", Role::OrgUser))
        .await;
    assert!(matches!(again, Err(InvitationError::EmailTaken)));
    f.stop().await;
}

async fn of_many_who_accept_at_once_one_succeeds(f: Fixture) {
    let token = sent(&f, &f.admin, "new@example.com").await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (invitations, command) = (f.services.invitations().clone(), accept(&token));
            tokio::spawn(async move { invitations.accept(command).await })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => accepted += 1,
            Err(InvitationError::AlreadyAccepted) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(accepted, 1);
    f.stop().await;
}

async fn links_end(f: Fixture) {
    let invitations = f.services.invitations();
    let old = sent(&f, &f.admin, "new@example.com").await;
    f.clock.advance(Duration::from_secs(1));
    // A newer invitation takes the place of the older one.
    let newer = sent(&f, &f.admin, "new@example.com").await;
    assert_ne!(old, newer);
    assert!(matches!(
        invitations.accept(accept(&old)).await,
        Err(InvitationError::Revoked)
    ));
    f.clock.advance(Duration::from_secs(7 * 86_400));
    assert!(matches!(
        invitations.accept(accept(&newer)).await,
        Err(InvitationError::Expired)
    ));

    let made = invitations
        .create(&f.admin, invite("other@example.com", Role::OrgUser))
        .await
        .unwrap();
    let link = token(&f, "other@example.com").await;
    invitations.revoke(&f.admin, made.id).await.unwrap();
    invitations.revoke(&f.admin, made.id).await.unwrap();
    assert!(matches!(
        invitations.accept(accept(&link)).await,
        Err(InvitationError::Revoked)
    ));
    f.stop().await;
}

async fn who_may_invite_whom(f: Fixture) {
    let invitations = f.services.invitations();
    let other = f.organization("other", 100, 100).await;
    let admin = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let user = f.member("user@example.com", Role::OrgUser, f.org).await;
    let into = |org, role| CreateInvitation {
        organization_id: Some(org),
        ..invite("new@example.com", role)
    };
    invitations
        .create(&admin, into(f.org, Role::OrgAdmin))
        .await
        .unwrap();
    let refused = invitations
        .create(&admin, into(f.org, Role::SystemAdmin))
        .await;
    assert!(matches!(refused, Err(InvitationError::Forbidden)));
    let refused = invitations.create(&admin, into(other, Role::OrgUser)).await;
    assert!(matches!(
        refused,
        Err(InvitationError::OrganizationNotFound)
    ));
    let refused = invitations.create(&user, into(f.org, Role::OrgUser)).await;
    assert!(matches!(refused, Err(InvitationError::Forbidden)));
    let bad = invitations
        .create(&admin, invite("nope", Role::OrgUser))
        .await;
    assert!(matches!(bad, Err(InvitationError::InvalidEmail(_))));
    invitations
        .create(&f.admin, into(other, Role::SystemAdmin))
        .await
        .unwrap();
    let closed = UpdateOrg {
        status: Some(OrgStatus::Inactive),
        ..UpdateOrg::default()
    };
    f.services
        .orgs()
        .update(&f.admin, other, closed)
        .await
        .unwrap();
    let refused = invitations
        .create(&f.admin, into(other, Role::OrgUser))
        .await;
    assert!(matches!(
        refused,
        Err(InvitationError::OrganizationInactive)
    ));
    f.stop().await;
}

async fn lists_show_what_is_ones_own(f: Fixture) {
    let invitations = f.services.invitations();
    // Creating it invites its administrator: one invitation there.
    let other = f.organization("other", 100, 100).await;
    let admin = f.member("boss@example.com", Role::OrgAdmin, f.org).await;
    let user = f.member("user@example.com", Role::OrgUser, f.org).await;
    for n in 0..3 {
        let email = format!("new{n}@example.com");
        invitations
            .create(&admin, invite(&email, Role::OrgUser))
            .await
            .unwrap();
        f.clock.advance(Duration::from_secs(1));
    }
    let list = |principal: Principal, query| {
        let invitations = invitations.clone();
        async move { invitations.list(&principal, query).await }
    };
    let all = ListInvitations::default();
    assert_eq!(list(f.admin.clone(), all).await.unwrap().total, 4);
    let own = list(admin.clone(), all).await.unwrap();
    assert_eq!(own.total, 3);
    assert_eq!(own.items[0].email, "new2@example.com");
    assert_eq!(list(user, all).await.unwrap().total, 0);
    let foreign = ListInvitations {
        organization_id: Some(other),
        ..all
    };
    assert!(matches!(
        list(admin.clone(), foreign).await,
        Err(InvitationError::OrganizationNotFound)
    ));
    assert_eq!(list(f.admin.clone(), foreign).await.unwrap().total, 1);
    f.clock.advance(Duration::from_secs(8 * 86_400));
    let in_state = |status| ListInvitations {
        status: Some(status),
        ..all
    };
    let expired = list(admin.clone(), in_state(InvitationStatus::Expired))
        .await
        .unwrap();
    assert_eq!(expired.total, 3);
    let pending = list(admin, in_state(InvitationStatus::Pending))
        .await
        .unwrap();
    assert_eq!((pending.total, pending.items.len()), (0, 0));
    f.stop().await;
}

//! Logins, sessions, keys, brakes.

use std::time::Duration;

use voxgate_domain::{Patch, Refuse as _, Role};
use voxgate_services::Process;
use voxgate_services::identity::{AuthError, Credential, LoginError, UpdateMe, UpdateUser};
use voxgate_services::keys::CreateKey;

use crate::fixture::{Fixture, HOUR, Options, PASSWORD, attempt, secret};

on_both!(
    a_session_lasts_its_hour,
    logging_out_ends_that_session_and_no_other,
    whatever_is_wrong_sounds_the_same,
    inactive_and_removed_accounts_are_out_at_once,
    keys_open_until_revoked,
    guessing_is_braked_from_one_address_only,
    parallel_logins_all_succeed,
);

async fn a_session_lasts_its_hour(f: Fixture) {
    f.user("Anna@example.com", Role::OrgUser, Some(f.org)).await;
    let token = f.login("anna@EXAMPLE.com", PASSWORD).await;
    let principal = f.authenticate(&token).await;
    assert_eq!(principal.role(), Role::OrgUser);
    assert_eq!(principal.organization_id(), Some(f.org));
    f.clock.advance(HOUR - Duration::from_secs(1));
    assert!(f.opens(&token).await);
    f.clock.advance(Duration::from_secs(1));
    assert!(!f.opens(&token).await);
    f.stop().await;
}

async fn logging_out_ends_that_session_and_no_other(f: Fixture) {
    f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    // All in the same second of the clock.
    let first = f.login("anna@example.com", PASSWORD).await;
    let second = f.login("anna@example.com", PASSWORD).await;
    assert_ne!(secret(&first), secret(&second));
    let principal = f.authenticate(&first).await;
    f.services.identity().logout(&principal).await.unwrap();
    f.services.identity().logout(&principal).await.unwrap();
    assert!(!f.opens(&first).await);
    assert!(f.opens(&second).await);
    let third = f.login("anna@example.com", PASSWORD).await;
    assert!(f.opens(&third).await);
    // A key is not a session.
    let refused = f.services.identity().logout(&f.admin).await;
    assert!(matches!(refused, Err(AuthError::Unauthenticated)));
    f.stop().await;
}

async fn whatever_is_wrong_sounds_the_same(f: Fixture) {
    let user = f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let identity = f.services.identity();
    for (email, password) in [
        ("anna@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("not an address", PASSWORD),
        ("", ""),
    ] {
        let refused = identity.login(attempt(email, password)).await;
        assert!(
            matches!(refused, Err(LoginError::BadCredentials)),
            "{email}"
        );
    }
    let off = UpdateUser {
        is_active: Some(false),
        ..UpdateUser::default()
    };
    identity.update_user(&f.admin, user.id, off).await.unwrap();
    let refused = identity.login(attempt("anna@example.com", PASSWORD)).await;
    assert!(matches!(refused, Err(LoginError::BadCredentials)));
    for junk in [
        "",
        "x",
        "a.b.c",
        "vg_",
        "vg_0000000000000000000000000000000000000000000000000",
    ] {
        assert!(!f.opens(&junk.to_owned().into()).await, "{junk}");
        let key = Credential::ApiKey(junk.to_owned().into());
        assert!(identity.authenticate(&key, None).await.is_err(), "{junk}");
    }
    f.stop().await;
}

async fn inactive_and_removed_accounts_are_out_at_once(f: Fixture) {
    let identity = f.services.identity();
    let user = f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let token = f.login("anna@example.com", PASSWORD).await;
    let switch = |on| UpdateUser {
        is_active: Some(on),
        ..UpdateUser::default()
    };
    identity
        .update_user(&f.admin, user.id, switch(false))
        .await
        .unwrap();
    assert!(!f.opens(&token).await);
    identity
        .update_user(&f.admin, user.id, switch(true))
        .await
        .unwrap();
    assert!(f.opens(&token).await);
    identity.delete_user(&f.admin, user.id).await.unwrap();
    assert!(!f.opens(&token).await);
    f.stop().await;
}

async fn keys_open_until_revoked(f: Fixture) {
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let keys = f.services.keys();
    let command = CreateKey {
        name: "robot".into(),
        ..CreateKey::default()
    };
    let made = keys.create(&anna, command.clone()).await.unwrap();
    assert!(secret(&made.secret).starts_with(&made.key.prefix));
    let robot = f.authenticate(&made.secret).await;
    assert_eq!(robot.user_id(), anna.user_id());
    assert_eq!(robot.key_id(), Some(made.key.id));
    // A key makes no keys, and takes no account over.
    assert!(keys.create(&robot, command).await.is_err());
    let takeover = UpdateMe {
        password: Some("another password".to_owned().into()),
        ..UpdateMe::default()
    };
    assert!(
        f.services
            .identity()
            .update_me(&robot, takeover)
            .await
            .is_err()
    );
    // A member of another organisation neither sees nor revokes it; one's own list shows one's own keys.
    let other = f.organization("other", 100, 100).await;
    let stranger = f.member("eve@example.com", Role::OrgAdmin, other).await;
    assert!(keys.revoke(&stranger, made.key.id).await.is_err());
    assert!(
        keys.list(&stranger, f.org, Default::default())
            .await
            .is_err()
    );
    assert_eq!(
        keys.list(&anna, f.org, Default::default())
            .await
            .unwrap()
            .total,
        1
    );
    assert_eq!(
        keys.list(&f.admin, f.org, Default::default())
            .await
            .unwrap()
            .total,
        2
    );
    keys.revoke(&anna, made.key.id).await.unwrap();
    assert!(!f.opens(&made.secret).await);
    // An account that leaves the organisation takes no key of it along.
    let made = keys
        .create(
            &anna,
            CreateKey {
                name: "second".into(),
                ..CreateKey::default()
            },
        )
        .await
        .unwrap();
    let moved = UpdateUser {
        organization_id: Patch::Set(other),
        ..UpdateUser::default()
    };
    let anna_id = anna.user_id().unwrap();
    f.services
        .identity()
        .update_user(&f.admin, anna_id, moved)
        .await
        .unwrap();
    assert!(!f.opens(&made.secret).await);
    f.stop().await;
}

async fn guessing_is_braked_from_one_address_only(f: Fixture) {
    f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let identity = f.services.identity();
    for _ in 0..11 {
        let refused = identity.login(attempt("anna@example.com", "guess")).await;
        assert!(matches!(refused, Err(LoginError::BadCredentials)));
    }
    let braked = identity
        .login(attempt("anna@example.com", PASSWORD))
        .await
        .unwrap_err();
    assert!(matches!(braked, LoginError::Throttled(_)));
    assert_eq!(braked.refusal().retry_after_secs(), Some(1));
    // The rightful owner elsewhere is not locked out, nor is another account here.
    let mut elsewhere = attempt("anna@example.com", PASSWORD);
    elsewhere.client = Some("198.51.100.7".parse().unwrap());
    identity.login(elsewhere).await.unwrap();
    f.clock.advance(Duration::from_secs(1));
    identity
        .login(attempt("anna@example.com", PASSWORD))
        .await
        .unwrap();
    // A good login starts the count anew.
    for _ in 0..10 {
        let refused = identity.login(attempt("anna@example.com", "guess")).await;
        assert!(matches!(refused, Err(LoginError::BadCredentials)));
    }
    identity
        .login(attempt("anna@example.com", PASSWORD))
        .await
        .unwrap();
    f.stop().await;
}

async fn parallel_logins_all_succeed(f: Fixture) {
    f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let identity = f.services.identity().clone();
            tokio::spawn(async move { identity.login(attempt("anna@example.com", PASSWORD)).await })
        })
        .collect();
    let mut tokens = std::collections::HashSet::new();
    for task in tasks {
        let token = task.await.unwrap().unwrap().token;
        assert!(f.opens(&token).await);
        tokens.insert(secret(&token).to_owned());
    }
    assert_eq!(tokens.len(), 20);
    f.stop().await;
}

#[tokio::test]
async fn a_volley_of_guesses_gets_no_further_than_the_brake() {
    let mut options = Options::default();
    options.config.identity.hash_concurrency = 2;
    let f = Fixture::sqlite_with(options).await;
    f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let identity = f.services.identity().clone();
            tokio::spawn(async move { identity.login(attempt("anna@example.com", "guess")).await })
        })
        .collect();
    let mut looked_at = 0;
    for task in tasks {
        looked_at += u32::from(matches!(
            task.await.unwrap(),
            Err(LoginError::BadCredentials)
        ));
    }
    // Ten are free, the eleventh sets the pause, and one more may be on its way beside it.
    assert!((11..=12).contains(&looked_at), "{looked_at}");
    f.stop().await;
}

#[tokio::test]
async fn verification_can_be_required() {
    let mut options = Options::default();
    options.config.identity.require_verified = true;
    let f = Fixture::sqlite_with(options).await;
    let user = f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let token = f.login("anna@example.com", PASSWORD).await;
    let unverified = UpdateUser {
        is_verified: Some(false),
        ..UpdateUser::default()
    };
    let identity = f.services.identity();
    identity
        .update_user(&f.admin, user.id, unverified)
        .await
        .unwrap();
    let refused = identity.login(attempt("anna@example.com", PASSWORD)).await;
    assert!(matches!(refused, Err(LoginError::NotVerified)));
    let refused = identity
        .login(attempt("anna@example.com", "wrong password"))
        .await;
    assert!(matches!(refused, Err(LoginError::BadCredentials)));
    let refused = identity
        .authenticate(&Credential::Bearer(token), None)
        .await;
    assert!(matches!(refused, Err(AuthError::NotVerified)));
    f.stop().await;
}

#[tokio::test]
async fn sessions_and_revocations_outlive_a_restart() {
    let f = Fixture::sqlite().await;
    f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let kept = f.login("anna@example.com", PASSWORD).await;
    let ended = f.login("anna@example.com", PASSWORD).await;
    let principal = f.authenticate(&ended).await;
    f.services.identity().logout(&principal).await.unwrap();
    let again = f.another(Process::SoleServer).await;
    let open = |token| Credential::Bearer(token);
    let identity = again.identity();
    assert!(identity.authenticate(&open(kept), None).await.is_ok());
    assert!(identity.authenticate(&open(ended), None).await.is_err());
    again.shutdown().await;
    f.stop().await;
}

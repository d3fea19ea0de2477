//! Registering, verifying, resetting, changing, removing.

use voxgate_domain::{Patch, Role};
use voxgate_services::identity::{
    AccountError, CreateUserCommand, RegisterCommand, ResetPasswordCommand, UpdateMe, UpdateUser,
};

use crate::fixture::{Fixture, HOUR, Options, PASSWORD, attempt, secret};

on_both!(
    registering,
    verifying_an_address,
    resetting_a_password,
    changing_oneself,
    administrators_change_others,
    the_last_administrator_stays,
    bootstrap_happens_once,
);

fn register(email: &str, password: &str) -> RegisterCommand {
    RegisterCommand {
        email: email.into(),
        password: password.to_owned().into(),
        full_name: Some("  Anna  ".into()),
    }
}

async fn registering(f: Fixture) {
    let identity = f.services.identity();
    let user = identity
        .register(register("A.User@Example.COM", PASSWORD))
        .await
        .unwrap();
    assert_eq!(user.email, "A.User@example.com");
    assert_eq!(user.full_name.as_deref(), Some("Anna"));
    assert!(user.is_active && !user.is_verified && !user.is_superuser());
    let again = identity
        .register(register("a.user@example.com", PASSWORD))
        .await;
    assert!(matches!(again, Err(AccountError::EmailTaken)));
    // The password is judged before the address is looked up.
    let weak = identity
        .register(register("a.user@example.com", "short"))
        .await;
    assert!(matches!(weak, Err(AccountError::InvalidPassword(_))));
    let bad = identity.register(register("nope", PASSWORD)).await;
    assert!(matches!(bad, Err(AccountError::InvalidEmail(_))));
    // Someone without an organisation has a usage, of nothing.
    let token = f.login("a.user@example.com", PASSWORD).await;
    let principal = f.authenticate(&token).await;
    let summary = f.services.usage().summary(&principal, None).await.unwrap();
    assert_eq!((summary.daily.limit, summary.totals.requests), (None, 0));
    f.stop().await;
}

async fn verifying_an_address(f: Fixture) {
    let identity = f.services.identity();
    let user = identity
        .register(register("anna@example.com", PASSWORD))
        .await
        .unwrap();
    identity.request_verify("nobody@example.com").await.unwrap();
    assert!(identity.request_verify("nope").await.is_err());
    identity.request_verify("ANNA@example.com").await.unwrap();
    identity.request_verify("anna@example.com").await.unwrap();
    assert_eq!(
        f.messages().await.len(),
        1,
        "one message within the interval"
    );
    let token = f
        .mailed_token("anna@example.com", "/auth/verify?token=")
        .await;

    // A token for an address that is not the account's any more is worth nothing.
    let moved = UpdateUser {
        email: Some("anna2@example.com".into()),
        ..UpdateUser::default()
    };
    identity
        .update_user(&f.admin, user.id, moved)
        .await
        .unwrap();
    assert!(matches!(
        identity.verify(&token).await,
        Err(AccountError::BadToken)
    ));
    let back = UpdateUser {
        email: Some("anna@example.com".into()),
        ..UpdateUser::default()
    };
    identity.update_user(&f.admin, user.id, back).await.unwrap();

    assert!(identity.verify(&token).await.unwrap().is_verified);
    assert!(matches!(
        identity.verify(&token).await,
        Err(AccountError::AlreadyVerified)
    ));
    assert!(matches!(
        identity.verify("junk").await,
        Err(AccountError::BadToken)
    ));
    // A session token opens no other door.
    let session = f.login("anna@example.com", PASSWORD).await;
    assert!(matches!(
        identity.verify(secret(&session)).await,
        Err(AccountError::BadToken)
    ));
    f.clock.advance(HOUR);
    identity.request_verify("anna@example.com").await.unwrap();
    assert_eq!(f.messages().await.len(), 1, "nothing to verify any more");
    f.stop().await;
}

async fn resetting_a_password(f: Fixture) {
    let identity = f.services.identity();
    f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let session = f.login("anna@example.com", PASSWORD).await;
    identity
        .forgot_password("nobody@example.com")
        .await
        .unwrap();
    identity.forgot_password("anna@example.com").await.unwrap();
    let token = f
        .mailed_token("anna@example.com", "/auth/reset-password?token=")
        .await;
    let reset = |token: &str, password: &str| ResetPasswordCommand {
        token: token.to_owned().into(),
        password: password.to_owned().into(),
    };
    let weak = identity.reset_password(reset(&token, "short")).await;
    assert!(matches!(weak, Err(AccountError::InvalidPassword(_))));
    identity
        .reset_password(reset(&token, "a new password"))
        .await
        .unwrap();
    let used = identity
        .reset_password(reset(&token, "a third password"))
        .await;
    assert!(matches!(used, Err(AccountError::BadToken)));
    assert!(!f.opens(&session).await, "a reset ends every session");
    assert!(
        identity
            .login(attempt("anna@example.com", PASSWORD))
            .await
            .is_err()
    );
    // In the same second as the reset.
    let session = f.login("anna@example.com", "a new password").await;
    assert!(f.opens(&session).await);

    f.clock.advance(HOUR);
    identity.forgot_password("anna@example.com").await.unwrap();
    let token = f
        .mailed_token("anna@example.com", "/auth/reset-password?token=")
        .await;
    f.clock.advance(HOUR);
    let late = identity
        .reset_password(reset(&token, "too late a password"))
        .await;
    assert!(matches!(late, Err(AccountError::BadToken)));
    f.stop().await;
}

async fn changing_oneself(f: Fixture) {
    let identity = f.services.identity();
    let anna = f.member("anna@example.com", Role::OrgUser, f.org).await;
    let same = identity
        .update_me(&anna, UpdateMe::default())
        .await
        .unwrap();
    assert!(same.is_verified);
    let email = |email: &str| UpdateMe {
        email: Some(email.into()),
        ..UpdateMe::default()
    };
    // The same address is no change; other letter case collides with oneself, as in the reference.
    assert!(
        identity
            .update_me(&anna, email("anna@EXAMPLE.com"))
            .await
            .unwrap()
            .is_verified
    );
    for taken in ["ANNA@example.com", "admin@voxgate.local"] {
        let refused = identity.update_me(&anna, email(taken)).await;
        let as_expected = match taken {
            "ANNA@example.com" => matches!(refused, Err(AccountError::EmailTaken)),
            _ => matches!(refused, Err(AccountError::InvalidEmail(_))),
        };
        assert!(as_expected, "{taken}: {refused:?}");
    }
    f.user("bert@example.com", Role::OrgUser, Some(f.org)).await;
    let refused = identity.update_me(&anna, email("Bert@example.com")).await;
    assert!(matches!(refused, Err(AccountError::EmailTaken)));
    let moved = identity
        .update_me(&anna, email("anna2@example.com"))
        .await
        .unwrap();
    assert_eq!(
        (moved.email.as_str(), moved.is_verified),
        ("anna2@example.com", false)
    );
    let change = UpdateMe {
        password: Some("a new password".to_owned().into()),
        full_name: Patch::Set("Anna".into()),
        ..UpdateMe::default()
    };
    let named = identity.update_me(&anna, change).await.unwrap();
    assert_eq!(named.full_name.as_deref(), Some("Anna"));
    f.login("anna2@example.com", "a new password").await;
    assert!(f.services.identity().me(&anna).await.is_ok());
    f.stop().await;
}

async fn administrators_change_others(f: Fixture) {
    let identity = f.services.identity();
    let anna = f.member("anna@example.com", Role::OrgAdmin, f.org).await;
    let id = anna.user_id().unwrap();
    assert!(matches!(
        identity.user(&anna, id).await,
        Err(AccountError::Forbidden)
    ));
    assert!(matches!(
        identity.delete_user(&anna, id).await,
        Err(AccountError::Forbidden)
    ));
    let superuser = |on| UpdateUser {
        is_superuser: Some(on),
        ..UpdateUser::default()
    };
    let raised = identity
        .update_user(&f.admin, id, superuser(true))
        .await
        .unwrap();
    assert_eq!(raised.role, Role::SystemAdmin);
    let lowered = identity
        .update_user(&f.admin, id, superuser(false))
        .await
        .unwrap();
    assert_eq!(lowered.role, Role::OrgAdmin);
    let nowhere = UpdateUser {
        organization_id: Patch::Set(voxgate_domain::OrgId::generate()),
        ..UpdateUser::default()
    };
    let refused = identity.update_user(&f.admin, id, nowhere).await;
    assert!(matches!(
        refused,
        Err(AccountError::Invalid {
            field: "organization_id",
            ..
        })
    ));
    let unknown = identity
        .user(&f.admin, voxgate_domain::UserId::generate())
        .await;
    assert!(matches!(unknown, Err(AccountError::NotFound)));
    let made = identity
        .create_user(
            &f.admin,
            CreateUserCommand {
                email: "made@example.com".into(),
                password: None,
                full_name: None,
                role: Role::OrgUser,
                organization_id: Some(f.org),
            },
        )
        .await
        .unwrap();
    let password = made.generated_password.unwrap();
    f.login("made@example.com", secret(&password)).await;
    f.stop().await;
}

async fn the_last_administrator_stays(f: Fixture) {
    let identity = f.services.identity();
    let id = f.boot.admin_id;
    let off = UpdateUser {
        is_active: Some(false),
        ..UpdateUser::default()
    };
    let refused = identity.delete_user(&f.admin, id).await;
    assert!(matches!(refused, Err(AccountError::LastAdministrator)));
    let refused = identity.update_user(&f.admin, id, off.clone()).await;
    assert!(matches!(refused, Err(AccountError::LastAdministrator)));
    let second = f.user("second@example.com", Role::SystemAdmin, None).await;
    // Both leave at once: one of them stays.
    let (a, b) = tokio::join!(
        identity.delete_user(&f.admin, id),
        identity.update_user(&f.admin, second.id, off)
    );
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    f.stop().await;
}

async fn bootstrap_happens_once(f: Fixture) {
    let command = voxgate_services::bootstrap::BootstrapCommand {
        admin_email: "other@example.com".into(),
        admin_password: None,
        organization_name: String::new(),
    };
    assert!(f.services.bootstrap().run(command).await.unwrap().is_none());
    let token = f
        .login("ADMIN@voxgate.local", secret(&f.boot.admin_password))
        .await;
    let principal = f.authenticate(&token).await;
    assert!(principal.is_system_admin());
    assert_eq!(principal.organization_id(), Some(f.boot.organization_id));
    f.stop().await;
}

#[tokio::test]
async fn a_new_password_can_end_the_sessions() {
    let mut options = Options::default();
    options.config.identity.end_sessions_on_password_change = true;
    let f = Fixture::sqlite_with(options).await;
    f.user("anna@example.com", Role::OrgUser, Some(f.org)).await;
    let other = f.login("anna@example.com", PASSWORD).await;
    let token = f.login("anna@example.com", PASSWORD).await;
    let anna = f.authenticate(&token).await;
    let change = UpdateMe {
        password: Some("a new password".to_owned().into()),
        ..UpdateMe::default()
    };
    f.services
        .identity()
        .update_me(&anna, change)
        .await
        .unwrap();
    assert!(!f.opens(&other).await && !f.opens(&token).await);
    let token = f.login("anna@example.com", "a new password").await;
    assert!(f.opens(&token).await);
    f.stop().await;
}

#[tokio::test]
async fn registration_is_off_unless_switched_on() {
    let mut options = Options::default();
    options.config.identity.registration_enabled = false;
    let f = Fixture::sqlite_with(options).await;
    let refused = f
        .services
        .identity()
        .register(register("a@example.com", PASSWORD))
        .await;
    assert!(matches!(refused, Err(AccountError::RegistrationDisabled)));
    f.stop().await;
}

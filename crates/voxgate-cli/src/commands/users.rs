//! `voxgate users …`

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use voxgate_domain::{Page, Role, User};
use voxgate_server::config::Config;
use voxgate_services::Principal;
use voxgate_services::identity::{CreateUserCommand, Identity, UpdateUser};

use super::{open, org_id};
use crate::args::{RoleArg, Users};
use crate::output;

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Role {
        match role {
            RoleArg::SystemAdmin => Role::SystemAdmin,
            RoleArg::OrgAdmin => Role::OrgAdmin,
            RoleArg::OrgUser => Role::OrgUser,
        }
    }
}

pub(crate) async fn run(config: &Config, command: Users, as_json: bool) -> anyhow::Result<()> {
    let installation = open(config).await?;
    let identity = installation.services.identity();
    let operator = Principal::operator();
    match command {
        Users::List { org } => {
            let org = org.as_deref().map(org_id).transpose()?;
            let mut all = Vec::new();
            loop {
                let page = Page::new(Page::MAX_LIMIT, all.len() as u64);
                let piece = identity.users(&operator, org, page).await?;
                let done = piece.items.is_empty();
                all.extend(piece.items);
                if done || all.len() as u64 >= piece.total {
                    break;
                }
            }
            list(&all, as_json)?;
        }
        Users::Create {
            email,
            role,
            org,
            name,
        } => {
            let organization_id = org.as_deref().map(org_id).transpose()?;
            let created = identity
                .create_user(
                    &operator,
                    CreateUserCommand {
                        email,
                        password: None,
                        full_name: name,
                        role: role.into(),
                        organization_id,
                    },
                )
                .await?;
            let password = created
                .generated_password
                .as_ref()
                .map(|p| p.expose_secret().to_owned());
            show_with_password(&created.user, password.as_deref(), as_json)?;
        }
        Users::ResetPassword { email } => {
            let user = find(identity, &operator, &email).await?;
            let password = generate_password();
            let change = UpdateUser {
                password: Some(password.as_str().into()),
                ..UpdateUser::default()
            };
            let user = identity.update_user(&operator, user.id, change).await?;
            show_with_password(&user, Some(&password), as_json)?;
        }
        Users::Deactivate { email } => {
            set_active(identity, &operator, &email, false, as_json).await?
        }
        Users::Activate { email } => set_active(identity, &operator, &email, true, as_json).await?,
    }
    installation.services.shutdown().await;
    Ok(())
}

async fn find(identity: &Identity, operator: &Principal, email: &str) -> anyhow::Result<User> {
    identity
        .user_by_email(operator, email)
        .await
        .with_context(|| format!("no user {email:?}; `voxgate users list` shows them"))
}

async fn set_active(
    identity: &Identity,
    operator: &Principal,
    email: &str,
    active: bool,
    as_json: bool,
) -> anyhow::Result<()> {
    let user = find(identity, operator, email).await?;
    let change = UpdateUser {
        is_active: Some(active),
        ..UpdateUser::default()
    };
    let user = identity.update_user(operator, user.id, change).await?;
    if as_json {
        output::json(&value(&user))
    } else {
        list(&[user], false)
    }
}

fn value(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "email": user.email,
        "full_name": user.full_name,
        "role": user.role.as_str(),
        "organization_id": user.organization_id.map(|id| id.to_string()),
        "is_active": user.is_active,
        "is_verified": user.is_verified,
        "created_at": user.created_at.to_iso_millis(),
    })
}

fn list(users: &[User], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&users.iter().map(value).collect::<Vec<_>>());
    }
    let rows: Vec<_> = users
        .iter()
        .map(|user| {
            vec![
                user.id.to_string(),
                user.role.to_string(),
                if user.is_active {
                    "active"
                } else {
                    "locked out"
                }
                .into(),
                user.organization_id
                    .map_or_else(|| "-".into(), |id| id.to_string()),
                user.email.clone(),
            ]
        })
        .collect();
    output::table(&["ID", "ROLE", "STATE", "ORGANISATION", "E-MAIL"], &rows)
}

fn show_with_password(user: &User, password: Option<&str>, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let mut value = value(user);
        value["password"] = json!(password);
        return output::json(&value);
    }
    list(std::slice::from_ref(user), false)?;
    match password {
        Some(password) => output::print(&format!("\npassword (shown this once): {password}")),
        None => Ok(()),
    }
}

/// A password of 122 random bits, in hexadecimal groups that survive being read aloud.
fn generate_password() -> String {
    uuid::Uuid::new_v4().to_string()
}

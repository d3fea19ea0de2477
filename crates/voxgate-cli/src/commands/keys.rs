//! `voxgate keys …`

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use voxgate_domain::{KeyId, Page};
use voxgate_server::config::Config;
use voxgate_services::Principal;
use voxgate_services::keys::{ApiKey, CreateKey};

use super::{open, org_id};
use crate::args::Keys;
use crate::output;

pub(crate) async fn run(config: &Config, command: Keys, as_json: bool) -> anyhow::Result<()> {
    let installation = open(config).await?;
    let services = &installation.services;
    let keys = services.keys();
    let operator = Principal::operator();
    match command {
        Keys::List { org } => {
            let org = org_id(&org)?;
            let mut all = Vec::new();
            loop {
                let page = Page::new(Page::MAX_LIMIT, all.len() as u64);
                let piece = keys.list(&operator, org, page).await?;
                let done = piece.items.is_empty();
                all.extend(piece.items);
                if done || all.len() as u64 >= piece.total {
                    break;
                }
            }
            if as_json {
                output::json(&all.iter().map(value).collect::<Vec<_>>())?;
            } else {
                output::table(&HEADER, &all.iter().map(row).collect::<Vec<_>>())?;
            }
        }
        Keys::Create { name, user } => {
            let account = services
                .identity()
                .user_by_email(&operator, &user)
                .await
                .with_context(|| format!("no user {user:?}; `voxgate users list` shows them"))?;
            let command = CreateKey {
                name,
                user_id: Some(account.id),
            };
            let created = keys.create(&operator, command).await?;
            let secret = created.secret.expose_secret();
            if as_json {
                let mut value = value(&created.key);
                value["key"] = json!(secret);
                output::json(&value)?;
            } else {
                output::table(&HEADER, &[row(&created.key)])?;
                output::print(&format!("\nkey (shown this once): {secret}"))?;
            }
        }
        Keys::Revoke { id } => {
            let key: KeyId = id.parse().with_context(|| {
                format!("{id:?} is not a key id; `voxgate keys list --org ID` shows them")
            })?;
            keys.revoke(&operator, key).await?;
            if as_json {
                output::json(&json!({"id": id, "revoked": true}))?;
            } else {
                output::print("revoked")?;
            }
        }
    }
    services.shutdown().await;
    Ok(())
}

const HEADER: [&str; 6] = ["ID", "PREFIX", "STATE", "CREATED", "LAST USED", "NAME"];

fn row(key: &ApiKey) -> Vec<String> {
    vec![
        key.id.to_string(),
        key.prefix.clone(),
        if key.revoked_at.is_some() {
            "revoked"
        } else {
            "active"
        }
        .into(),
        key.created_at.to_iso_millis(),
        key.last_used_at
            .map_or_else(|| "never".into(), |t| t.to_iso_millis()),
        key.name.clone(),
    ]
}

fn value(key: &ApiKey) -> Value {
    json!({
        "id": key.id.to_string(),
        "organization_id": key.organization_id.to_string(),
        "user_id": key.user_id.to_string(),
        "name": key.name,
        "prefix": key.prefix,
        "created_at": key.created_at.to_iso_millis(),
        "last_used_at": key.last_used_at.map(|t| t.to_iso_millis()),
        "revoked_at": key.revoked_at.map(|t| t.to_iso_millis()),
    })
}

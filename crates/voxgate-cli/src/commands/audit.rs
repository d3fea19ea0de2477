//! `voxgate audit`

use serde_json::{Value, json};
use voxgate_server::config::Config;
use voxgate_services::Principal;
use voxgate_services::audit::{AuditEntry, AuditFilter};

use super::values::{at_most, key_id, user_id};
use super::{open, org_id};
use crate::args::Audit;
use crate::output;

pub(crate) async fn run(config: &Config, command: Audit, as_json: bool) -> anyhow::Result<()> {
    let installation = open(config).await?;
    let services = &installation.services;
    let actor_user_id = match &command.user {
        Some(email) => Some(user_id(services, email).await?),
        None => None,
    };
    let filter = AuditFilter {
        organization_id: command.org.as_deref().map(org_id).transpose()?,
        action: command.action,
        target_kind: None,
        target_id: command.target,
        actor_user_id,
        actor_key_id: command.key.as_deref().map(key_id).transpose()?,
    };
    let operator = Principal::operator();
    let audit = services.audit();
    let found = at_most(command.limit, async |page| {
        Ok(audit.list(&operator, filter.clone(), page).await?)
    })
    .await?;
    show(&found, as_json)?;
    services.shutdown().await;
    Ok(())
}

fn value(entry: &AuditEntry) -> Value {
    json!({
        "id": entry.id.to_string(),
        "at": entry.at.to_iso_micros(),
        "organization_id": entry.organization_id.map(|id| id.to_string()),
        "actor": entry.actor,
        "actor_user_id": entry.actor_user_id.map(|id| id.to_string()),
        "actor_key_id": entry.actor_key_id.map(|id| id.to_string()),
        "address": entry.address.map(|address| address.to_string()),
        "action": entry.action,
        "target_kind": entry.target_kind,
        "target_id": entry.target_id,
        "changes": entry.changes,
    })
}

fn show(entries: &[AuditEntry], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&entries.iter().map(value).collect::<Vec<_>>());
    }
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let who = entry.actor_key_id.map(|id| id.to_string());
            let who = who.or_else(|| entry.actor_user_id.map(|id| id.to_string()));
            vec![
                entry.at.to_iso_millis(),
                entry.actor.to_owned(),
                who.unwrap_or_else(|| "-".into()),
                entry
                    .address
                    .map_or_else(|| "-".into(), |address| address.to_string()),
                entry.action.clone(),
                entry.target_id.clone(),
                entry.changes.to_string(),
            ]
        })
        .collect();
    output::table(
        &["WHEN", "BY", "WHO", "FROM", "ACTION", "TARGET", "CHANGES"],
        &rows,
    )
}

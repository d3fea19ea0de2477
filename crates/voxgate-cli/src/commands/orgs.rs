//! `voxgate orgs …`

use anyhow::Context as _;
use serde_json::{Value, json};
use voxgate_domain::{OrgLimits, OrgStatus, Page, Patch};
use voxgate_server::config::Config;
use voxgate_services::Principal;
use voxgate_services::orgs::{CreateOrg, ListOrgs, Organization, UpdateOrg};

use super::{open, org_id};
use crate::args::Orgs;
use crate::output;

pub(crate) async fn run(config: &Config, command: Orgs, as_json: bool) -> anyhow::Result<()> {
    let installation = open(config).await?;
    let orgs = installation.services.orgs();
    let operator = Principal::operator();
    match command {
        Orgs::List => {
            let mut all = Vec::new();
            loop {
                let page = Page::new(Page::MAX_LIMIT, all.len() as u64);
                let piece = orgs
                    .list(&operator, ListOrgs { status: None, page })
                    .await?;
                let done = piece.items.is_empty();
                all.extend(piece.items);
                if done || all.len() as u64 >= piece.total {
                    break;
                }
            }
            list(&all, as_json)?;
        }
        Orgs::Show { id } => show(&orgs.get(&operator, org_id(&id)?).await?, as_json)?,
        Orgs::Create {
            name,
            admin,
            domain,
            limits,
        } => {
            let made = orgs
                .create(
                    &operator,
                    CreateOrg {
                        name,
                        domain,
                        admin_email: admin,
                        daily_word_limit: limits.daily_words,
                        monthly_word_limit: limits.monthly_words,
                        rate_limit_per_minute: limits.requests_per_minute,
                    },
                )
                .await?;
            // The invitation leaves with this process; a running server would send it too, once.
            installation.services.mail().flush().await?;
            show(&made, as_json)?;
        }
        Orgs::Set {
            id,
            name,
            status,
            limits,
        } => {
            let status = status
                .map(|s| {
                    s.parse::<OrgStatus>()
                        .with_context(|| format!("{s:?}: use active, suspended or inactive"))
                })
                .transpose()?;
            let changed = orgs
                .update(
                    &operator,
                    org_id(&id)?,
                    UpdateOrg {
                        name,
                        domain: Patch::Keep,
                        domain_verified: None,
                        status,
                        daily_word_limit: limits.daily_words,
                        monthly_word_limit: limits.monthly_words,
                        rate_limit_per_minute: limits.requests_per_minute,
                        settings: Patch::Keep,
                    },
                )
                .await?;
            show(&changed, as_json)?;
        }
    }
    installation.services.shutdown().await;
    Ok(())
}

fn value(org: &Organization) -> Value {
    json!({
        "id": org.id.to_string(),
        "name": org.name,
        "domain": org.domain,
        "domain_verified": org.domain_verified,
        "status": org.status.as_str(),
        "admin_email": org.admin_email,
        "daily_word_limit": org.limits.daily_words,
        "monthly_word_limit": org.limits.monthly_words,
        "rate_limit_per_minute": org.limits.requests_per_minute,
        "settings": org.settings,
        "created_at": org.created_at.to_iso_millis(),
        "updated_at": org.updated_at.to_iso_millis(),
    })
}

fn list(orgs: &[Organization], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&orgs.iter().map(value).collect::<Vec<_>>());
    }
    let rows: Vec<_> = orgs
        .iter()
        .map(|org| {
            vec![
                org.id.to_string(),
                org.status.to_string(),
                words(org.limits.daily_words),
                words(org.limits.monthly_words),
                if org.limits.requests_per_minute >= OrgLimits::MAX_REQUESTS_PER_MINUTE {
                    "unlimited".into()
                } else {
                    org.limits.requests_per_minute.to_string()
                },
                org.name.clone(),
            ]
        })
        .collect();
    output::table(
        &[
            "ID",
            "STATUS",
            "WORDS/DAY",
            "WORDS/MONTH",
            "REQUESTS/MIN",
            "NAME",
        ],
        &rows,
    )
}

fn show(org: &Organization, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        output::json(&value(org))
    } else {
        list(std::slice::from_ref(org), false)
    }
}

fn words(limit: u64) -> String {
    if limit >= OrgLimits::MAX_WORDS {
        "unlimited".into()
    } else {
        limit.to_string()
    }
}

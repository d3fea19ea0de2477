//! `voxgate orgs …`

use anyhow::Context as _;
use serde_json::{Value, json};
use voxgate_domain::{OrgLimits, OrgStatus, Page, Patch};
use voxgate_server::config::Config;
use voxgate_services::Principal;
use voxgate_services::orgs::{CreateOrg, ListOrgs, Organization, UpdateOrg};

use super::values::{limits_text, limits_value, own_limits, plan};
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
                        ..CreateOrg::default()
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
                        status,
                        daily_word_limit: limits.daily_words,
                        monthly_word_limit: limits.monthly_words,
                        rate_limit_per_minute: limits.requests_per_minute,
                        ..UpdateOrg::default()
                    },
                )
                .await?;
            show(&changed, as_json)?;
        }
        Orgs::SetPlan { id, plan: name } => {
            let plan_id = match name.as_str() {
                "none" => Patch::Clear,
                name => Patch::Set(plan(&installation.services, name).await?.id),
            };
            let change = UpdateOrg {
                plan_id,
                ..UpdateOrg::default()
            };
            let changed = orgs.update(&operator, org_id(&id)?, change).await?;
            show_limits(&changed, as_json)?;
        }
        Orgs::SetLimit { id, limits } => {
            let change = UpdateOrg {
                limits: own_limits(&limits)?,
                ..UpdateOrg::default()
            };
            let changed = orgs.update(&operator, org_id(&id)?, change).await?;
            show_limits(&changed, as_json)?;
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
        "plan_id": org.plan_id.map(|id| id.to_string()),
        "own_limits": limits_value(&org.own_limits),
        "limits": limits_value(&org.all_limits),
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

/// An organisation with all its limits.
fn show_limits(org: &Organization, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&value(org));
    }
    list(std::slice::from_ref(org), false)?;
    let plan = org
        .plan_id
        .map_or_else(|| "none".to_owned(), |id| id.to_string());
    output::print(&format!(
        "plan: {plan}\nown limits: {}\nlimits that hold: {}",
        limits_text(&org.own_limits),
        limits_text(&org.all_limits)
    ))
}

fn words(limit: u64) -> String {
    if limit >= OrgLimits::MAX_WORDS {
        "unlimited".into()
    } else {
        limit.to_string()
    }
}

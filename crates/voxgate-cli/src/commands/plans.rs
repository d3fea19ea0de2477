//! `voxgate plans …`

use serde_json::{Value, json};
use voxgate_server::config::Config;
use voxgate_services::Principal;
use voxgate_services::plans::{CreatePlan, Plan, UpdatePlan};

use super::open;
use super::values::{all, limits, limits_text, limits_value, plan};
use crate::args::Plans;
use crate::output;

pub(crate) async fn run(config: &Config, command: Plans, as_json: bool) -> anyhow::Result<()> {
    let installation = open(config).await?;
    let services = &installation.services;
    let plans = services.plans();
    let operator = Principal::operator();
    match command {
        Plans::List => {
            let found = all(async |page| Ok(plans.list(&operator, page).await?)).await?;
            list(&found, as_json)?;
        }
        Plans::Show { plan: name } => show(&plan(services, &name).await?, as_json)?,
        Plans::Create { name, limit } => {
            let limits = limits(&limit)?;
            let made = plans.create(&operator, CreatePlan { name, limits }).await?;
            show(&made, as_json)?;
        }
        Plans::Set {
            plan: found,
            name,
            limit,
        } => {
            let id = plan(services, &found).await?.id;
            let limits = if limit.is_empty() {
                None
            } else {
                Some(limits(&limit)?)
            };
            let changed = plans
                .update(&operator, id, UpdatePlan { name, limits })
                .await?;
            show(&changed, as_json)?;
        }
        Plans::Rm { plan: name } => {
            let id = plan(services, &name).await?.id;
            plans.delete(&operator, id).await?;
            if as_json {
                output::json(&json!({"id": id.to_string(), "removed": true}))?;
            } else {
                output::print("removed")?;
            }
        }
    }
    services.shutdown().await;
    Ok(())
}

fn value(plan: &Plan) -> Value {
    json!({
        "id": plan.id.to_string(),
        "name": plan.name,
        "limits": limits_value(&plan.limits),
        "created_at": plan.created_at.to_iso_millis(),
        "updated_at": plan.updated_at.to_iso_millis(),
    })
}

fn list(plans: &[Plan], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&plans.iter().map(value).collect::<Vec<_>>());
    }
    let rows: Vec<_> = plans
        .iter()
        .map(|plan| {
            vec![
                plan.id.to_string(),
                plan.name.clone(),
                limits_text(&plan.limits),
            ]
        })
        .collect();
    output::table(&["ID", "NAME", "LIMITS"], &rows)
}

fn show(plan: &Plan, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        output::json(&value(plan))
    } else {
        list(std::slice::from_ref(plan), false)
    }
}

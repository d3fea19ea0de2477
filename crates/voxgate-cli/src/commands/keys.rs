//! `voxgate keys …`

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use voxgate_api::native::kinds::network;
use voxgate_domain::{NameSet, Patch, PlanId, Service, Timestamp};
use voxgate_server::config::Config;
use voxgate_services::keys::{
    ApiKey, CreateKey, CreatedKey, Keys as KeyService, RotateKey, UpdateKey,
};
use voxgate_services::{Principal, Services};

use super::values::{
    all, credits, end, key_id, limits, limits_text, limits_value, plan, services as service_set,
    span, user_id,
};
use super::{open, org_id};
use crate::args::{KeyArgs, Keys};
use crate::output;

pub(crate) async fn run(config: &Config, command: Keys, as_json: bool) -> anyhow::Result<()> {
    let installation = open(config).await?;
    let services = &installation.services;
    let keys = services.keys();
    let operator = Principal::operator();
    let now = services.now();
    match command {
        Keys::List { org } => {
            let org = org_id(&org)?;
            let found = all(async |page| Ok(keys.list(&operator, org, page).await?)).await?;
            if as_json {
                let values: Vec<Value> = found.iter().map(|key| value(key, now)).collect();
                output::json(&values)?;
            } else {
                let rows: Vec<_> = found.iter().map(|key| row(key, now)).collect();
                output::table(&HEADER, &rows)?;
            }
        }
        Keys::Show { id } => show(&keys.get(&operator, key_id(&id)?).await?, now, as_json)?,
        Keys::Create { name, user, rights } => {
            let wanted = Wanted::read(services, &rights, now).await?;
            let command = CreateKey {
                name,
                user_id: Some(user_id(services, &user).await?),
                services: wanted.services,
                voices: wanted.voices,
                models: wanted.models,
                networks: wanted.networks,
                tier_id: wanted.tier.value(),
                limits: wanted.limits.unwrap_or_default(),
                credit_budget: wanted.budget.value(),
                expires_at: wanted.expires.value(),
            };
            reveal(&keys.create(&operator, command).await?, now, as_json)?;
        }
        Keys::Set { id, name, rights } => {
            let wanted = Wanted::read(services, &rights, now).await?;
            set(keys, &operator, &id, name, wanted, now, as_json).await?;
        }
        Keys::Rotate { id, overlap } => {
            let command = RotateKey {
                overlap: span(&overlap)?,
            };
            let rotated = keys.rotate(&operator, key_id(&id)?, command).await?;
            reveal(&rotated, now, as_json)?;
        }
        Keys::Revoke { id } => {
            keys.revoke(&operator, key_id(&id)?).await?;
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

/// What the options ask for; what was not given stays as it is.
struct Wanted {
    services: Option<voxgate_domain::ServiceSet>,
    voices: Option<NameSet>,
    models: Option<NameSet>,
    networks: Option<Vec<ipnet::IpNet>>,
    tier: Patch<PlanId>,
    limits: Option<voxgate_domain::LimitSet>,
    budget: Patch<voxgate_domain::Micros>,
    expires: Patch<Timestamp>,
}

impl Wanted {
    async fn read(services: &Services, args: &KeyArgs, now: Timestamp) -> anyhow::Result<Self> {
        let tier = match args.tier.as_deref() {
            None => Patch::Keep,
            Some("none") => Patch::Clear,
            Some(name) => Patch::Set(plan(services, name).await?.id),
        };
        Ok(Self {
            services: given(&args.service)
                .map(|names| service_set(names))
                .transpose()?,
            voices: given(&args.voice).map(names),
            models: given(&args.model).map(names),
            networks: given(&args.network).map(networks).transpose()?,
            tier,
            limits: given(&args.limit).map(|texts| limits(texts)).transpose()?,
            budget: patch(args.budget.as_deref(), credits)?,
            expires: patch(args.expires.as_deref(), |text| end(text, now))?,
        })
    }
}

fn given(texts: &Vec<String>) -> Option<&Vec<String>> {
    Some(texts).filter(|texts| !texts.is_empty())
}

fn names(texts: &Vec<String>) -> NameSet {
    match texts.as_slice() {
        [word] if word == "all" => NameSet::All,
        names => NameSet::Only(names.iter().cloned().collect()),
    }
}

fn networks(texts: &Vec<String>) -> anyhow::Result<Vec<ipnet::IpNet>> {
    if matches!(texts.as_slice(), [word] if word == "anywhere") {
        return Ok(Vec::new());
    }
    texts
        .iter()
        .map(|text| {
            network(text).with_context(|| {
                format!("{text:?} is neither an address nor a network such as 10.0.0.0/8")
            })
        })
        .collect()
}

fn patch<T>(
    text: Option<&str>,
    read: impl FnOnce(&str) -> anyhow::Result<T>,
) -> anyhow::Result<Patch<T>> {
    match text {
        None => Ok(Patch::Keep),
        Some("none") => Ok(Patch::Clear),
        Some(text) => read(text).map(Patch::Set),
    }
}

async fn set(
    keys: &KeyService,
    operator: &Principal,
    id: &str,
    name: Option<String>,
    wanted: Wanted,
    now: Timestamp,
    as_json: bool,
) -> anyhow::Result<()> {
    let change = UpdateKey {
        name,
        services: wanted.services,
        voices: wanted.voices,
        models: wanted.models,
        networks: wanted.networks,
        tier_id: wanted.tier,
        limits: wanted.limits,
        credit_budget: wanted.budget,
        expires_at: wanted.expires,
    };
    let nothing = change.name.is_none()
        && change.services.is_none()
        && change.voices.is_none()
        && change.models.is_none()
        && change.networks.is_none()
        && change.limits.is_none()
        && !change.tier_id.is_mentioned()
        && !change.credit_budget.is_mentioned()
        && !change.expires_at.is_mentioned();
    if nothing {
        bail!("nothing to change; `voxgate keys set --help` lists what can be");
    }
    let key = keys.update(operator, key_id(id)?, change).await?;
    show(&key, now, as_json)
}

const HEADER: [&str; 6] = ["ID", "PREFIX", "STATE", "CREATED", "LAST USED", "NAME"];

fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.expires_at.is_some_and(|end| end <= now) {
        "expired"
    } else {
        "active"
    }
}

fn row(key: &ApiKey, now: Timestamp) -> Vec<String> {
    vec![
        key.id.to_string(),
        key.prefix.clone(),
        state(key, now).into(),
        key.created_at.to_iso_millis(),
        key.last_used_at
            .map_or_else(|| "never".into(), Timestamp::to_iso_millis),
        key.name.clone(),
    ]
}

fn reveal(created: &CreatedKey, now: Timestamp, as_json: bool) -> anyhow::Result<()> {
    let secret = created.secret.expose_secret();
    if as_json {
        let mut value = value(&created.key, now);
        value["key"] = json!(secret);
        return output::json(&value);
    }
    show(&created.key, now, false)?;
    output::print(&format!("\nkey (shown this once): {secret}"))
}

fn show(key: &ApiKey, now: Timestamp, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&value(key, now));
    }
    let all_or = |names: &NameSet| match names {
        NameSet::All => "all".to_owned(),
        NameSet::Only(names) => names.iter().cloned().collect::<Vec<_>>().join(", "),
    };
    let moment = |at: Option<Timestamp>, never: &str| {
        at.map_or_else(|| never.to_owned(), Timestamp::to_iso_millis)
    };
    let networks: Vec<String> = key
        .rights
        .networks
        .iter()
        .map(ToString::to_string)
        .collect();
    let services: Vec<&str> = key.rights.services.iter().map(Service::as_str).collect();
    let budget = match key.credit_budget {
        Some(budget) => format!("{budget} credits, {} committed", key.credits_committed),
        None => format!("none, {} credits committed", key.credits_committed),
    };
    let lines = [
        ("id", key.id.to_string()),
        ("name", key.name.clone()),
        ("state", state(key, now).to_owned()),
        ("prefix", key.prefix.clone()),
        ("organisation", key.organization_id.to_string()),
        ("user", key.user_id.to_string()),
        ("made by key", opt(key.created_by_key_id)),
        ("services", services.join(", ")),
        ("voices", all_or(&key.rights.voices)),
        ("models", all_or(&key.rights.models)),
        (
            "networks",
            if networks.is_empty() {
                "anywhere".into()
            } else {
                networks.join(", ")
            },
        ),
        ("tier", opt(key.tier_id)),
        ("limits", limits_text(&key.limits)),
        ("budget", budget),
        ("created", key.created_at.to_iso_millis()),
        ("expires", moment(key.expires_at, "never")),
        ("last used", moment(key.last_used_at, "never")),
        ("revoked", moment(key.revoked_at, "no")),
    ];
    let rows: Vec<Vec<String>> = lines
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    output::table(&["KEY", ""], &rows)
}

fn opt(id: Option<impl ToString>) -> String {
    id.map_or_else(|| "-".into(), |id| id.to_string())
}

fn value(key: &ApiKey, now: Timestamp) -> Value {
    let names = |names: &NameSet| match names {
        NameSet::All => json!("all"),
        NameSet::Only(names) => json!(names),
    };
    let moment = |at: Option<Timestamp>| at.map(Timestamp::to_iso_millis);
    let networks: Vec<String> = key
        .rights
        .networks
        .iter()
        .map(ToString::to_string)
        .collect();
    let services: Vec<&str> = key.rights.services.iter().map(Service::as_str).collect();
    json!({
        "id": key.id.to_string(),
        "organization_id": key.organization_id.to_string(),
        "user_id": key.user_id.to_string(),
        "created_by_key_id": key.created_by_key_id.map(|id| id.to_string()),
        "name": key.name,
        "prefix": key.prefix,
        "state": state(key, now),
        "services": services,
        "voices": names(&key.rights.voices),
        "models": names(&key.rights.models),
        "networks": networks,
        "tier_id": key.tier_id.map(|id| id.to_string()),
        "limits": limits_value(&key.limits),
        "credit_budget_micros": key.credit_budget.map(voxgate_domain::Micros::get),
        "credits_committed_micros": key.credits_committed.get(),
        "created_at": key.created_at.to_iso_millis(),
        "updated_at": key.updated_at.to_iso_millis(),
        "expires_at": moment(key.expires_at),
        "last_used_at": moment(key.last_used_at),
        "revoked_at": moment(key.revoked_at),
    })
}

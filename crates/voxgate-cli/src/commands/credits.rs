//! `voxgate credits …`

use anyhow::Context as _;
use serde_json::{Value, json};
use voxgate_domain::{OrgId, RequestId, TransferId};
use voxgate_server::config::Config;
use voxgate_services::Principal;
use voxgate_services::credits::{Change, ChangeCredits, Credits as CreditService, Transfer};

use super::values::{at_most, credits};
use super::{open, org_id};
use crate::args::{ChangeArgs, Credits};
use crate::output;

pub(crate) async fn run(config: &Config, command: Credits, as_json: bool) -> anyhow::Result<()> {
    let installation = open(config).await?;
    let service = installation.services.credits();
    match command {
        Credits::Balance { org } => balance(service, org_id(&org)?, as_json).await?,
        Credits::Grant(args) => change(service, Change::Grant, args, as_json).await?,
        Credits::Purchase(args) => change(service, Change::Purchase, args, as_json).await?,
        Credits::Adjust(args) => change(service, Change::Adjustment, args, as_json).await?,
        Credits::Refund {
            request,
            change: args,
        } => {
            let request: RequestId = request.parse().with_context(|| {
                format!(
                    "{request:?} is not the id of a request; `voxgate usage export ORG` shows them"
                )
            })?;
            change(service, Change::Refund(request), args, as_json).await?;
        }
        Credits::Statement { org, limit } => {
            let org = org_id(&org)?;
            let operator = Principal::operator();
            let found = at_most(limit, async |page| {
                Ok(service.statement(&operator, org, page).await?)
            })
            .await?;
            statement(&found, as_json)?;
        }
    }
    installation.services.shutdown().await;
    Ok(())
}

async fn balance(service: &CreditService, org: OrgId, as_json: bool) -> anyhow::Result<()> {
    let found = service.balance(&Principal::operator(), org).await?;
    if as_json {
        return output::json(&json!({
            "organization_id": org.to_string(),
            "available_micros": found.available.get(),
            "available": found.available.to_string(),
            "held_micros": found.held.get(),
            "held": found.held.to_string(),
        }));
    }
    output::print(&format!(
        "{} credits available, {} on hold",
        found.available, found.held
    ))
}

async fn change(
    service: &CreditService,
    change: Change,
    args: ChangeArgs,
    as_json: bool,
) -> anyhow::Result<()> {
    let id = match &args.id {
        Some(text) => text
            .parse::<TransferId>()
            .with_context(|| format!("{text:?} is not a UUID"))?,
        None => TransferId::generate(),
    };
    let command = ChangeCredits {
        id,
        organization_id: org_id(&args.org)?,
        change,
        amount: credits(&args.amount)?,
        memo: args.memo,
    };
    let booked = service.change(&Principal::operator(), command).await?;
    if as_json {
        return output::json(&value(&booked));
    }
    statement(std::slice::from_ref(&booked), false)
}

fn value(transfer: &Transfer) -> Value {
    json!({
        "id": transfer.id.to_string(),
        "number": transfer.number,
        "kind": transfer.kind.as_str(),
        "debit_account": transfer.debit_account,
        "credit_account": transfer.credit_account,
        "amount_micros": transfer.amount.get(),
        "amount": transfer.amount.to_string(),
        "available_after_micros": transfer.available_after.get(),
        "available_after": transfer.available_after.to_string(),
        "held_after_micros": transfer.held_after.get(),
        "request_id": transfer.request_id.map(|id| id.to_string()),
        "memo": transfer.memo,
        "actor": transfer.actor,
        "created_at": transfer.created_at.to_iso_millis(),
    })
}

fn statement(transfers: &[Transfer], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return output::json(&transfers.iter().map(value).collect::<Vec<_>>());
    }
    let rows: Vec<_> = transfers
        .iter()
        .map(|transfer| {
            vec![
                transfer.number.to_string(),
                transfer.created_at.to_iso_millis(),
                transfer.kind.as_str().to_owned(),
                transfer.amount.to_string(),
                transfer.available_after.to_string(),
                transfer.held_after.to_string(),
                transfer
                    .request_id
                    .map_or_else(|| "-".into(), |id| id.to_string()),
                transfer.memo.clone(),
            ]
        })
        .collect();
    output::table(
        &[
            "NO",
            "WHEN",
            "KIND",
            "AMOUNT",
            "AVAILABLE",
            "HELD",
            "REQUEST",
            "MEMO",
        ],
        &rows,
    )
}

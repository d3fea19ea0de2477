//! `voxgate prices …`

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use voxgate_api::native::kinds::price;
use voxgate_domain::Price;
use voxgate_server::config::Config;
use voxgate_services::Principal;

use super::open;
use super::values::plan;
use crate::args::Prices;
use crate::output;

pub(crate) async fn run(config: &Config, command: Prices, as_json: bool) -> anyhow::Result<()> {
    // Read before anything is opened: a typing error must not look like one of the database.
    let (lines, named) = match &command {
        Prices::Get { plan } => (None, plan.as_deref()),
        Prices::Set { file, plan } => (Some(read(file)?), plan.as_deref()),
    };
    let installation = open(config).await?;
    let services = &installation.services;
    let of = match named {
        Some(name) => Some(plan(services, name).await?.id),
        None => None,
    };
    if let Some(lines) = lines {
        services
            .credits()
            .set_prices(&Principal::operator(), of, lines)
            .await?;
    }
    show(&services.credits().prices(of).await?, as_json)?;
    services.shutdown().await;
    Ok(())
}

/// Reads a price list from a file or, named `-`, from standard input.
fn read(file: &str) -> anyhow::Result<Vec<Price>> {
    let text = if file == "-" {
        std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?
    } else {
        std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?
    };
    let value: Value =
        serde_json::from_str(&text).with_context(|| format!("{file} is not JSON"))?;
    let lines = value
        .as_array()
        .with_context(|| format!("{file} must hold a list of price lines"))?;
    lines
        .iter()
        .enumerate()
        .map(|(at, line)| price(line).map_err(|reason| anyhow!("line {at} of {file}: {reason}")))
        .collect()
}

fn show(prices: &[Price], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let lines: Vec<Value> = prices
            .iter()
            .map(|price| {
                json!({
                    "service": price.service.as_str(),
                    "model": price.model,
                    "unit": price.unit.as_str(),
                    "micros": price.micros.get(),
                })
            })
            .collect();
        return output::json(&lines);
    }
    if prices.is_empty() {
        return output::print("no prices: nothing costs anything here");
    }
    let rows: Vec<_> = prices
        .iter()
        .map(|price| {
            vec![
                price.service.to_string(),
                price.model.clone().unwrap_or_else(|| "(all others)".into()),
                price.unit.as_str().to_owned(),
                price.micros.to_string(),
            ]
        })
        .collect();
    output::table(&["SERVICE", "MODEL", "UNIT", "CREDITS"], &rows)
}

//! `voxgate usage`

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use voxgate_domain::{Clock as _, DateRange, SystemClock, UsageTotals};
use voxgate_server::config::Config;
use voxgate_services::Principal;

use super::{open, org_id};
use crate::args::Usage;
use crate::output;

pub(crate) async fn run(config: &Config, command: Usage, as_json: bool) -> anyhow::Result<()> {
    let range = range(command.from.as_deref(), command.to.as_deref())?;
    let installation = open(config).await?;
    let usage = installation.services.usage();
    let operator = Principal::operator();
    if let Some(org) = &command.org {
        let report = usage
            .organization(&operator, org_id(org)?, Some(range))
            .await?;
        if as_json {
            let days: Vec<_> = report
                .by_day
                .iter()
                .map(|day| with_totals(json!({"date": day.date}), &day.totals))
                .collect();
            let head = json!({
                "organization_id": report.organization_id.to_string(),
                "from": range.first_day(),
                "to": range.last_day(),
                "by_day": days,
            });
            output::json(&with_totals(head, &report.totals))?;
        } else {
            let mut rows: Vec<_> = report
                .by_day
                .iter()
                .map(|day| row(day.date.clone(), &day.totals))
                .collect();
            rows.push(row("total".into(), &report.totals));
            output::table(
                &[
                    "DAY",
                    "REQUESTS",
                    "FAILED",
                    "WORDS",
                    "CHARACTERS",
                    "AUDIO SECONDS",
                ],
                &rows,
            )?;
        }
    } else {
        let all = usage.totals(&operator, Some(range)).await?;
        if as_json {
            let rows: Vec<_> = all
                .iter()
                .map(|org| {
                    let head = json!({"organization_id": org.organization_id.to_string(), "name": org.name});
                    with_totals(head, &org.totals)
                })
                .collect();
            output::json(
                &json!({"from": range.first_day(), "to": range.last_day(), "organizations": rows}),
            )?;
        } else {
            let rows: Vec<_> = all
                .iter()
                .map(|org| row(org.name.clone(), &org.totals))
                .collect();
            output::table(
                &[
                    "ORGANISATION",
                    "REQUESTS",
                    "FAILED",
                    "WORDS",
                    "CHARACTERS",
                    "AUDIO SECONDS",
                ],
                &rows,
            )?;
        }
    }
    installation.services.shutdown().await;
    Ok(())
}

fn range(from: Option<&str>, to: Option<&str>) -> anyhow::Result<DateRange> {
    let month = DateRange::month_to_date(SystemClock::new().now());
    let (first, last) = (
        from.map_or_else(|| month.first_day(), str::to_owned),
        to.map_or_else(|| month.last_day(), str::to_owned),
    );
    let range = DateRange::parse(&first, &last).with_context(|| {
        format!("{first} to {last} is not a range of days; write --from 2026-11-01 --to 2026-11-30")
    })?;
    if range.first_day() > range.last_day() {
        bail!("the range ends before it begins");
    }
    Ok(range)
}

fn row(name: String, totals: &UsageTotals) -> Vec<String> {
    vec![
        name,
        totals.requests.to_string(),
        totals.failed.to_string(),
        totals.words.to_string(),
        totals.characters.to_string(),
        format!("{:.1}", totals.audio_seconds()),
    ]
}

fn with_totals(mut value: Value, totals: &UsageTotals) -> Value {
    value["requests"] = json!({
        "total": totals.requests,
        "success": totals.success,
        "failed": totals.failed,
        "pending": totals.pending,
    });
    value["words"] = json!(totals.words);
    value["characters"] = json!(totals.characters);
    value["audio_seconds"] = json!(totals.audio_seconds());
    value
}

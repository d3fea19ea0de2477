//! `voxgate usage`, `voxgate usage report` and `voxgate usage export`

use std::io::Write as _;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use voxgate_api::native::admin::types::total;
use voxgate_api::native::admin::usage::lines::LineFormat;
use voxgate_api::native::admin::usage::{GROUPS, group};
use voxgate_domain::{Clock as _, DateRange, KeyId, SystemClock, Timestamp, UsageTotals, UserId};
use voxgate_server::config::Config;
use voxgate_services::usage::{EXPORT_PAGE, ExportQuery, GroupRow, UsageQuery, UsageSums};
use voxgate_services::{Principal, Services};

use super::values::{key_id, moment, user_id};
use super::{open, org_id};
use crate::args::{SpanArgs, Usage, UsageCommand};
use crate::output;

pub(crate) async fn run(config: &Config, command: Usage, as_json: bool) -> anyhow::Result<()> {
    match &command.command {
        Some(UsageCommand::Report { org, by, span }) => {
            let by = by.to_lowercase();
            let installation = open(config).await?;
            report(&installation.services, org, &by, span, as_json).await?;
            installation.services.shutdown().await;
            return Ok(());
        }
        Some(UsageCommand::Export { org, format, span }) => {
            // --json asks for JSON, and lines of it are the only JSON an export has.
            let format = LineFormat::parse(if as_json { "jsonl" } else { format })
                .with_context(|| format!("{format:?}: use csv or jsonl"))?;
            let installation = open(config).await?;
            export(&installation.services, org, format, span).await?;
            installation.services.shutdown().await;
            return Ok(());
        }
        None => {}
    }
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

/// Which requests are meant.
struct Span {
    from: Timestamp,
    until: Timestamp,
    user: Option<UserId>,
    key: Option<KeyId>,
}

async fn read_span(services: &Services, args: &SpanArgs) -> anyhow::Result<Span> {
    let now = services.now();
    let until = args
        .until
        .as_deref()
        .map(moment)
        .transpose()?
        .unwrap_or(now);
    let from = args.from.as_deref().map(moment).transpose()?;
    let from = from.unwrap_or_else(|| until.month_start());
    if from > until {
        bail!("the range ends before it begins");
    }
    Ok(Span {
        from,
        until,
        user: match &args.user {
            Some(email) => Some(user_id(services, email).await?),
            None => None,
        },
        key: args.key.as_deref().map(key_id).transpose()?,
    })
}

async fn report(
    services: &Services,
    org: &str,
    by: &str,
    args: &SpanArgs,
    as_json: bool,
) -> anyhow::Result<()> {
    let group = group(by).with_context(|| format!("{by:?}: use {}", GROUPS.join(", ")))?;
    let organization = org_id(org)?;
    let span = read_span(services, args).await?;
    let query = UsageQuery {
        from: span.from,
        until: span.until,
        group,
        user: span.user,
        key: span.key,
    };
    let rows = services
        .usage()
        .report(&Principal::operator(), organization, query)
        .await?;
    let name = |row: &GroupRow| {
        row.start
            .map_or_else(|| row.name.clone(), Timestamp::to_iso_millis)
    };
    if as_json {
        let groups: Vec<Value> = rows
            .iter()
            .map(|row| json!({"name": name(row), "label": row.label, "sums": sums(&row.sums)}))
            .collect();
        return output::json(&json!({
            "organization_id": organization.to_string(),
            "from": span.from.to_iso_millis(),
            "until": span.until.to_iso_millis(),
            "group": by,
            "rows": groups,
            "total": sums(&total(&rows)),
        }));
    }
    let line = |name: String, sums: &UsageSums| {
        let amounts = &sums.quantities;
        vec![
            name,
            sums.requests.to_string(),
            sums.failed.to_string(),
            amounts.words.to_string(),
            amounts.characters.to_string(),
            amounts
                .tokens_in
                .saturating_add(amounts.tokens_out)
                .to_string(),
            seconds(amounts.audio_ms_in.saturating_add(amounts.audio_ms_out)),
            sums.billed.to_string(),
        ]
    };
    let mut table: Vec<_> = rows
        .iter()
        .map(|row| {
            let name = row.label.clone().unwrap_or_else(|| name(row));
            line(name, &row.sums)
        })
        .collect();
    table.push(line("total".into(), &total(&rows)));
    output::table(
        &[
            &by.to_uppercase(),
            "REQUESTS",
            "FAILED",
            "WORDS",
            "CHARACTERS",
            "TOKENS",
            "AUDIO SECONDS",
            "CREDITS",
        ],
        &table,
    )
}

/// Milliseconds as seconds with one decimal.
fn seconds(millis: u64) -> String {
    format!("{}.{}", millis / 1000, millis % 1000 / 100)
}

fn sums(sums: &UsageSums) -> Value {
    let amounts = &sums.quantities;
    json!({
        "requests": sums.requests,
        "success": sums.success,
        "failed": sums.failed,
        "pending": sums.pending,
        "disconnected": sums.disconnected,
        "characters": amounts.characters,
        "words": amounts.words,
        "tokens_in": amounts.tokens_in,
        "tokens_out": amounts.tokens_out,
        "audio_ms_in": amounts.audio_ms_in,
        "audio_ms_out": amounts.audio_ms_out,
        "bytes_in": amounts.bytes_in,
        "bytes_out": amounts.bytes_out,
        "engine_ms": sums.engine_ms,
        "queue_ms": sums.queue_ms,
        "billed_micros": sums.billed.get(),
        "billed": sums.billed.to_string(),
    })
}

async fn export(
    services: &Services,
    org: &str,
    format: LineFormat,
    args: &SpanArgs,
) -> anyhow::Result<()> {
    let organization = org_id(org)?;
    let span = read_span(services, args).await?;
    let mut query = ExportQuery {
        from: span.from,
        until: span.until,
        user: span.user,
        key: span.key,
        after: None,
        limit: EXPORT_PAGE,
    };
    let operator = Principal::operator();
    write(&format.head()?)?;
    loop {
        let rows = services
            .usage()
            .export_page(&operator, organization, query)
            .await?;
        write(&format.lines(&rows)?)?;
        match rows.last() {
            Some(last) if rows.len() == EXPORT_PAGE as usize => {
                query.after = Some((last.facts.created_at, last.facts.id));
            }
            _ => return Ok(()),
        }
    }
}

fn write(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

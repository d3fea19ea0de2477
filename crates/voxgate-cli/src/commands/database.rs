//! `voxgate migrate` and `voxgate backup`.

use std::path::Path;

use anyhow::bail;
use serde_json::json;
use voxgate_server::config::Config;
use voxgate_server::installation::{make_data_dir, store_config};
use voxgate_store::Db;

use crate::output;

pub(crate) async fn migrate(config: &Config, as_json: bool) -> anyhow::Result<()> {
    make_data_dir(&config.data_dir)?;
    let db = Db::open(&store_config(config)).await?;
    let report = db.migrate().await?;
    db.close().await;
    if as_json {
        let applied: Vec<_> = report
            .applied
            .iter()
            .map(|(version, name, took)| {
                json!({"version": version, "name": name, "milliseconds": took.as_millis()})
            })
            .collect();
        return output::json(&json!({"from": report.from, "to": report.to, "applied": applied}));
    }
    for (version, name, took) in &report.applied {
        output::print(&format!(
            "applied {version:04}_{name} in {} ms",
            took.as_millis()
        ))?;
    }
    if report.applied.is_empty() {
        output::print(&format!("the database is at version {} already", report.to))
    } else {
        output::print(&format!(
            "the database went from version {} to {}",
            report.from, report.to
        ))
    }
}

pub(crate) async fn backup(config: &Config, file: &Path, as_json: bool) -> anyhow::Result<()> {
    if file.exists() {
        bail!(
            "{} exists; choose a new name, a backup never overwrites",
            file.display()
        );
    }
    let db = Db::open(&store_config(config)).await?;
    db.backup_to(file).await?;
    db.close().await;
    let size = std::fs::metadata(file)?.len();
    if as_json {
        return output::json(&json!({"file": file.display().to_string(), "bytes": size}));
    }
    output::print(&format!(
        "{} holds a checked copy of the database ({})",
        file.display(),
        output::bytes(size)
    ))
}

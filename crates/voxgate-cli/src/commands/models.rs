//! `voxgate models …`

use std::process::ExitCode;

use anyhow::bail;
use serde_json::json;
use voxgate_models::{Event, FileCondition, InstallState, ModelStatus, ModelStore};
use voxgate_server::config::Config;
use voxgate_server::models;

use crate::args::Models;
use crate::output::{self, Progress};

pub(crate) async fn run(
    config: &Config,
    command: Models,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let store = models::store(config)?;
    match command {
        Models::List => list(&store.list(), as_json)?,
        Models::Pull { names } => {
            let names = if names.is_empty() {
                config.models.defaults.clone()
            } else {
                names
            };
            pull(&store, &names).await?;
            if as_json {
                output::json(
                    &json!({"installed": names, "dir": store.dir().display().to_string()}),
                )?;
            }
        }
        Models::Rm { name } => {
            let freed = store.remove(&name).await?;
            if as_json {
                output::json(&json!({"removed": name, "bytes": freed}))?;
            } else {
                output::print(&format!("{name} removed, {} freed", output::bytes(freed)))?;
            }
        }
        Models::Verify { names } => return verify(&store, names, as_json).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Fetches the configured defaults that are missing, for `serve`.
pub(crate) async fn fetch_missing_defaults(config: &Config) -> anyhow::Result<()> {
    let missing = models::missing_defaults(config)?;
    if missing.is_empty() {
        return Ok(());
    }
    if config.models.offline && config.models.local_folder.is_empty() {
        bail!(
            "the models {} are missing and models.offline forbids fetching them; run `voxgate models pull` with a network, or name models.local_folder",
            missing.join(", ")
        );
    }
    pull(&models::store(config)?, &missing).await
}

async fn pull(store: &ModelStore, names: &[String]) -> anyhow::Result<()> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut bar: Option<Progress> = None;
    let mut show = |event: Event<'_>| match event {
        Event::Waiting => {
            eprintln!("another process is fetching models into the same folder; waiting for it")
        }
        Event::Started { model, bytes, .. } => bar = Some(Progress::start(model, bytes)),
        Event::Source { model, source } => note(bar.as_ref(), &format!("{model}: from {source}")),
        Event::SourceFailed {
            model,
            source,
            reason,
        } => {
            note(
                bar.as_ref(),
                &format!("{model}: {source} did not provide it ({reason}); trying the next source"),
            );
        }
        Event::Bytes { done, .. } => {
            if let Some(bar) = &mut bar {
                bar.set(done);
            }
        }
        Event::Done {
            model,
            bytes,
            elapsed,
        } => match bar.take() {
            Some(bar) => bar.finish(&format!(
                "{model}: {} verified and installed in {:.1} s",
                output::bytes(bytes),
                elapsed.as_secs_f64()
            )),
            None => eprintln!("{model}: installed already"),
        },
        // The bar stands still for a moment; more would be noise.
        _ => {}
    };
    store.pull_many(&names, &mut show).await?;
    Ok(())
}

fn note(bar: Option<&Progress>, text: &str) {
    match bar {
        Some(bar) => bar.note(text),
        None => eprintln!("{text}"),
    }
}

fn state(state: InstallState) -> &'static str {
    match state {
        InstallState::Installed => "installed",
        InstallState::Partial => "partial",
        InstallState::Missing => "missing",
    }
}

fn list(all: &[ModelStatus], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let values: Vec<_> = all
            .iter()
            .map(|m| {
                json!({
                    "name": m.name, "kind": m.kind.to_string(), "licence": m.licence, "description": m.description,
                    "note": m.note, "default": m.default, "state": state(m.state), "bytes_present": m.bytes_present,
                    "bytes_total": m.bytes_total, "path": m.path.display().to_string(),
                })
            })
            .collect();
        return output::json(&values);
    }
    let rows: Vec<_> = all
        .iter()
        .map(|m| {
            vec![
                m.name.clone(),
                m.kind.to_string(),
                state(m.state).to_owned(),
                output::bytes(m.bytes_total),
                m.licence.clone(),
                m.description.clone(),
            ]
        })
        .collect();
    output::table(
        &["MODEL", "KIND", "STATE", "SIZE", "LICENCE", "WHAT IT IS"],
        &rows,
    )?;
    for model in all {
        if let Some(text) = &model.note {
            output::print(&format!("\n{}: {text}", model.name))?;
        }
    }
    Ok(())
}

async fn verify(store: &ModelStore, names: Vec<String>, as_json: bool) -> anyhow::Result<ExitCode> {
    let names = if names.is_empty() {
        store
            .list()
            .into_iter()
            .filter(|m| m.state != InstallState::Missing)
            .map(|m| m.name)
            .collect()
    } else {
        names
    };
    let mut intact = true;
    let mut results = Vec::new();
    for name in &names {
        let result = store.verify(name).await?;
        intact &= result.is_intact();
        let bad: Vec<_> = result
            .files
            .iter()
            .filter(|(_, condition)| *condition != FileCondition::Intact)
            .map(|(file, condition)| {
                let what = match condition {
                    FileCondition::Missing => "missing",
                    FileCondition::WrongSize => "wrong size",
                    FileCondition::Corrupt | FileCondition::Intact => "corrupt",
                };
                (file.clone(), what)
            })
            .collect();
        if as_json {
            results.push(json!({"model": name, "intact": bad.is_empty(), "files": result.files.len(), "bad": bad}));
        } else if bad.is_empty() {
            output::print(&format!("{name}: {} files intact", result.files.len()))?;
        } else {
            for (file, what) in bad {
                output::print(&format!(
                    "{name}: {file} is {what}; run `voxgate models pull {name}`"
                ))?;
            }
        }
    }
    if as_json {
        output::json(&results)?;
    } else if names.is_empty() {
        output::print("no models are installed; run `voxgate models pull`")?;
    }
    Ok(if intact {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

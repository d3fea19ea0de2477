//! `voxgate bench`: what a second of speech costs on this machine.

use std::time::{Duration, Instant};

use anyhow::bail;
use serde::Serialize;
use voxgate_engine::bench::{self, SpeechMeasure};
use voxgate_server::config::Config;
use voxgate_server::engines;

use crate::args::Bench;
use crate::output;

/// Medians over the runs of one engine and text.
#[derive(Debug, Serialize)]
struct Row {
    engine: String,
    voice: String,
    length: &'static str,
    audio_s: f64,
    real_time_factor: f64,
    cpu_s: f64,
    cpu_per_audio_s: f64,
    first_audio_s: f64,
    peak_rss_mb: f64,
    load_s: f64,
}

pub(crate) fn run(config: &Config, command: &Bench, as_json: bool) -> anyhow::Result<()> {
    let Bench::Tts {
        engine,
        runs,
        threads,
    } = command;
    if *runs == 0 {
        bail!("--runs must be at least 1");
    }
    let mut config = config.clone();
    if let Some(threads) = threads {
        config.engines.threads = *threads;
    }
    let begun = Instant::now();
    let registry = engines::load(&config)?;
    let load = begun.elapsed();
    let mut rows = Vec::new();
    for candidate in registry.engines() {
        if engine
            .as_deref()
            .is_some_and(|wanted| wanted != candidate.name())
        {
            continue;
        }
        let Some(voice) = candidate.voices().first().map(|v| v.id.clone()) else {
            continue;
        };
        // The first synthesis pays for caches and memory that later ones reuse.
        bench::measure(&**candidate, &voice, bench::TEXTS[0].text)?;
        for text in bench::TEXTS {
            let mut measures = (0..*runs)
                .map(|_| bench::measure(&**candidate, &voice, text.text))
                .collect::<Result<Vec<_>, _>>()?;
            let row = median_row(&mut measures, candidate.name(), &voice, text.length, load);
            if as_json {
                // One line a result, so that a comparison can read it while it runs.
                output::print(&serde_json::to_string(&row)?)?;
            }
            rows.push(row);
        }
    }
    if rows.is_empty() {
        bail!(
            "no engine {:?} is loaded",
            engine.as_deref().unwrap_or("at all")
        );
    }
    if as_json {
        return Ok(());
    }
    let cells: Vec<_> = rows
        .iter()
        .map(|r| {
            vec![
                r.engine.clone(),
                r.length.to_owned(),
                format!("{:.1} s", r.audio_s),
                format!("{:.3}", r.real_time_factor),
                format!("{:.3}", r.cpu_per_audio_s),
                format!("{:.2} s", r.first_audio_s),
                format!("{:.0} MB", r.peak_rss_mb),
            ]
        })
        .collect();
    output::table(
        &[
            "ENGINE",
            "TEXT",
            "AUDIO",
            "REAL-TIME FACTOR",
            "CPU S PER AUDIO S",
            "FIRST AUDIO",
            "PEAK MEMORY",
        ],
        &cells,
    )?;
    output::print(&format!(
        "models loaded in {:.2} s; medians of {runs} runs",
        load.as_secs_f64()
    ))
}

fn median_row(
    measures: &mut [SpeechMeasure],
    engine: &str,
    voice: &str,
    length: &'static str,
    load: Duration,
) -> Row {
    let mut median = |value: fn(&SpeechMeasure) -> f64| {
        measures.sort_by(|a, b| value(a).total_cmp(&value(b)));
        value(&measures[measures.len() / 2])
    };
    Row {
        engine: engine.to_owned(),
        voice: voice.to_owned(),
        length,
        audio_s: median(|m| m.audio.as_secs_f64()),
        real_time_factor: median(SpeechMeasure::real_time_factor),
        cpu_s: median(|m| m.cpu.as_secs_f64()),
        cpu_per_audio_s: median(SpeechMeasure::cpu_per_audio_second),
        first_audio_s: median(|m| m.first_audio.as_secs_f64()),
        #[allow(clippy::cast_precision_loss, reason = "megabytes for people")]
        peak_rss_mb: median(|m| m.peak_rss_bytes.unwrap_or(0) as f64 / 1e6),
        load_s: load.as_secs_f64(),
    }
}

//! `voxgate say` and `voxgate voices`: the local engines without a server.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use voxgate_audio::{AudioFormat, OutputSpec, SUPPORTED_SAMPLE_RATES};
use voxgate_engine::{SpeechJob, SpeechRequest, SpeechStream, VoiceRegistry};
use voxgate_server::config::Config;
use voxgate_server::engines;

use crate::args::Say;
use crate::output;

pub(crate) fn voices(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let registry = engines::load(config)?;
    let aliases = registry.aliases();
    let names = |id: &str| -> Vec<&str> {
        aliases
            .iter()
            .filter(|(_, voice)| voice.as_str() == id)
            .map(|(alias, _)| alias.as_str())
            .collect()
    };
    if as_json {
        let all: Vec<_> = registry
            .voices()
            .iter()
            .map(|v| {
                json!({
                    "id": v.id, "name": v.name, "language": v.language, "gender": v.gender.as_str(), "styles": v.styles,
                    "engine": v.engine, "licence": v.licence, "sample_rate_hz": v.sample_rate_hz, "aliases": names(&v.id),
                })
            })
            .collect();
        return output::json(&all);
    }
    let rows: Vec<_> = registry
        .voices()
        .iter()
        .map(|v| {
            vec![
                v.id.clone(),
                v.language.clone(),
                v.gender.as_str().to_owned(),
                v.engine.clone(),
                v.licence.clone(),
                names(&v.id).join(", "),
            ]
        })
        .collect();
    output::table(
        &[
            "VOICE",
            "LANGUAGE",
            "GENDER",
            "ENGINE",
            "LICENCE",
            "ALSO CALLED",
        ],
        &rows,
    )
}

pub(crate) async fn run(config: &Config, args: Say, as_json: bool) -> anyhow::Result<()> {
    let text = read_text(&args.text)?;
    let format = format(&args)?;
    let output = OutputSpec::new(format, args.sample_rate).with_context(|| {
        format!(
            "--sample-rate {}: use one of {SUPPORTED_SAMPLE_RATES:?}",
            args.sample_rate
        )
    })?;
    if !(0.5..=2.0).contains(&args.speed) {
        bail!("--speed {}: use a value from 0.5 to 2.0", args.speed);
    }
    let target = args
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("speech.{}", format.extension())));
    let wanted = args.voice.unwrap_or_else(|| config.voices.default.clone());
    let registry = load(config).await?;
    let voice = registry.resolve(&wanted).with_context(|| {
        format!("no voice {wanted:?} is installed; `voxgate voices` lists them")
    })?;
    let name = voice.info.id.clone();
    let begun = Instant::now();
    let engines = engines::start(config, registry);
    let mut stream = engines.pool.submit(SpeechJob {
        request: SpeechRequest {
            text,
            voice: name.clone(),
            speed: args.speed,
        },
        voice,
        output,
    })?;
    let bytes = write(&mut stream, &target, format).await?;
    let outcome = *stream
        .outcome()
        .context("the engine stopped before the end")?;
    let took = begun.elapsed();
    tokio::task::spawn_blocking(move || engines.pool.shutdown()).await?;
    let audio = std::time::Duration::from_millis(outcome.audio_ms);
    if as_json && target != Path::new("-") {
        output::json(&json!({
            "file": target.display().to_string(), "voice": name, "format": format.as_str(), "bytes": bytes,
            "audio_seconds": audio.as_secs_f64(), "seconds": took.as_secs_f64(),
            "first_audio_seconds": outcome.first_audio.as_secs_f64(),
        }))?;
    } else {
        eprintln!(
            "{}: {:.1} s of audio by {name} in {:.2} s",
            target.display(),
            audio.as_secs_f64(),
            took.as_secs_f64()
        );
    }
    if args.play {
        play(&target)?;
    }
    Ok(())
}

async fn load(config: &Config) -> anyhow::Result<VoiceRegistry> {
    let config = config.clone();
    Ok(tokio::task::spawn_blocking(move || engines::load(&config)).await??)
}

fn read_text(argument: &str) -> anyhow::Result<String> {
    let mut text = argument.to_owned();
    if argument == "-" {
        text.clear();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("standard input is not UTF-8 text")?;
    }
    if text.trim().is_empty() {
        bail!("there is no text to speak");
    }
    Ok(text)
}

fn format(args: &Say) -> anyhow::Result<AudioFormat> {
    if let Some(name) = &args.format {
        return name.parse().map_err(|_| {
            anyhow::anyhow!("--format {name:?}: use wav, mp3, opus, flac, aac, pcm, ulaw or alaw")
        });
    }
    let ending = args
        .output
        .as_deref()
        .and_then(Path::extension)
        .and_then(|e| e.to_str());
    match ending {
        Some(ending) => ending.parse().map_err(|_| {
            anyhow::anyhow!("the ending .{ending} names no audio format; say which with --format")
        }),
        None => Ok(AudioFormat::Mp3),
    }
}

/// Writes the audio as it is made. A file gets its name only when whole, and a WAV or FLAC header its true sizes.
async fn write(
    stream: &mut SpeechStream,
    target: &Path,
    format: AudioFormat,
) -> anyhow::Result<u64> {
    let mut bytes = 0u64;
    if target == Path::new("-") {
        let mut out = tokio::io::stdout();
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            bytes += piece.len() as u64;
            out.write_all(&piece).await?;
        }
        out.flush().await?;
        return Ok(bytes);
    }
    let partial = target.with_extension(format!("{}.part", format.extension()));
    let mut file = tokio::fs::File::create(&partial)
        .await
        .with_context(|| format!("cannot write {}", target.display()))?;
    let result: anyhow::Result<()> = async {
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            bytes += piece.len() as u64;
            file.write_all(&piece).await?;
        }
        file.sync_all().await?;
        Ok(())
    }
    .await;
    drop(file);
    if let Err(error) = result {
        let _ = tokio::fs::remove_file(&partial).await;
        return Err(error);
    }
    if matches!(format, AudioFormat::Wav | AudioFormat::Flac) {
        let mut whole = tokio::fs::read(&partial).await?;
        voxgate_audio::finalise(format, &mut whole);
        tokio::fs::write(&partial, &whole).await?;
    }
    tokio::fs::rename(&partial, target).await?;
    Ok(bytes)
}

/// Plays through the first player that is installed; players are programs of their own, started without a shell.
fn play(file: &Path) -> anyhow::Result<()> {
    let players: [(&str, &[&str]); 4] = [
        ("ffplay", &["-nodisp", "-autoexit", "-loglevel", "error"]),
        ("paplay", &[]),
        ("aplay", &["-q"]),
        ("afplay", &[]),
    ];
    for (program, arguments) in players {
        match std::process::Command::new(program)
            .args(arguments)
            .arg(file)
            .status()
        {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => bail!("{program} ended with {status}"),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => bail!("{program} cannot be started: {e}"),
        }
    }
    bail!(
        "no player is installed; install ffmpeg (ffplay), or open {} yourself",
        file.display()
    )
}

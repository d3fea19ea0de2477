//! Judges audio by another program's ears: ffprobe and ffmpeg.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::daemon::find_program;

/// What ffprobe and ffmpeg say of a file that decoded without a complaint.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioReport {
    /// ffmpeg's name of the codec, as in `mp3` or `pcm_s16le`.
    pub codec: String,
    /// Samples per second.
    pub sample_rate_hz: u32,
    /// Channels.
    pub channels: u32,
    /// Seconds, by decoding to the end and not by what the header says.
    pub seconds: f64,
    /// Integrated loudness by EBU R128; −70 for silence.
    pub lufs: f64,
    /// The highest sample, in decibels below full scale; 0 is clipping.
    pub peak_dbfs: f64,
    /// The longest silence (under −50 dB) in seconds that neither begins nor ends the file.
    pub longest_pause: f64,
}

/// Decodes the whole file and measures it. `raw` tells what headerless audio is: `["-f", "s16le", "-ar", "8000", "-ac", "1"]`.
///
/// # Errors
/// Where ffmpeg is missing, or finds anything wrong with the file.
pub fn inspect(audio: &[u8], raw: &[&str]) -> Result<AudioReport> {
    for program in ["ffmpeg", "ffprobe"] {
        ensure!(
            find_program(program).is_some(),
            "{program} is not installed (Debian: apt-get install ffmpeg)"
        );
    }
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(audio)?;
    let path = file
        .path()
        .to_str()
        .context("a temporary path that is not UTF-8")?;

    let probe = run(
        "ffprobe",
        &[raw, &["-v", "error", "-of", "json", "-show_streams", path]].concat(),
    )?;
    let probe: Value = serde_json::from_slice(&probe.stdout)?;
    let stream = &probe["streams"][0];
    let sample_rate_hz = stream["sample_rate"]
        .as_str()
        .context("not an audio stream")?
        .parse()?;

    // Decoded to samples, so that the duration is what a listener hears.
    let decoded = run(
        "ffmpeg",
        &[
            raw,
            &[
                "-nostdin", "-v", "error", "-xerror", "-i", path, "-f", "s16le", "-",
            ],
        ]
        .concat(),
    )?;
    let channels = u32::try_from(stream["channels"].as_u64().unwrap_or(0))?;
    #[allow(clippy::cast_precision_loss)]
    let seconds =
        decoded.stdout.len() as f64 / 2.0 / f64::from(channels.max(1)) / f64::from(sample_rate_hz);

    // The loudness filter last: it changes the sample rate.
    let filters = "silencedetect=noise=-50dB:d=0.1,volumedetect,ebur128=framelog=verbose";
    let measured = run(
        "ffmpeg",
        &[
            raw,
            &["-nostdin", "-i", path, "-af", filters, "-f", "null", "-"],
        ]
        .concat(),
    )?;
    let text = String::from_utf8_lossy(&measured.stderr).into_owned();
    Ok(AudioReport {
        codec: stream["codec_name"].as_str().unwrap_or_default().to_owned(),
        sample_rate_hz,
        channels,
        seconds,
        lufs: number_after(&text, "I:").unwrap_or(-70.0),
        peak_dbfs: number_after(&text, "max_volume:")
            .context("ffmpeg did not measure the volume")?,
        longest_pause: longest_pause(&text, seconds),
    })
}

fn run(program: &str, arguments: &[&str]) -> Result<Output> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{program}: {complaint}");
    }
    // With `-v error` whatever is written is an error, even where decoding went on.
    ensure!(
        !arguments.contains(&"error") || complaint.trim().is_empty(),
        "{program}: {complaint}"
    );
    Ok(output)
}

/// The number behind the last occurrence of a label.
fn number_after(text: &str, label: &str) -> Option<f64> {
    text.rsplit_once(label)?
        .1
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// The longest of silencedetect's findings between the first sound and the last.
fn longest_pause(text: &str, seconds: f64) -> f64 {
    let value = |line: &str, label: &str| -> Option<f64> {
        line.split_once(label)?
            .1
            .split_whitespace()
            .next()?
            .parse()
            .ok()
    };
    let mut start = None;
    let mut longest: f64 = 0.0;
    for line in text.lines() {
        if let Some(begin) = value(line, "silence_start: ") {
            start = Some(begin);
        } else if let (Some(end), Some(begin)) = (value(line, "silence_end: "), start.take()) {
            let inside = begin > 0.05 && end < seconds - 0.05;
            if inside {
                longest = longest.max(end - begin);
            }
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// 8 kHz mono: a tone, a pause, a tone.
    fn two_tones(pause: f64) -> Vec<u8> {
        let tone = |seconds: f64| {
            (0..(seconds * 8000.0) as usize).map(|n| ((n as f64 * 0.3).sin() * 9000.0) as i16)
        };
        let silence = std::iter::repeat_n(0_i16, (pause * 8000.0) as usize);
        tone(1.0)
            .chain(silence)
            .chain(tone(0.5))
            .flat_map(i16::to_le_bytes)
            .collect()
    }

    #[test]
    fn measures_what_is_there() {
        let raw = ["-f", "s16le", "-ar", "8000", "-ac", "1"];
        let report = inspect(&two_tones(0.7), &raw).unwrap();
        assert_eq!(
            (
                report.sample_rate_hz,
                report.channels,
                report.codec.as_str()
            ),
            (8000, 1, "pcm_s16le")
        );
        assert!((report.seconds - 2.2).abs() < 0.01, "{report:?}");
        assert!((report.longest_pause - 0.7).abs() < 0.05, "{report:?}");
        assert!((report.peak_dbfs + 11.2).abs() < 0.5, "{report:?}");
        assert!((-25.0..-10.0).contains(&report.lufs), "{report:?}");
    }

    #[test]
    fn refuses_what_is_no_audio() {
        assert!(inspect(b"this is no audio at all", &[]).is_err());
    }
}

//! Signals, encoding in chunks, and decoding by other programs.

use std::{
    f32::consts::TAU,
    io::Write,
    process::{Command, Stdio},
};

use voxgate_audio::{AudioFormat, EncodedSummary, Encoder, OutputSpec};

pub(crate) fn spec(format: AudioFormat, rate: u32) -> OutputSpec {
    OutputSpec::new(format, rate).unwrap()
}

/// Something a speech codec can work with: a pitch of 120 Hz with falling harmonics below 3 kHz, opened and closed four
/// times a second, and a little noise. Peaks stay below 0.7.
pub(crate) fn speech_like(rate: u32, seconds: f32) -> Vec<f32> {
    let mut noise = 0x2545_F491_u32;
    (0..(rate as f32 * seconds) as usize)
        .map(|n| {
            let t = n as f32 / rate as f32;
            let voiced: f32 = (1..=24)
                .map(|k| (TAU * 120.0 * k as f32 * t + k as f32).sin() / k as f32)
                .sum();
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            let breath = noise as f32 / u32::MAX as f32 - 0.5;
            let mouth = 0.55 - 0.45 * (TAU * 4.0 * t).cos();
            0.2 * mouth * voiced + 0.004 * breath
        })
        .collect()
}

/// Encodes `input` in chunks of `chunk` samples.
pub(crate) fn encode(
    spec: OutputSpec,
    input_rate: u32,
    input: &[f32],
    chunk: usize,
) -> (Vec<u8>, EncodedSummary) {
    let mut encoder = Encoder::new(spec, input_rate).unwrap();
    let mut bytes = Vec::new();
    for piece in input.chunks(chunk.min(input.len()).max(1)) {
        encoder.push(piece, &mut bytes).unwrap();
    }
    let summary = encoder.finish(&mut bytes).unwrap();
    (bytes, summary)
}

/// What ffmpeg remarks about any headerless, mono or empty input.
const HARMLESS: [&str; 4] = [
    "Estimating duration from bitrate",
    "Guessed Channel Layout",
    "Output file is empty",
    "Cannot check for SPDIF",
];

/// Decodes with ffmpeg to mono floats at `rate`. Anything ffmpeg complains about fails the test.
pub(crate) fn decode_with_ffmpeg(format: AudioFormat, rate: u32, bytes: &[u8]) -> Vec<f32> {
    let rate_text = rate.to_string();
    let raw: &[&str] = &["-ar", &rate_text, "-ac", "1"];
    let input: Vec<&str> = match format {
        AudioFormat::Pcm => [&["-f", "s16le"], raw].concat(),
        AudioFormat::Ulaw => [&["-f", "mulaw"], raw].concat(),
        AudioFormat::Alaw => [&["-f", "alaw"], raw].concat(),
        AudioFormat::Opus => vec!["-f", "ogg"],
        AudioFormat::Aac => vec!["-f", "aac"],
        other => vec!["-f", other.as_str()],
    };
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-hide_banner", "-v", "warning"])
        .args(input);
    command.args([
        "-i", "pipe:0", "-f", "f32le", "-ac", "1", "-ar", &rate_text, "pipe:1",
    ]);
    let (output, messages) = pipe_through(command, bytes);
    // A streamed WAV says "length unknown", which ffmpeg reads to the end and remarks upon.
    let streamed_wav = format == AudioFormat::Wav && bytes.get(40..44) == Some(&[0xFF; 4]);
    let complaints: Vec<_> = messages
        .lines()
        .filter(|line| !HARMLESS.iter().any(|known| line.contains(known)))
        .filter(|line| {
            !(streamed_wav && (line.contains("maximum wav data size") || line.contains("corrupt")))
        })
        .collect();
    assert!(
        complaints.is_empty(),
        "{format} at {rate} Hz: {complaints:?}"
    );
    output
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
        .collect()
}

/// `flac -t`, the reference decoder's own check.
pub(crate) fn flac_test(bytes: &[u8]) {
    let mut command = Command::new("flac");
    command.args(["--test", "--totally-silent", "-"]);
    let (_, messages) = pipe_through(command, bytes);
    assert!(messages.is_empty(), "flac -t: {messages}");
}

/// Runs a program on `bytes`; returns its output and what it said. A failure of the program fails the test.
fn pipe_through(mut command: Command, bytes: &[u8]) -> (Vec<u8>, String) {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("these tests need {program} on the PATH (apt install {program}): {error}")
        });
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // A decoder may close its input early; its exit status tells whether that was an error.
        scope.spawn(move || drop(stdin.write_all(bytes)));
        child.wait_with_output().unwrap()
    });
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{program}: {} {messages}",
        output.status
    );
    (output.stdout, messages)
}

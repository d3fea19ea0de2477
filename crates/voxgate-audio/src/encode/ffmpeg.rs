//! Encoding by an `ffmpeg` child process: AAC always, MP3 where libmp3lame is missing.
//!
//! No shell is involved and the child sees only its two pipes. A thread of its own empties the child's output, another
//! its messages, so neither side can wait for the other with a full pipe. Dropping the encoder kills the child.

use std::{
    ffi::OsStr,
    io::{ErrorKind, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use super::Codec;
use crate::{error::AudioError, format::AudioFormat};

/// How much of what ffmpeg says is kept for an error message.
const MESSAGE_LIMIT: usize = 2_000;

const INSTALL: &str =
    "install it (Debian and Ubuntu: `apt install ffmpeg`, macOS: `brew install ffmpeg`)";

pub(super) struct Ffmpeg {
    format: AudioFormat,
    child: Child,
    stdin: Option<ChildStdin>,
    encoded: Arc<Mutex<Vec<u8>>>,
    output_reader: Option<JoinHandle<std::io::Result<()>>>,
    message_reader: Option<JoinHandle<String>>,
    raw: Vec<u8>,
}

impl Ffmpeg {
    /// AAC-LC in ADTS.
    pub(super) fn aac(sample_rate_hz: u32) -> Result<Self, AudioError> {
        let bits = match sample_rate_hz {
            0..=8_000 => "32k",
            8_001..=16_000 => "48k",
            16_001..=24_000 => "64k",
            _ => "96k",
        };
        Self::start(
            "ffmpeg",
            AudioFormat::Aac,
            sample_rate_hz,
            &["-c:a", "aac", "-b:a", bits, "-f", "adts"],
        )
    }

    /// MP3 at a constant bit rate, without the information frame that needs a seekable output.
    pub(super) fn mp3(sample_rate_hz: u32, kbit_s: u32) -> Result<Self, AudioError> {
        let bits = format!("{kbit_s}k");
        let codec = [
            "-c:a",
            "libmp3lame",
            "-b:a",
            &bits,
            "-write_xing",
            "0",
            "-id3v2_version",
            "0",
            "-f",
            "mp3",
        ];
        Self::start("ffmpeg", AudioFormat::Mp3, sample_rate_hz, &codec)
    }

    fn start(
        program: impl AsRef<OsStr>,
        format: AudioFormat,
        sample_rate_hz: u32,
        codec: &[&str],
    ) -> Result<Self, AudioError> {
        let rate = sample_rate_hz.to_string();
        let mut child = Command::new(program)
            .args([
                "-nostdin",
                "-hide_banner",
                "-loglevel",
                "error",
                "-protocol_whitelist",
                "pipe",
                "-threads",
                "1",
            ])
            .args([
                "-probesize",
                "32",
                "-analyzeduration",
                "0",
                "-f",
                "f32le",
                "-ar",
                &rate,
                "-ac",
                "1",
                "-i",
                "pipe:0",
            ])
            .args(codec)
            .args(["-flush_packets", "1", "pipe:1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound | ErrorKind::PermissionDenied => AudioError::ToolMissing {
                    format,
                    tool: "ffmpeg",
                    remedy: INSTALL,
                },
                _ => AudioError::encoder(
                    format,
                    format_args!("ffmpeg could not be started: {error}"),
                ),
            })?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let encoded = Arc::new(Mutex::new(Vec::new()));
        // From here on `Drop` owns the child, whatever fails.
        let mut this = Self {
            format,
            child,
            stdin,
            encoded,
            output_reader: None,
            message_reader: None,
            raw: Vec::new(),
        };
        let (Some(mut stdout), Some(mut stderr)) = (stdout, stderr) else {
            return Err(AudioError::encoder(format, "ffmpeg has no pipes"));
        };
        let sink = Arc::clone(&this.encoded);
        this.output_reader = Some(spawn_named("ffmpeg-output", format, move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                match stdout.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(read) => locked(&sink).extend_from_slice(&buffer[..read]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        })?);
        this.message_reader = Some(spawn_named("ffmpeg-messages", format, move || {
            let mut kept = Vec::new();
            // The rest is read and dropped, so that a talkative child never blocks on its messages.
            let _ = stderr
                .by_ref()
                .take(MESSAGE_LIMIT as u64)
                .read_to_end(&mut kept);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            String::from_utf8_lossy(&kept).trim().to_owned()
        })?);
        Ok(this)
    }

    fn drain(&self, out: &mut Vec<u8>) {
        out.append(&mut locked(&self.encoded));
    }

    /// The failure as ffmpeg tells it: its messages if there are any, else `fallback`.
    fn failure(&mut self, fallback: String) -> AudioError {
        self.stdin = None;
        let _ = self.child.kill();
        let said = self
            .message_reader
            .take()
            .and_then(|reader| reader.join().ok())
            .unwrap_or_default();
        AudioError::encoder(self.format, if said.is_empty() { fallback } else { said })
    }
}

impl Codec for Ffmpeg {
    fn begin(&mut self, _out: &mut Vec<u8>) -> Result<(), AudioError> {
        Ok(())
    }

    fn encode(&mut self, samples: &[f32], out: &mut Vec<u8>) -> Result<(), AudioError> {
        self.raw.clear();
        self.raw
            .extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        let written = match &mut self.stdin {
            Some(stdin) => stdin.write_all(&self.raw),
            None => return Err(AudioError::Finished),
        };
        if let Err(error) = written {
            return Err(self.failure(format!("ffmpeg stopped taking audio: {error}")));
        }
        self.drain(out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), AudioError> {
        // Closing its input tells ffmpeg that this was all.
        self.stdin = None;
        if let Some(reader) = self.output_reader.take() {
            match reader.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.failure(format!("reading from ffmpeg: {error}"))),
                Err(_) => {
                    return Err(self.failure("the thread reading from ffmpeg panicked".to_owned()));
                }
            }
        }
        self.drain(out);
        match self.child.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.failure(format!("ffmpeg ended with {status}"))),
            Err(error) => Err(self.failure(format!("waiting for ffmpeg: {error}"))),
        }
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        self.stdin = None;
        // Both fail harmlessly when the child is already gone; waiting keeps no zombie behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // With the child dead its pipes are closed, so both threads end at once.
        if let Some(reader) = self.output_reader.take() {
            let _ = reader.join();
        }
        if let Some(reader) = self.message_reader.take() {
            let _ = reader.join();
        }
    }
}

fn locked(buffer: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    // A byte buffer is whole after any panic of the thread that appends to it.
    buffer.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn_named<T: Send + 'static>(
    name: &str,
    format: AudioFormat,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, AudioError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| AudioError::encoder(format, format_args!("no thread for ffmpeg: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_remedy() {
        let error = Ffmpeg::start("no-such-ffmpeg-anywhere", AudioFormat::Aac, 24_000, &[])
            .err()
            .unwrap();
        assert!(matches!(
            error,
            AudioError::ToolMissing { tool: "ffmpeg", .. }
        ));
        let text = error.to_string();
        assert!(
            text.contains("aac needs ffmpeg") && text.contains("apt install ffmpeg"),
            "{text}"
        );
    }

    #[test]
    fn what_ffmpeg_says_reaches_the_error() {
        let codec = ["-c:a", "no_such_codec", "-f", "adts"];
        let mut ffmpeg = Ffmpeg::start("ffmpeg", AudioFormat::Aac, 24_000, &codec).unwrap();
        let mut out = Vec::new();
        let pushed = (0..200).try_for_each(|_| ffmpeg.encode(&[0.0; 4_096], &mut out));
        let error = pushed.and_then(|()| ffmpeg.finish(&mut out)).unwrap_err();
        assert!(error.to_string().contains("no_such_codec"), "{error}");
    }

    #[test]
    fn dropping_kills_the_child_at_once() {
        let mut ffmpeg = Ffmpeg::aac(24_000).unwrap();
        let pid = ffmpeg.child.id();
        ffmpeg.encode(&[0.1; 48_000], &mut Vec::new()).unwrap();
        let begun = Instant::now();
        drop(ffmpeg);
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}/fd/0")).exists(),
            "the child is gone, not a zombie"
        );
    }

    #[test]
    fn the_mp3_fallback_encodes_without_an_information_frame() {
        let mut ffmpeg = Ffmpeg::mp3(24_000, 64).unwrap();
        let mut out = Vec::new();
        ffmpeg.encode(&[0.1; 48_000], &mut out).unwrap();
        ffmpeg.finish(&mut out).unwrap();
        assert!(out.len() > 15_000 && out[0] == 0xFF, "{}", out.len());
        assert!(
            !out.windows(4)
                .any(|four| four == b"Xing" || four == b"Info")
        );
    }
}

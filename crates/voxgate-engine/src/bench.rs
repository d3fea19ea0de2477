//! Measuring a speech engine: how much time, processor and memory a second of speech costs.
//!
//! The library side of `voxgate bench tts`. It calls the engine directly, without queue or encoder, on the calling thread.

use std::fs;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

use crate::speech::{EngineError, PcmSink, SpeechEngine, SpeechRequest};

/// A text to measure with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BenchText {
    /// About how long it is when spoken, for example `8s`.
    pub length: &'static str,
    /// The text.
    pub text: &'static str,
}

/// The texts every comparison uses; `scripts/bench_texts.json` holds the same for other programs.
pub const TEXTS: [BenchText; 3] = [
    BenchText {
        length: "2s",
        text: "Good morning, how can I help you today?",
    },
    BenchText {
        length: "8s",
        text: "The train to the coast leaves at a quarter past nine from platform four. Please keep your ticket \
               ready, because the inspector comes through right after the first stop.",
    },
    BenchText {
        length: "25s",
        text: "When the harbour was built, nobody believed that ships from so many countries would ever call there. \
               Within thirty years it had become the busiest place on the whole coast, and the small town behind it \
               had grown into a city of traders, sailors and engineers. Today the old warehouses hold restaurants and \
               galleries. Visitors walk along the water in the evening, listen to the musicians on the square, and \
               watch the lights of the ferries as they cross the bay. Only the oldest people still remember the smell \
               of coffee, tar and rope that once filled these streets.",
    },
];

/// One measured synthesis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeechMeasure {
    /// Length of the audio.
    pub audio: Duration,
    /// From the call to its return.
    pub wall: Duration,
    /// Processor time of the whole process meanwhile, over all threads.
    pub cpu: Duration,
    /// From the call to the first samples.
    pub first_audio: Duration,
    /// Highest resident memory of the process meanwhile, in bytes; `None` where the system does not tell.
    pub peak_rss_bytes: Option<u64>,
}

impl SpeechMeasure {
    /// Wall time per second of audio; below 1 is faster than speaking.
    #[must_use]
    pub fn real_time_factor(&self) -> f64 {
        self.wall.as_secs_f64() / self.audio.as_secs_f64()
    }

    /// Processor seconds per second of audio.
    #[must_use]
    pub fn cpu_per_audio_second(&self) -> f64 {
        self.cpu.as_secs_f64() / self.audio.as_secs_f64()
    }
}

/// Speaks `text` once at normal speed and measures it. Nothing else should run in the process meanwhile.
///
/// # Errors
/// The engine's own.
pub fn measure(
    engine: &dyn SpeechEngine,
    voice: &str,
    text: &str,
) -> Result<SpeechMeasure, EngineError> {
    let rate_hz = engine
        .voices()
        .iter()
        .find(|offered| offered.id == voice)
        .map(|offered| offered.sample_rate_hz)
        .ok_or_else(|| EngineError::UnknownVoice(voice.to_owned()))?;
    let request = SpeechRequest {
        text: text.to_owned(),
        voice: voice.to_owned(),
        speed: 1.0,
    };
    reset_peak_rss();
    let mut counter = Counter {
        begun: Instant::now(),
        first: None,
        samples: 0,
    };
    let cpu = ProcessTime::now();
    engine.synthesize(&request, &mut counter)?;
    Ok(SpeechMeasure {
        audio: Duration::from_secs_f64(counter.samples as f64 / f64::from(rate_hz)),
        wall: counter.begun.elapsed(),
        cpu: cpu.elapsed(),
        first_audio: counter.first.unwrap_or_else(|| counter.begun.elapsed()),
        peak_rss_bytes: peak_rss_bytes(),
    })
}

/// Highest resident memory of this process so far, or since the last measurement began, in bytes. Linux only.
#[must_use]
pub fn peak_rss_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Sets the kernel's high-water mark back to what is resident now; where that is not possible the mark stays.
fn reset_peak_rss() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Counts samples and notes when the first ones came.
struct Counter {
    begun: Instant,
    first: Option<Duration>,
    samples: u64,
}

impl PcmSink for Counter {
    fn push(&mut self, samples: &[f32]) -> ControlFlow<()> {
        self.first.get_or_insert_with(|| self.begun.elapsed());
        self.samples += samples.len() as u64;
        ControlFlow::Continue(())
    }

    fn cancelled(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::fake::FakeEngine;

    #[test]
    fn a_measure_has_the_length_of_the_audio() {
        let engine = FakeEngine::new().with_delay_per_chunk(Duration::from_millis(1));
        let measured = measure(&engine, "fake_anna", "twenty letters or so").unwrap();
        assert_eq!(measured.audio, Duration::from_millis(20 * 60));
        assert!(measured.first_audio <= measured.wall);
        assert!(measured.wall >= Duration::from_millis(12));
        assert!(measured.real_time_factor() > 0.0);
        if cfg!(target_os = "linux") {
            assert!(measured.peak_rss_bytes.unwrap() > 0);
        }
    }

    #[test]
    fn an_unknown_voice_is_an_error() {
        assert_eq!(
            measure(&FakeEngine::new(), "nobody", "text").unwrap_err(),
            EngineError::UnknownVoice("nobody".to_owned())
        );
    }

    #[test]
    fn other_programs_read_the_same_texts() {
        let shared = include_str!("../../../scripts/bench_texts.json");
        for text in TEXTS {
            assert!(shared.contains(&format!("\"{}\"", text.length)));
            assert!(shared.contains(&format!("\"{}\"", text.text)));
        }
    }
}

//! Joining spoken clauses: what a model leaves at the edges is trimmed, pauses are ours, edges are faded.
//!
//! Owns the shape of silence in the output. Works on one clause at a time, so memory is bounded by the clause.

use std::ops::{ControlFlow, Range};

use voxgate_engine::PcmSink;

use super::level;

/// Window of the level measurement that finds where speech begins and ends, in milliseconds.
const WINDOW_MS: usize = 5;
/// A window is speech when its level is above this part of the clause's loudest window (−48 dB) …
const SPEECH_RATIO: f32 = 0.004;
/// … and above this absolute level (−66 dBFS), below which nothing is heard.
const SPEECH_FLOOR: f32 = 0.0005;
/// Kept before the first and after the last speech window: soft onsets and decays live there.
const LEAD_MS: usize = 50;
const TAIL_MS: usize = 60;
/// Length of the fades at both edges of a clause.
const FADE_MS: usize = 8;
/// The longest silence left between or inside clauses, in milliseconds, however slow the speech.
const LONGEST_SILENCE_MS: usize = 1_100;
/// Samples are handed on in blocks of this length, so that a listener's leaving is noticed soon.
const BLOCK_MS: usize = 200;

/// Writes clauses to a sink, one after the other.
pub(super) struct Joiner<'a> {
    sink: &'a mut dyn PcmSink,
    rate_hz: usize,
    gain: f32,
    /// Pauses grow with slow speech and shrink with fast speech.
    speed: f32,
    /// Silence due before the next clause, in samples.
    pause: usize,
    silence: Vec<f32>,
}

impl<'a> Joiner<'a> {
    pub(super) fn new(sink: &'a mut dyn PcmSink, rate_hz: u32, gain: f32, speed: f32) -> Self {
        let rate_hz = rate_hz as usize;
        Self {
            sink,
            rate_hz,
            gain,
            speed,
            pause: 0,
            silence: vec![0.0; rate_hz * BLOCK_MS / 1000],
        }
    }

    /// True once the listener is gone.
    pub(super) fn cancelled(&self) -> bool {
        self.sink.cancelled()
    }

    /// Speaks one clause after the pause the previous one asked for.
    pub(super) fn clause(&mut self, mut samples: Vec<f32>, pause_after_ms: u32) -> ControlFlow<()> {
        level::apply(&mut samples, self.gain);
        let Some(shape) = Shape::of(&samples, self.rate_hz) else {
            // The model was silent: nothing to join, the pause before it stands.
            return ControlFlow::Continue(());
        };
        let due = std::mem::take(&mut self.pause);
        self.silence(due)?;
        let speech = &mut samples[shape.speech.clone()];
        fade(speech, self.samples(FADE_MS));
        let mut from = 0;
        for gap in &shape.long_gaps {
            let gap = gap.start - shape.speech.start..gap.end - shape.speech.start;
            let excess = gap.len() - self.samples(LONGEST_SILENCE_MS);
            let middle = gap.start + self.samples(LONGEST_SILENCE_MS) / 2;
            push_blocks(self.sink, &speech[from..middle], self.silence.len())?;
            from = middle + excess;
        }
        push_blocks(self.sink, &speech[from..], self.silence.len())?;
        let pause_ms = (pause_after_ms as f32 / self.speed) as usize;
        // The kept edges of the neighbours are part of the pause a listener hears.
        let kept = LEAD_MS + TAIL_MS;
        self.pause = self.samples(pause_ms.min(LONGEST_SILENCE_MS).saturating_sub(kept));
        ControlFlow::Continue(())
    }

    fn silence(&mut self, mut samples: usize) -> ControlFlow<()> {
        while samples > 0 {
            let block = samples.min(self.silence.len());
            self.sink.push(&self.silence[..block])?;
            samples -= block;
        }
        ControlFlow::Continue(())
    }

    fn samples(&self, milliseconds: usize) -> usize {
        milliseconds * self.rate_hz / 1000
    }
}

fn push_blocks(sink: &mut dyn PcmSink, samples: &[f32], block: usize) -> ControlFlow<()> {
    for block in samples.chunks(block) {
        sink.push(block)?;
    }
    ControlFlow::Continue(())
}

/// Raised-cosine fades at both ends: a step to or from zero would click.
fn fade(samples: &mut [f32], length: usize) {
    let length = length.min(samples.len() / 2);
    let last = samples.len().saturating_sub(1);
    for n in 0..length {
        let weight = 0.5 - 0.5 * (std::f32::consts::PI * n as f32 / length as f32).cos();
        samples[n] *= weight;
        samples[last - n] *= weight;
    }
}

/// Where speech is inside a clause.
struct Shape {
    /// From the first to the last window of speech, with the kept edges.
    speech: Range<usize>,
    /// Silences inside it that are longer than [`LONGEST_SILENCE_MS`].
    long_gaps: Vec<Range<usize>>,
}

impl Shape {
    /// `None` for silence.
    fn of(samples: &[f32], rate_hz: usize) -> Option<Self> {
        let window = (rate_hz * WINDOW_MS / 1000).max(1);
        let levels: Vec<f32> = samples
            .chunks(window)
            .map(|window| {
                let power: f32 = window.iter().map(|sample| sample * sample).sum();
                (power / window.len() as f32).sqrt()
            })
            .collect();
        let loudest = levels.iter().copied().fold(0.0, f32::max);
        let threshold = (loudest * SPEECH_RATIO).max(SPEECH_FLOOR);
        let is_speech = |level: &f32| *level > threshold;
        let first = levels.iter().position(is_speech)?;
        let last = levels.iter().rposition(is_speech)?;
        let start = (first * window).saturating_sub(rate_hz * LEAD_MS / 1000);
        let end = ((last + 1) * window + rate_hz * TAIL_MS / 1000).min(samples.len());

        let longest = rate_hz * LONGEST_SILENCE_MS / 1000;
        let mut long_gaps = Vec::new();
        let mut previous = first;
        for (index, level) in levels.iter().enumerate().take(last + 1).skip(first) {
            if !is_speech(level) {
                continue;
            }
            let gap = (previous + 1) * window..index * window;
            if gap.len() > longest {
                long_gaps.push(gap);
            }
            previous = index;
        }
        Some(Self {
            speech: start..end,
            long_gaps,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: usize = 24_000;

    #[derive(Default)]
    struct Recorder(Vec<f32>);

    impl PcmSink for Recorder {
        fn push(&mut self, samples: &[f32]) -> ControlFlow<()> {
            self.0.extend_from_slice(samples);
            ControlFlow::Continue(())
        }
        fn cancelled(&self) -> bool {
            false
        }
    }

    fn ms(milliseconds: usize) -> usize {
        milliseconds * RATE / 1000
    }

    fn tone(milliseconds: usize) -> Vec<f32> {
        (0..ms(milliseconds))
            .map(|n| 0.3 * (n as f32 * 0.05).cos())
            .collect()
    }

    fn between_silence(before_ms: usize, sound: Vec<f32>, after_ms: usize) -> Vec<f32> {
        let mut samples = vec![0.0; ms(before_ms)];
        samples.extend(sound);
        samples.resize(samples.len() + ms(after_ms), 0.0);
        samples
    }

    fn join(clauses: Vec<(Vec<f32>, u32)>, speed: f32) -> Vec<f32> {
        let mut recorder = Recorder::default();
        let mut joiner = Joiner::new(&mut recorder, RATE as u32, 1.0, speed);
        for (samples, pause) in clauses {
            assert!(joiner.clause(samples, pause).is_continue());
        }
        recorder.0
    }

    fn longest_silence(samples: &[f32]) -> usize {
        samples
            .split(|sample| sample.abs() > 0.001)
            .map(<[f32]>::len)
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn silence_of_the_model_is_replaced_by_the_pause_asked_for() {
        let joined = join(
            vec![
                (between_silence(400, tone(500), 900), 350),
                (between_silence(700, tone(500), 600), 350),
            ],
            1.0,
        );
        let expected = ms(LEAD_MS + 500 + 350 + 500 + TAIL_MS);
        assert!(
            joined.len().abs_diff(expected) <= 2 * ms(WINDOW_MS),
            "{}",
            joined.len()
        );
        assert!(longest_silence(&joined).abs_diff(ms(350)) <= ms(20));
    }

    #[test]
    fn joins_have_no_steps() {
        let joined = join(vec![(tone(300), 0), (tone(300), 150), (tone(300), 0)], 1.0);
        // The steepest slope of the tone itself is 0.3 × 0.05 = 0.015 a sample.
        assert!(
            joined
                .windows(2)
                .all(|pair| (pair[1] - pair[0]).abs() < 0.02)
        );
        assert_eq!(joined.first(), Some(&0.0));
        assert_eq!(joined.last(), Some(&0.0));
    }

    #[test]
    fn slow_speech_pauses_longer_but_never_too_long() {
        let clauses = || vec![(tone(300), 350), (tone(300), 0)];
        let normal = longest_silence(&join(clauses(), 1.0));
        let slow = longest_silence(&join(clauses(), 0.5));
        assert!(slow > normal + ms(200));
        let paragraph = vec![(tone(300), 5_000), (tone(300), 0)];
        assert!(longest_silence(&join(paragraph, 0.5)) <= ms(LONGEST_SILENCE_MS + 20));
    }

    #[test]
    fn a_long_silence_inside_a_clause_is_shortened() {
        let mut samples = between_silence(0, tone(300), 2_500);
        samples.extend(tone(300));
        let joined = join(vec![(samples, 0)], 1.0);
        let silence = longest_silence(&joined);
        assert!(
            silence.abs_diff(ms(LONGEST_SILENCE_MS)) <= ms(20),
            "{silence}"
        );
        assert!(joined.len() > ms(600 + 1_000));
    }

    #[test]
    fn a_silent_clause_leaves_nothing() {
        assert!(join(vec![(vec![0.0; RATE], 350)], 1.0).is_empty());
        assert!(join(vec![(Vec::new(), 350)], 1.0).is_empty());
    }
}

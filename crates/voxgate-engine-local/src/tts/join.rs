//! Joining spoken clauses: what a model leaves at the edges is trimmed, pauses are ours, edges are faded.
//!
//! Owns the shape of silence in the output. Takes a clause in pieces of any size and hands on each sample as soon as it is
//! certain to be heard: speech after the length of a fade, silence when it is known to be followed by speech. The size
//! of the pieces does not change the result.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use voxgate_engine::{ClauseTiming, PcmSink};

use super::level;

/// Window of the level measurement that finds where speech begins and ends, in milliseconds.
const WINDOW_MS: usize = 5;
/// A window is speech when its level is above this part of the clause's loudest window so far (−48 dB) …
const SPEECH_RATIO: f32 = 0.004;
/// … of which the loudest is taken to be at least this, as in any clause at the level voices have …
const USUAL_LOUDEST: f32 = 0.2;
/// … and above this absolute level (−66 dBFS), below which nothing is heard.
const SPEECH_FLOOR: f32 = 0.0005;
/// Kept before the first and after the last speech window: soft onsets and decays live there.
const LEAD_MS: usize = 50;
const TAIL_MS: usize = 60;
/// Length of the fades at both edges of a clause.
const FADE_MS: usize = 8;
const _: () = assert!(FADE_MS >= WINDOW_MS);
/// The longest silence left between or inside clauses, in milliseconds, however slow the speech.
const LONGEST_SILENCE_MS: usize = 1_100;
/// Samples are handed on in blocks of this length, so that a listener's leaving is noticed soon.
const BLOCK_MS: usize = 200;

/// When a model speaks its symbols, in its own samples.
pub(crate) struct SymbolTimes {
    /// What it read.
    pub(crate) symbols: String,
    /// Samples before the first symbol.
    pub(crate) lead: u64,
    /// Samples of each character of `symbols`.
    pub(crate) lengths: Vec<u64>,
}

/// Writes clauses to a sink, one after the other.
pub(crate) struct Joiner<'a> {
    sink: &'a mut dyn PcmSink,
    rate_hz: usize,
    gain: f32,
    /// Pauses grow with slow speech and shrink with fast speech.
    speed: f32,
    /// Silence due before the next clause, in samples.
    pause: usize,
    silence: Vec<f32>,
    /// Samples handed on.
    pushed: u64,
    /// Time the sink took.
    handing: Duration,
    clause: Clause,
}

/// The clause being taken. Positions count from the first held sample.
#[derive(Default)]
struct Clause {
    /// Samples that are not handed on yet.
    held: Vec<f32>,
    /// Where the next window of the level measurement begins.
    measured: usize,
    loudest: f32,
    /// Where the last window of speech ends; `None` before the first one.
    speech_end: Option<isize>,
    /// Samples dropped before the first one kept.
    dropped: u64,
    /// Whether any sample was handed on.
    begun: bool,
    timing: Option<(Range<usize>, SymbolTimes)>,
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
            pushed: 0,
            handing: Duration::ZERO,
            clause: Clause::default(),
        }
    }

    /// True once the listener is gone.
    pub(crate) fn cancelled(&self) -> bool {
        self.sink.cancelled()
    }

    /// Time spent in the sink so far.
    pub(super) fn handing_time(&self) -> Duration {
        self.handing
    }

    /// Takes the times of the clause that begins, which speaks the bytes `source` of the text.
    pub(super) fn times(&mut self, source: Range<usize>, times: SymbolTimes) {
        self.clause.timing = Some((source, times));
    }

    /// Takes the next samples of the clause.
    pub(crate) fn push(&mut self, samples: &[f32]) -> ControlFlow<()> {
        let from = self.clause.held.len();
        self.clause.held.extend_from_slice(samples);
        level::apply(&mut self.clause.held[from..], self.gain);
        let window = (self.rate_hz * WINDOW_MS / 1000).max(1);
        while self.clause.measured + window <= self.clause.held.len() {
            self.measure(window);
        }
        let Some(speech_end) = self.clause.speech_end else {
            // Only what can become the lead is of use.
            let silent = self.clause.measured.saturating_sub(self.samples(LEAD_MS));
            self.clause.drop_first(silent);
            self.clause.dropped += silent as u64;
            return ControlFlow::Continue(());
        };
        // The clause cannot end before this, and a fade may be laid over what is behind it.
        let kept = (speech_end + self.samples(TAIL_MS) as isize)
            .clamp(0, self.clause.held.len() as isize) as usize;
        let fade = self.samples(FADE_MS);
        let certain = kept.saturating_sub(fade);
        if certain < fade && !self.clause.begun {
            return ControlFlow::Continue(());
        }
        self.hand_on(certain)
    }

    /// Ends the clause, which asks for a pause before the next one.
    pub(crate) fn end(&mut self, pause_after_ms: u32) -> ControlFlow<()> {
        let rest = self.clause.held.len() - self.clause.measured;
        if rest > 0 {
            self.measure(rest);
        }
        if let Some(speech_end) = self.clause.speech_end {
            let kept = (speech_end + self.samples(TAIL_MS) as isize).max(0) as usize;
            self.clause.held.truncate(kept);
            let length = self.samples(FADE_MS);
            let length = match self.clause.begun {
                true => length.min(self.clause.held.len()),
                false => length.min(self.clause.held.len() / 2),
            };
            fade(self.clause.held.iter_mut().rev(), length);
            self.hand_on(self.clause.held.len())?;
            let pause_ms = (pause_after_ms as f32 / self.speed) as usize;
            // The kept edges of the neighbours are part of the pause a listener hears.
            let edges = LEAD_MS + TAIL_MS;
            self.pause = self.samples(pause_ms.min(LONGEST_SILENCE_MS).saturating_sub(edges));
        }
        // Where the model was silent there is nothing to join: the pause before it stands.
        let mut held = std::mem::take(&mut self.clause.held);
        held.clear();
        self.clause = Clause {
            held,
            ..Clause::default()
        };
        ControlFlow::Continue(())
    }

    /// Looks at the next `window` samples.
    fn measure(&mut self, window: usize) {
        let (lead, longest) = (self.samples(LEAD_MS), self.samples(LONGEST_SILENCE_MS));
        let clause = &mut self.clause;
        let begin = clause.measured;
        clause.measured += window;
        let power: f32 = clause.held[begin..clause.measured]
            .iter()
            .map(|sample| sample * sample)
            .sum();
        let level = (power / window as f32).sqrt();
        clause.loudest = clause.loudest.max(level).max(USUAL_LOUDEST);
        if level <= (clause.loudest * SPEECH_RATIO).max(SPEECH_FLOOR) {
            return;
        }
        match clause.speech_end {
            None => {
                let silent = begin.saturating_sub(lead);
                clause.drop_first(silent);
                clause.dropped += silent as u64;
            }
            Some(before) => {
                let gap = (begin as isize - before) as usize;
                if gap > longest {
                    let middle = (before + longest as isize / 2) as usize;
                    let excess = gap - longest;
                    clause.held.drain(middle..middle + excess);
                    clause.measured -= excess;
                }
            }
        }
        clause.speech_end = Some(clause.measured as isize);
    }

    /// Hands on the first `count` held samples.
    fn hand_on(&mut self, count: usize) -> ControlFlow<()> {
        if !self.clause.begun {
            self.clause.begun = true;
            let due = std::mem::take(&mut self.pause);
            self.silence(due)?;
            self.announce();
            let fade_in = self.samples(FADE_MS).min(self.clause.held.len() / 2);
            fade(self.clause.held.iter_mut(), fade_in);
        }
        let started = Instant::now();
        for block in self.clause.held[..count].chunks(self.silence.len()) {
            self.sink.push(block)?;
        }
        self.handing += started.elapsed();
        self.pushed += count as u64;
        self.clause.drop_first(count);
        ControlFlow::Continue(())
    }

    /// Tells the sink when the clause's symbols will be heard.
    fn announce(&mut self) {
        let Some((source, times)) = self.clause.timing.take() else {
            return;
        };
        // The model's own sample n is heard at `pushed + n - dropped`.
        let heard = |at: u64| self.pushed + at.saturating_sub(self.clause.dropped);
        let mut at = times.lead;
        let mut starts = Vec::with_capacity(times.lengths.len());
        for length in times.lengths {
            starts.push(heard(at));
            at += length;
        }
        let end = heard(at);
        self.sink.clause(ClauseTiming {
            source,
            symbols: times.symbols,
            starts,
            end,
        });
    }

    fn silence(&mut self, mut samples: usize) -> ControlFlow<()> {
        let started = Instant::now();
        self.pushed += samples as u64;
        while samples > 0 {
            let block = samples.min(self.silence.len());
            self.sink.push(&self.silence[..block])?;
            samples -= block;
        }
        self.handing += started.elapsed();
        ControlFlow::Continue(())
    }

    fn samples(&self, milliseconds: usize) -> usize {
        milliseconds * self.rate_hz / 1000
    }
}

impl Clause {
    /// Forgets the first `count` held samples.
    fn drop_first(&mut self, count: usize) {
        self.held.drain(..count);
        // Never more than is measured: a fade, longer than a window, is always kept back.
        self.measured -= count;
        if let Some(end) = &mut self.speech_end {
            *end -= count as isize;
        }
    }
}

/// A raised-cosine fade from zero over the first `length` samples: a step to or from zero would click.
fn fade<'a>(samples: impl Iterator<Item = &'a mut f32>, length: usize) {
    for (n, sample) in samples.take(length).enumerate() {
        *sample *= 0.5 - 0.5 * (std::f32::consts::PI * n as f32 / length as f32).cos();
    }
}

#[cfg(test)]
mod tests;

//! Text to speech with local models. What the engines share: clause by clause, in order, bounded memory, sound as soon
//! as it is made.

pub(crate) mod graph;
mod join;
pub(crate) mod kokoro;
mod level;
pub(crate) mod piper;
mod plain;
mod runtime;

use std::ops::Range;
use std::time::Instant;

use voxgate_engine::{EngineError, PcmSink, SpeechStats};
use voxgate_text::TextError;

use join::Joiner;
pub(crate) use join::SymbolTimes;

/// How a voice's samples become output.
pub(crate) struct Finish {
    /// Native rate of the samples in hertz.
    pub(crate) rate_hz: u32,
    /// Fixed gain of the voice.
    pub(crate) gain: f32,
    /// Speaking rate asked for, already within bounds.
    pub(crate) speed: f32,
}

/// The engine-independent part of a clause.
pub(crate) struct Part {
    /// What the model reads: phonemes, or characters.
    pub(crate) symbols: String,
    /// Bytes of the request's text that it speaks.
    pub(crate) source: Range<usize>,
    pub(crate) pause_after_ms: u32,
    pub(crate) sentence_end: bool,
}

impl From<voxgate_text::Clause> for Part {
    fn from(clause: voxgate_text::Clause) -> Self {
        Self {
            symbols: clause.phonemes,
            source: clause.source,
            pause_after_ms: clause.pause_after_ms,
            sentence_end: clause.sentence_end,
        }
    }
}

/// Parts longer than this many symbols (about 10 s of speech) are cut at a mark inside them: a model's memory grows with
/// the length of one run (30 to 40 MB a second of audio), and so does the time to the first sound.
const LONG_SYMBOLS: usize = 200;

impl Part {
    /// The part, or its pieces between marks (comma, semicolon, colon, dash), none much longer than needed.
    /// A long part without a mark stays whole: a cut between two words would be heard.
    fn cut(self) -> Vec<Part> {
        let length = self.symbols.chars().count();
        if length <= LONG_SYMBOLS {
            return vec![self];
        }
        let best = self
            .symbols
            .match_indices([',', ';', ':', '—'])
            .filter_map(|(at, mark)| {
                let after = at + mark.len();
                // Only between words, with enough on both sides to sound like speech.
                let between_words = self.symbols[after..].starts_with(' ');
                let before = self.symbols[..after].chars().count();
                let off_middle = before.abs_diff(length / 2);
                (between_words && off_middle <= length / 4).then_some((off_middle, after, mark))
            })
            .min_by_key(|&(off_middle, ..)| off_middle);
        let Some((_, after, mark)) = best else {
            return vec![self];
        };
        let pause_after_ms = if mark == "," { 150 } else { 250 };
        let head = Part {
            symbols: self.symbols[..after].to_owned(),
            source: self.source.clone(),
            pause_after_ms,
            sentence_end: false,
        };
        let tail = Part {
            symbols: self.symbols[after..].trim_start().to_owned(),
            ..self
        };
        let mut parts = head.cut();
        parts.extend(tail.cut());
        parts
    }
}

/// Where a model puts the clause it speaks, as it makes it.
pub(crate) struct ClauseSink<'a, 'b> {
    joiner: &'a mut Joiner<'b>,
    source: Range<usize>,
}

impl ClauseSink<'_, '_> {
    /// Takes the times of the clause's symbols, where the model knows them; before the first samples.
    pub(crate) fn times(&mut self, times: SymbolTimes) {
        self.joiner.times(self.source.clone(), times);
    }

    /// True once the listener is gone.
    pub(crate) fn cancelled(&self) -> bool {
        self.joiner.cancelled()
    }

    /// Takes the next samples as the model made them.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] when nobody listens any more: stop computing.
    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<(), EngineError> {
        if self.joiner.cancelled() || self.joiner.push(samples).is_break() {
            return Err(EngineError::Cancelled);
        }
        Ok(())
    }
}

/// Speaks parts as they are made: one is synthesised, joined to what was said before and pushed piece by piece, then the
/// next is asked for. `voice` speaks one part and answers how many symbols it read.
pub(crate) fn speak(
    parts: impl Iterator<Item = Result<Part, EngineError>>,
    finish: &Finish,
    sink: &mut dyn PcmSink,
    mut voice: impl FnMut(&str, &mut ClauseSink<'_, '_>) -> Result<u32, EngineError>,
) -> Result<SpeechStats, EngineError> {
    let mut stats = SpeechStats::default();
    let mut joiner = Joiner::new(sink, finish.rate_hz, finish.gain, finish.speed);
    let mut parts = parts.flat_map(|part| match part {
        Ok(part) => part.cut().into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    let mut anything = false;
    loop {
        if joiner.cancelled() {
            return Err(EngineError::Cancelled);
        }
        let begun = Instant::now();
        let next = parts.next();
        stats.text_time += begun.elapsed();
        let Some(part) = next else { break };
        let part = part?;
        anything = true;

        let (begun, handed) = (Instant::now(), joiner.handing_time());
        let mut clause = ClauseSink {
            joiner: &mut joiner,
            source: part.source,
        };
        let phonemes = voice(&part.symbols, &mut clause)?;
        let handing = joiner.handing_time() - handed;
        stats.model_time += begun.elapsed().saturating_sub(handing);
        stats.phonemes = stats.phonemes.saturating_add(phonemes);
        stats.sentences += u32::from(part.sentence_end);
        if joiner.end(part.pause_after_ms).is_break() {
            return Err(EngineError::Cancelled);
        }
    }
    if anything {
        stats.sentences = stats.sentences.max(1);
        Ok(stats)
    } else {
        Err(EngineError::NothingToSpeak)
    }
}

/// The front end's refusal in the engine's words.
pub(crate) fn text_error(error: TextError) -> EngineError {
    match error {
        TextError::UnsupportedScript { script, language } => {
            EngineError::UnsupportedScript { script, language }
        }
        TextError::Internal(reason) => EngineError::Internal(reason),
    }
}

/// Speaking rates the engines accept.
pub(crate) fn clamp_speed(speed: f32) -> f32 {
    if speed.is_finite() {
        speed.clamp(0.5, 2.0)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(symbols: String) -> Part {
        Part {
            symbols,
            source: 0..1,
            pause_after_ms: 350,
            sentence_end: true,
        }
    }

    #[test]
    fn a_long_part_is_cut_at_marks_and_nothing_is_lost() {
        let phrase = "ðə wˈɛðəɹ wʌz fˈIn ænd";
        let text = vec![phrase; 16].join(", ") + ".";
        let parts = part(text.clone()).cut();
        assert!(parts.len() >= 2);
        assert!(
            parts
                .iter()
                .all(|part| part.symbols.chars().count() <= LONG_SYMBOLS)
        );
        let joined: Vec<&str> = parts.iter().map(|part| part.symbols.as_str()).collect();
        assert_eq!(joined.join(" "), text);
        let (last, others) = parts
            .split_last()
            .map_or((None, &[][..]), |(l, o)| (Some(l), o));
        assert!(last.is_some_and(|last| last.sentence_end && last.pause_after_ms == 350));
        assert!(
            others
                .iter()
                .all(|part| !part.sentence_end && part.pause_after_ms == 150)
        );
    }

    #[test]
    fn short_parts_and_those_without_marks_stay_whole() {
        assert_eq!(part("wˈAt, nˈO.".to_owned()).cut().len(), 1);
        assert_eq!(part("wˈʌn ".repeat(80)).cut().len(), 1);
        assert_eq!(part("1,000".repeat(60)).cut().len(), 1);
    }
}

//! What a request consumes, in the units every vendor counts in.

use crate::{LimitKind, count_characters, count_words};

/// What a request asks for, or has delivered: every unit at once, so that each dialect and each price reads the one it
/// needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quantities {
    /// Characters (Unicode scalar values) of text to be spoken.
    pub characters: u64,
    /// Words of text to be spoken; see [`count_words`].
    pub words: u64,
    /// Tokens that came in; see [`Quantities::of_text`] for speech.
    pub tokens_in: u64,
    /// Tokens that went out.
    pub tokens_out: u64,
    /// Milliseconds of audio that came in.
    pub audio_ms_in: u64,
    /// Milliseconds of audio that went out.
    pub audio_ms_out: u64,
    /// Bytes of content that came in.
    pub bytes_in: u64,
    /// Bytes of content that went out.
    pub bytes_out: u64,
}

impl Quantities {
    /// What a text to be spoken amounts to. A token is four characters or a part of them, at least one per text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let characters = count_characters(text);
        Self {
            characters,
            words: count_words(text),
            tokens_in: tokens_of(characters),
            ..Self::default()
        }
    }

    /// What counts against a limit, in the unit the limit is counted in: milliseconds for audio, 1 for requests and
    /// streams.
    #[must_use]
    pub fn weight(&self, kind: LimitKind) -> u64 {
        match kind {
            LimitKind::RequestsPerMinute
            | LimitKind::GenerationPer10Seconds
            | LimitKind::ReadPer10Seconds
            | LimitKind::UploadPerMinute
            | LimitKind::DeletePerMinute
            | LimitKind::ConcurrentStreams
            | LimitKind::LoginAttempts => 1,
            LimitKind::TokensPerMinute | LimitKind::TokensPerDay => {
                self.tokens_in.saturating_add(self.tokens_out)
            }
            LimitKind::WordsPerDay | LimitKind::WordsPerMonth => self.words,
            LimitKind::CharactersPerMonth => self.characters,
            LimitKind::AudioSecondsPerMonth => self.audio_ms_in.saturating_add(self.audio_ms_out),
        }
    }
}

/// Tokens of a text of so many characters: four characters each, rounded up, at least one.
#[must_use]
pub const fn tokens_of(characters: u64) -> u64 {
    let tokens = characters.div_ceil(4);
    if tokens == 0 { 1 } else { tokens }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_in_every_unit() {
        let counted = Quantities::of_text("Hello, world!");
        assert_eq!(
            (counted.characters, counted.words, counted.tokens_in),
            (13, 2, 4)
        );
        assert_eq!(counted.weight(LimitKind::TokensPerDay), 4);
        assert_eq!(counted.weight(LimitKind::RequestsPerMinute), 1);
        assert_eq!(counted.weight(LimitKind::AudioSecondsPerMonth), 0);
        assert_eq!(tokens_of(0), 1);
        assert_eq!(tokens_of(4), 1);
        assert_eq!(tokens_of(5), 2);
    }
}

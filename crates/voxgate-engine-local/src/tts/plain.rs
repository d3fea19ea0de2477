//! Cutting text for voices that read characters instead of phonemes.
//!
//! Knows sentence marks and blanks of any language, nothing of words: such voices bring their own reading.

use voxgate_engine::EngineError;

use super::Part;

/// The longest part, in characters: bounds memory for text without a sentence mark.
const MAX_CHARACTERS: usize = 300;
const SENTENCE_PAUSE_MS: u32 = 350;
const PARAGRAPH_PAUSE_MS: u32 = 600;

/// Sentences of `text`, in order, nothing lost but blanks at the edges; longer ones are cut at a blank where there is one.
pub(super) fn sentences(text: &str) -> impl Iterator<Item = Result<Part, EngineError>> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return None;
            }
            let cut = Cut::first(rest);
            let (head, tail) = rest.split_at(cut.at);
            rest = tail;
            // Marks alone have no sound.
            if head.chars().any(char::is_alphanumeric) {
                let begin = text.len() - head.len() - tail.len();
                let symbols = head.trim_end().to_owned();
                return Some(Ok(Part {
                    source: begin..begin + symbols.len(),
                    symbols,
                    pause_after_ms: cut.pause_after_ms,
                    sentence_end: cut.sentence_end,
                }));
            }
        }
    })
}

struct Cut {
    /// Byte after the part.
    at: usize,
    pause_after_ms: u32,
    sentence_end: bool,
}

impl Cut {
    fn first(text: &str) -> Self {
        let mut last_blank = None;
        let mut characters = text.char_indices().peekable();
        let mut count = 0;
        while let Some((at, c)) = characters.next() {
            let after = at + c.len_utf8();
            let next_is_blank = characters
                .peek()
                .is_none_or(|(_, next)| next.is_whitespace());
            if c == '\n' {
                return Self {
                    at: after,
                    pause_after_ms: PARAGRAPH_PAUSE_MS,
                    sentence_end: true,
                };
            }
            let ends = matches!(c, '。' | '！' | '？' | '।' | '؟')
                || (matches!(c, '.' | '!' | '?' | '…') && next_is_blank);
            if ends {
                return Self {
                    at: after,
                    pause_after_ms: SENTENCE_PAUSE_MS,
                    sentence_end: true,
                };
            }
            if c.is_whitespace() {
                last_blank = Some(after);
            }
            count += 1;
            if count == MAX_CHARACTERS {
                return Self {
                    at: last_blank.unwrap_or(after),
                    pause_after_ms: 0,
                    sentence_end: false,
                };
            }
        }
        Self {
            at: text.len(),
            pause_after_ms: SENTENCE_PAUSE_MS,
            sentence_end: true,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        sentences(text).map(|part| part.unwrap().symbols).collect()
    }

    #[test]
    fn sentences_and_lines_are_parts() {
        assert_eq!(
            cut("Перше речення. Друге! 3.5 кг\nНовий рядок"),
            ["Перше речення.", "Друге!", "3.5 кг", "Новий рядок"]
        );
    }

    #[test]
    fn parts_know_where_they_stand_in_the_text() {
        let text = " Перше.  … Друге! ";
        for part in sentences(text) {
            let part = part.unwrap();
            assert_eq!(text[part.source.clone()], part.symbols);
        }
    }

    #[test]
    fn a_text_without_marks_is_cut_at_blanks_and_nothing_is_lost() {
        let text = "слово ".repeat(1_000);
        let parts = cut(&text);
        assert!(
            parts
                .iter()
                .all(|part| part.chars().count() <= MAX_CHARACTERS)
        );
        assert_eq!(parts.join(" "), text.trim_end());
    }

    #[test]
    fn a_text_without_blanks_is_cut_too() {
        let parts = cut(&"я".repeat(1_000));
        assert_eq!(parts.concat().chars().count(), 1_000);
        assert!(
            parts
                .iter()
                .all(|part| part.chars().count() <= MAX_CHARACTERS)
        );
    }

    #[test]
    fn marks_alone_are_nothing() {
        assert!(cut(" ... !? \n\n").is_empty());
    }
}

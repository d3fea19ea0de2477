//! What is wrong with marked-up text, and where.

use thiserror::Error;

/// Why marked-up text cannot be spoken: what is wrong, where, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct MarkupError {
    /// What is wrong and what to change. Names the element or attribute; quotes at most a few words of the text.
    pub message: String,
    /// First byte of the place in the text.
    pub offset: usize,
    /// Line of the place, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
}

impl MarkupError {
    /// An error at byte `offset` of `text`.
    pub(super) fn at(text: &str, offset: usize, message: impl Into<String>) -> MarkupError {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        MarkupError {
            message: message.into(),
            offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// A part of the text for a message: short, without control characters.
pub(super) fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    let mut out: String = text
        .chars()
        .take(MAX_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        out.push('…');
    }
    format!("\"{out}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_counted_in_lines_and_characters() {
        let error = MarkupError::at("ab\ncdé<x", 7, "wrong");
        assert_eq!((error.line, error.column, error.offset), (2, 4, 7));
        assert_eq!(error.to_string(), "line 2, column 4: wrong");
        // Inside a character: its beginning.
        assert_eq!(MarkupError::at("é", 1, "").offset, 0);
        assert_eq!(MarkupError::at("a", 9, "").offset, 1);
    }
}

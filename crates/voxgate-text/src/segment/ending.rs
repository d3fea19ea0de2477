//! What ends a sentence or a line.
//!
//! Answers `None` where text that has not come yet decides.

use crate::abbreviations::{self, Ending};

/// Lines shorter than this end because their writer wanted them to; longer ones were wrapped.
const WRAPPED_LINE_BYTES: usize = 50;
/// How far ahead the word behind a full stop is looked at.
const MAX_WORD_CHARS: usize = 40;
/// So many characters tell a list item: three digits and a stop.
const ITEM_CHARS: usize = 4;

/// Whether a single line end is meant: before a list item, or after a short line that does not run on.
pub(super) fn ends_on_purpose(line: &str, next: &str, open: bool) -> Option<bool> {
    if open && next.chars().nth(ITEM_CHARS - 1).is_none() {
        return None;
    }
    let mut next_chars = next.chars();
    let (first, second) = (next_chars.next(), next_chars.next());
    let bullet = matches!(first, Some('-' | '*' | '•' | '–' | '·' | '#' | '>'))
        && second.is_none_or(char::is_whitespace)
        || matches!(first, Some('#'));
    let digits = next.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = (1..=3).contains(&digits) && next[digits..].starts_with([')', '.']);
    let line = line.trim_end();
    let short = line.len() < WRAPPED_LINE_BYTES
        && !line.ends_with([',', '-', '–', '—', '&'])
        && first.is_some_and(|c| c.is_uppercase() || c.is_ascii_digit() || matches!(c, '"' | '“'));
    Some(bullet || numbered || short)
}

/// Whether the terminator `mark` behind `before` ends a sentence, given what follows the blank.
///
/// With `open`, `next` may go on.
pub(super) fn sentence_ends(
    before: &str,
    mark: &str,
    quoted: bool,
    next: &str,
    open: bool,
) -> Option<bool> {
    let unknown = open && next.is_empty();
    if next.is_empty() && !open {
        return Some(true);
    }
    let next_lower = next.starts_with(char::is_lowercase);
    let unless_lower = || (!unknown).then_some(!next_lower);
    if mark.len() > 1 && mark.chars().all(|c| matches!(c, '.' | '…')) {
        return unless_lower();
    }
    if mark != "." && !quoted {
        return Some(true);
    }
    // “Why?” she asked.
    if quoted {
        return unless_lower();
    }
    let word = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    if word.len() == before.trim_start().len()
        && !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_digit())
    {
        // A list number: "1. Open the lid."
        return Some(word.len() > 3);
    }
    // Words are short: a bound keeps a text of nothing but stops from being scanned again and again.
    let near = next
        .char_indices()
        .nth(MAX_WORD_CHARS)
        .map_or(next, |(i, _)| &next[..i]);
    let next_word = near
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .find(|w| !w.is_empty())
        .unwrap_or_default();
    // A word is whole when something stands behind it.
    let whole_word = !open || near.len() < next.len() || {
        let start = near.find(|c: char| c.is_alphanumeric() || c == '\'');
        start.is_some_and(|start| near.len() - start > next_word.len())
    };
    let starter = || whole_word.then(|| abbreviations::starts_sentence(next_word));
    let single_capital = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    if single_capital {
        // J. K. Rowling goes on; "Plan B. Then" does not.
        return if next_lower || word == "I" {
            Some(true)
        } else {
            starter()
        };
    }
    match abbreviations::ending(word) {
        Ending::Ordinary => Some(true),
        Ending::Never => Some(false),
        Ending::BeforeNumber => (!unknown).then(|| !next.starts_with(|c: char| c.is_ascii_digit())),
        Ending::BeforeStarter => starter(),
        Ending::BeforeCapital => whole_word.then(|| {
            next_word.starts_with(char::is_uppercase)
                && !abbreviations::is_calendar_word(next_word)
                && !(next_word.len() > 1 && next_word.chars().all(char::is_uppercase))
        }),
    }
}

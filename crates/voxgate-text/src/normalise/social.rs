//! Hashtags, mentions and numbers behind a hash.

use super::number_words::{cardinal, digit_by_digit};
use super::{Cursor, Reading, identifier};

/// A tag or handle is read up to this length; what follows is read as words.
const MAX_CHARS: usize = 60;

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let sign = text.chars().next().filter(|f| matches!(f, '#' | '@'))?;
    let name: &str = {
        let end = text[1..]
            .char_indices()
            .take(MAX_CHARS)
            .take_while(|(_, c)| c.is_alphanumeric() || *c == '_')
            .last()
            .map_or(0, |(i, c)| i + c.len_utf8());
        &text[1..=end]
    };
    if name.is_empty() {
        return None;
    }
    // C#, F#: a note or a language.
    if sign == '#' && !c.at_word_start() {
        return None;
    }
    let len = 1 + name.len();
    if sign == '#' && name.bytes().all(|b| b.is_ascii_digit()) {
        let words = if name.len() > 6 {
            digit_by_digit(name)
        } else {
            cardinal(name, c.language)
        };
        return Reading::new(len, format!("number {words}"));
    }
    if sign == '@' && !c.at_word_start() {
        return Reading::new(1, "at");
    }
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let words = identifier::spoken(name, c);
    // Order #A1234 is a number, #2024goals a tag.
    if sign == '#' && digits * 2 > name.len() {
        return Reading::new(len, format!("number {words}"));
    }
    Reading::new(
        len,
        format!("{} {words}", if sign == '#' { "hashtag" } else { "at" }),
    )
}

#[cfg(test)]
mod tests {
    use super::super::table::us;

    #[test]
    fn hashtags_and_mentions() {
        us(&[
            ("#ThrowbackThursday", "hashtag Throwback Thursday"),
            ("#1 fan", "number one fan"),
            ("@jane_doe said", "at jane doe said"),
            ("#2024goals", "hashtag twenty twenty-four goals"),
            ("# Heading", "Heading"),
        ]);
    }
}

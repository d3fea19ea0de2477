//! Telephone numbers: digit by digit, a breath between groups.

use std::sync::LazyLock;

use regex::Regex;

use super::number_words::digit_by_digit;
use super::{Cursor, Reading};

static PATTERNS: LazyLock<[Regex; 6]> = LazyLock::new(|| {
    [
        // +44 20 7946 0958, +1 (555) 123-4567
        r"\+[0-9]{1,3}(?:[ .-]?\(?[0-9]{1,4}\)?){2,5}",
        // 1-800-555-1234, (555) 123-4567, 555.123.4567
        r"(?:1[ .-])?(?:\([0-9]{3}\) ?|[0-9]{3}[ .-])[0-9]{3}[ .-][0-9]{4}",
        // 1-800-FLOWERS
        r"1-8[0-9][0-9]-[A-Z]{4,10}",
        // 555-1234
        r"[2-9][0-9]{2}-[0-9]{4}",
        // British: 020 7946 0958, 07700 900123
        r"0[0-9]{2,4}[ -][0-9]{3,4}[ -]?[0-9]{3,4}",
        // Social security and similar: 123-45-6789
        r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    ]
    .map(|pattern| Regex::new(&format!(r"\A(?:{pattern})(?-u:\b)")).expect("a literal pattern"))
});

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    if !text.starts_with(|f: char| f.is_ascii_digit() || matches!(f, '+' | '('))
        || !c.at_word_start()
        || c.before().ends_with(['-', '.', '$', ','])
    {
        return None;
    }
    let len = PATTERNS.iter().find_map(|p| p.find(text))?.end();
    if text[len..].starts_with(|n: char| n.is_alphanumeric())
        || text[len..].starts_with('-') && text[len + 1..].starts_with(|n: char| n.is_ascii_digit())
    {
        return None;
    }
    let number = &text[..len];
    if number.starts_with('+') && number.bytes().filter(u8::is_ascii_digit).count() < 7 {
        return None;
    }
    let groups: Vec<String> = number
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|g| !g.is_empty())
        .flat_map(breaths)
        .map(|g| match g {
            "800" => "eight hundred".to_owned(),
            letters if letters.bytes().all(|b| b.is_ascii_uppercase()) => letters.to_lowercase(),
            digits => digit_by_digit(digits),
        })
        .collect();
    let plus = if number.starts_with('+') { "plus " } else { "" };
    Reading::new(len, format!("{plus}{}", groups.join(", ")))
}

/// A long group in threes and fours.
fn breaths(group: &str) -> Vec<&str> {
    if group.len() <= 4 || !group.bytes().all(|b| b.is_ascii_digit()) {
        return vec![group];
    }
    let (head, tail) = group.split_at(3);
    let mut out = vec![head];
    out.extend(breaths(tail));
    out
}

#[cfg(test)]
mod tests {
    use super::super::table::us;

    #[test]
    fn phone_numbers() {
        us(&[
            ("555-1234", "five five five, one two three four"),
            (
                "(555) 123-4567",
                "five five five, one two three, four five six seven",
            ),
            (
                "1-800-555-0199",
                "one, eight hundred, five five five, zero one nine nine",
            ),
            (
                "+44 20 7946 0958",
                "plus four four, two zero, seven nine four six, zero nine five eight",
            ),
            ("1-800-FLOWERS", "one, eight hundred, flowers"),
            (
                "Call 020 7946 0958.",
                "Call zero two zero, seven nine four six, zero nine five eight.",
            ),
        ]);
    }
}

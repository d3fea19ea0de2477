//! Ordinals: 1st, 22nd, 101st.

use std::sync::LazyLock;

use regex::Regex;

use super::number_words::{cardinal, digit_by_digit, ordinal};
use super::{Cursor, Reading};

static ORDINAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A(?P<n>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.(?P<d>[0-9]{1,9}))?(?:st|nd|rd|th|ST|ND|RD|TH)(?-u:\b)")
        .expect("a literal pattern")
});

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    if !c.rest().starts_with(|c: char| c.is_ascii_digit()) || !c.at_word_start() {
        return None;
    }
    let found = ORDINAL.captures(c.rest())?;
    let len = found.get(0)?.end();
    match found.name("d").map(|d| d.as_str().split_at(d.len() - 1)) {
        // The 99.9th percentile.
        Some((digits, last)) => {
            let digits = digit_by_digit(digits);
            let space = if digits.is_empty() { "" } else { " " };
            let whole = cardinal(&found["n"], c.language);
            Reading::new(
                len,
                format!("{whole} point {digits}{space}{}", ordinal(last, c.language)),
            )
        }
        None => Reading::new(len, ordinal(&found["n"], c.language)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::us;

    #[test]
    fn ordinals() {
        us(&[
            ("the 1st of 3", "the first of three"),
            ("22nd", "twenty-second"),
            ("99.9th percentile", "ninety-nine point ninth percentile"),
            ("3RD place", "third place"),
            ("the 101st floor", "the one hundred first floor"),
            ("1,000th visitor", "one thousandth visitor"),
            ("a 21st-century idea", "a twenty-first century idea"),
        ]);
    }
}

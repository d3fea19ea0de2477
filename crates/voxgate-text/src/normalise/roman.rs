//! Roman numerals where they are safe: behind chapters, wars and regal names, and a few that are nothing else.

use super::number_words::{cardinal, ordinal};
use super::{Cursor, Reading};

/// Words a numbered part follows.
const NUMBERED: &[&str] = &[
    "act", "appendix", "article", "band", "book", "bowl", "canto", "chapter", "class", "episode",
    "factor", "figure", "level", "mark", "olympiad", "part", "phase", "quarter", "round", "scene",
    "season", "section", "stage", "step", "table", "theorem", "tier", "title", "type", "unit",
    "vol", "volume", "war",
];
/// Names of kings, queens and popes.
const REGAL: &[&str] = &[
    "Albert",
    "Alexander",
    "Alfonso",
    "Benedict",
    "Catherine",
    "Charles",
    "Christian",
    "Clement",
    "Constantine",
    "Edward",
    "Elizabeth",
    "Ferdinand",
    "Francis",
    "Frederick",
    "George",
    "Gregory",
    "Gustav",
    "Harold",
    "Henry",
    "Innocent",
    "Isabella",
    "Ivan",
    "James",
    "John",
    "Joseph",
    "Juan",
    "Julius",
    "Leo",
    "Leopold",
    "Louis",
    "Margrethe",
    "Mary",
    "Maximilian",
    "Napoleon",
    "Nicholas",
    "Olaf",
    "Otto",
    "Paul",
    "Pedro",
    "Peter",
    "Philip",
    "Pius",
    "Ramesses",
    "Ramses",
    "Richard",
    "Rudolf",
    "Sixtus",
    "Umberto",
    "Urban",
    "Victor",
    "Wilhelm",
    "William",
];
/// Largest value read without a tell-tale word before it; larger ones are more often abbreviations (XL, CD, MIX).
const MAX_ALONE: u32 = 39;

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    if !c.at_word_start() {
        return None;
    }
    let len = text.bytes().take_while(|b| b"IVXLCDM".contains(b)).count();
    let numeral = text.get(..len).filter(|n| !n.is_empty() && n.len() <= 12)?;
    let after = &text[len..];
    if after.starts_with(|f: char| f.is_alphanumeric() || matches!(f, '\'' | '&' | '_'))
        || after.starts_with('-') && after[1..].starts_with(char::is_alphanumeric)
        || after.starts_with('.') && after[1..].starts_with(char::is_alphabetic)
    {
        return None;
    }
    let value = value(numeral)?;
    let digits = value.to_string();
    let previous = c.previous_word();
    if NUMBERED.contains(&previous.to_lowercase().as_str()) && c.previous_char() == Some(' ') {
        // "Part I love": a verb follows, so it is the pronoun. "Part I of" is not.
        if numeral == "I" && is_lowercase_verb(after) {
            return None;
        }
        return Reading::new(len, cardinal(&digits, c.language));
    }
    if REGAL.contains(&previous) && c.previous_char() == Some(' ') && value <= 30 {
        if numeral == "I" && !stands_alone(after) {
            return None;
        }
        return Reading::new(len, format!("the {}", ordinal(&digits, c.language)));
    }
    let alone = len >= 2 && value <= MAX_ALONE && !matches!(numeral, "XX" | "XXX") && !c.shouting;
    let named = previous.starts_with(char::is_uppercase);
    if alone && (named || len >= 3) {
        Reading::new(len, cardinal(&digits, c.language))
    } else {
        None
    }
}

/// "Charles I of Spain", "Charles I." but not "Charles I know".
fn stands_alone(after: &str) -> bool {
    !after.starts_with(' ')
        || after.starts_with(" of ")
        || after.starts_with(" was ")
        || after.starts_with(" and ")
}

fn is_lowercase_verb(after: &str) -> bool {
    let next = after
        .trim_start()
        .split(|c: char| !c.is_alphabetic() && c != '\'')
        .next()
        .unwrap_or_default();
    [
        "am", "have", "had", "was", "will", "would", "love", "like", "want", "think", "know",
        "can", "could", "need",
    ]
    .contains(&next)
}

/// The value of a well-formed numeral.
fn value(numeral: &str) -> Option<u32> {
    let digit = |c| match c {
        'I' => 1,
        'V' => 5,
        'X' => 10,
        'L' => 50,
        'C' => 100,
        'D' => 500,
        _ => 1_000,
    };
    let digits: Vec<u32> = numeral.chars().map(digit).collect();
    let total: i64 = digits
        .iter()
        .enumerate()
        .map(|(i, d)| {
            if digits.get(i + 1).is_some_and(|next| next > d) {
                -i64::from(*d)
            } else {
                i64::from(*d)
            }
        })
        .sum();
    let total = u32::try_from(total).ok()?;
    (written(total) == numeral).then_some(total)
}

fn written(mut n: u32) -> String {
    const PARTS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut out = String::new();
    for (value, letters) in PARTS {
        while n >= value {
            out.push_str(letters);
            n -= value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::table::us;
    use super::*;

    #[test]
    fn values() {
        for (numeral, expected) in [
            ("XIV", Some(14)),
            ("MCMXCIX", Some(1999)),
            ("IIII", None),
            ("IC", None),
            ("VX", None),
        ] {
            assert_eq!(value(numeral), expected, "{numeral}");
        }
    }

    #[test]
    fn numerals() {
        us(&[
            ("Henry VIII", "Henry the eighth"),
            (
                "Queen Elizabeth II reigned",
                "Queen Elizabeth the second reigned",
            ),
            ("Charles I.", "Charles the first."),
            ("Chapter IV", "Chapter four"),
            ("World War II", "World War two"),
            ("Part I of it", "Part one of it"),
            ("Rocky III", "Rocky three"),
            ("I am XL", "I am X-L"),
            ("a CD", "a C-D"),
        ]);
    }
}

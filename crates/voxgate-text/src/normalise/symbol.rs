//! Punctuation and signs: marks of prosody pass, signs between words are named, decoration is silent.

use super::{Cursor, Reading};

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let first = text.chars().next()?;
    if first.is_alphanumeric() && !matches!(first, '²' | '³') || first.is_whitespace() {
        return None;
    }
    emoticon(c)
        .or_else(|| sequence(c))
        .or_else(|| mark(c, first))
        .or_else(|| sign(c, first))
}

/// Faces drawn with punctuation are silent.
fn emoticon(c: &Cursor<'_>) -> Option<Reading> {
    const FACES: [&str; 18] = [
        ":-)", ":)", ":-(", ":(", ":'(", ";-)", ";)", ":-D", ":D", ":-P", ":P", ":-/", ":/", ":-|",
        ":|", ":o)", ":*", "^_^",
    ];
    let text = c.rest();
    let face = FACES.iter().find(|face| text.starts_with(**face))?;
    let apart = c.previous_char().is_none_or(|p| p == ' ')
        && !text[face.len()..].starts_with(|n: char| n.is_alphanumeric() || n == '/');
    if apart {
        Reading::new(face.len(), "")
    } else {
        None
    }
}

/// What two or more characters mean together.
fn sequence(c: &Cursor<'_>) -> Option<Reading> {
    const SEQUENCES: [(&str, &str); 17] = [
        ("...", "…"),
        ("<=>", " "),
        ("<->", " to "),
        ("-->", ","),
        ("==>", ","),
        ("->", "to"),
        ("=>", "to"),
        ("→", "to"),
        ("<=", "less than or equal to"),
        (">=", "greater than or equal to"),
        ("!=", "not equal to"),
        ("==", "equals"),
        ("+/-", "plus or minus"),
        ("<3", "heart"),
        ("</3", "broken heart"),
        ("---", "—"),
        ("--", "—"),
    ];
    let text = c.rest();
    let (written, words) = SEQUENCES
        .iter()
        .find(|(written, _)| text.starts_with(written))?;
    let between = follows_word(c) && precedes_word(&text[written.len()..]);
    match *words {
        "…" => {
            let dots = text.bytes().take_while(|b| *b == b'.').count();
            Reading::new(dots, "…")
        }
        "heart" | "broken heart" => Reading::new(written.len(), *words),
        "—" => {
            let dashes = text.bytes().take_while(|b| *b == b'-').count();
            Reading::new(dashes, if between { "—" } else { "" })
        }
        "," => Reading::new(written.len(), ","),
        _ => Reading::new(written.len(), if between { words.trim() } else { "" }),
    }
}

/// Prosody.
fn mark(c: &Cursor<'_>, first: char) -> Option<Reading> {
    let text = c.rest();
    let after = &text[first.len_utf8()..];
    let spoken = match first {
        '.' if c.previous_char().is_some_and(char::is_alphanumeric)
            && after.starts_with(|n: char| n.is_ascii_digit()) =>
        {
            "point".to_owned()
        }
        '.' if c.previous_char().is_some_and(char::is_alphanumeric)
            && after.starts_with(char::is_lowercase) =>
        {
            "dot".to_owned()
        }
        '.' | ',' | '!' | '?' | ';' => first.to_string(),
        ':' => ":".to_owned(),
        '—' => "—".to_owned(),
        // Between blanks or as a bullet: a dash. Inside words it joined them already.
        '–' => {
            if follows_word(c) {
                "—".to_owned()
            } else {
                String::new()
            }
        }
        '-' if after.starts_with(' ') && follows_word(c) && c.previous_char() == Some(' ') => {
            dash_or_minus(c, after)
        }
        '(' | '[' => "(".to_owned(),
        ')' | ']' => ")".to_owned(),
        '“' | '”' => first.to_string(),
        '"' => straight_quote(c, after).to_owned(),
        '•' | '|' if follows_word(c) && precedes_word(after) => ",".to_owned(),
        _ => return None,
    };
    Reading::new(first.len_utf8(), spoken)
}

/// `10 - 4` subtracts, `so - what` pauses.
fn dash_or_minus(c: &Cursor<'_>, after: &str) -> String {
    let number_before = c
        .before()
        .trim_end()
        .ends_with(|c: char| c.is_ascii_digit());
    let number_after = after.trim_start().starts_with(|c: char| c.is_ascii_digit());
    if number_before && number_after {
        "minus".to_owned()
    } else {
        "—".to_owned()
    }
}

/// A straight quote opens before a word and closes behind one.
fn straight_quote(c: &Cursor<'_>, after: &str) -> &'static str {
    match c.previous_char() {
        None | Some(' ' | '(' | '[' | '—' | '“' | '-')
            if after.starts_with(|c: char| !c.is_whitespace()) =>
        {
            "“"
        }
        _ => "”",
    }
}

fn follows_word(c: &Cursor<'_>) -> bool {
    c.before().trim_end().ends_with(|p: char| {
        p.is_alphanumeric()
            || matches!(
                p,
                ')' | '}' | ']' | '"' | '”' | '%' | '\'' | '.' | '²' | '³' | '°'
            )
    })
}

fn precedes_word(after: &str) -> bool {
    after.trim_start().starts_with(|n: char| {
        n.is_alphanumeric() || matches!(n, '(' | '"' | '“' | '-' | '$' | '€' | '£' | '.' | '√')
    })
}

/// Signs with a name.
fn sign(c: &Cursor<'_>, first: char) -> Option<Reading> {
    let len = first.len_utf8();
    let after = &c.rest()[len..];
    let between = follows_word(c) && precedes_word(after);
    let digit_before = c
        .before()
        .trim_end()
        .ends_with(|c: char| c.is_ascii_digit());
    let digit_after = after.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let tight = c.previous_char().is_some_and(|p| p != ' ') && !after.starts_with(' ');
    // A row of signs is decoration: $$$, &&&.
    if after.starts_with(first) || c.previous_char() == Some(first) {
        return None;
    }
    let words = match first {
        '&' => "and",
        '@' => "at",
        '%' if follows_word(c) => "percent",
        '+' if between || digit_after => "plus",
        '+' if digit_before => "plus",
        '=' if between => "equals",
        '<' if between => "less than",
        '>' if between => "greater than",
        '*' if digit_before && digit_after => "times",
        '/' if digit_before && digit_after && !tight => "divided by",
        '/' if between && tight => slash(c, after),
        '\\' if between && tight => "backslash",
        '~' if digit_after => "about",
        '^' if between && tight => "to the power of",
        '°' if digit_before => "degrees",
        '×' if between => "times",
        '÷' if between => "divided by",
        '±' => "plus or minus",
        '≈' => "approximately",
        '≠' => "not equal to",
        '≤' => "less than or equal to",
        '≥' => "greater than or equal to",
        '∞' => "infinity",
        '√' => "square root of",
        '§' => "section",
        '²' if follows_word(c) => "squared",
        '³' if follows_word(c) => "cubed",
        '€' => "euro",
        '£' => "pound",
        '¥' => "yen",
        '₹' => "rupee",
        '¢' => "cent",
        '$' => "dollar",
        _ => return None,
    };
    Reading::new(len, words)
}

fn slash(c: &Cursor<'_>, after: &str) -> &'static str {
    let next: String = after
        .chars()
        .take_while(|c| c.is_alphabetic())
        .collect::<String>()
        .to_lowercase();
    match (
        c.previous_word()
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_lowercase()
            .as_str(),
        next.as_str(),
    ) {
        ("and", "or") => "",
        ("he", "she")
        | ("she", "he")
        | ("him", "her")
        | ("his", "her" | "hers")
        | ("yes", "no")
        | ("true", "false")
        | ("his", _) => "or",
        _ => "slash",
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::us;

    #[test]
    fn signs() {
        us(&[
            ("salt & pepper", "salt and pepper"),
            ("2 + 2 = 4", "two plus two equals four"),
            ("a < b", "a less than b"),
            ("x >= 3", "x greater than or equal to three"),
            ("10 - 4", "ten minus four"),
            ("6 * 7", "six times seven"),
            ("8 / 2", "eight divided by two"),
            ("~50 people", "about fifty people"),
            ("and/or", "and or"),
            ("input/output", "input slash output"),
            ("a -> b", "a to b"),
            ("±3", "plus or minus three"),
            ("I <3 you", "I heart you"),
            ("sorry :( really ;-)", "sorry really"),
        ]);
    }

    #[test]
    fn marks() {
        us(&[
            ("Wait... what?!", "Wait… what?"),
            ("so -- yes - no", "so — yes — no"),
            ("He said \"hi\" (twice).", "He said “hi” (twice)."),
            ("**bold** and `code`", "bold and code"),
            ("No!!!!", "No!"),
            ("- item", "item"),
            ("[link] {x} |y|", "(link) x, y"),
            ("...", ""),
            ("?!?", ""),
        ]);
    }
}

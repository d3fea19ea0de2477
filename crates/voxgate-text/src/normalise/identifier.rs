//! Words: plain ones as they are, and those that are written as one but spoken as several: camelCase, snake_case,
//! letters with digits, endless strings.

use super::number_words::{cardinal, digit_by_digit, plural, year};
use super::{Cursor, Reading, acronym};

/// Longer runs of letters are taken in pieces of this size, so that no piece grows without bound.
const MAX_WORD_CHARS: usize = 40;

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let first = text.chars().next()?;
    if first == '\'' {
        return elision(c);
    }
    if !first.is_alphanumeric() || matches!(first, '²' | '³') {
        return None;
    }
    let run = word_run(text);
    Reading::new(run.len(), spoken(run, c))
}

/// Letters, digits, underscores, and single apostrophes or hyphens between them.
fn word_run(text: &str) -> &str {
    let mut end = 0;
    let mut chars = text.char_indices().peekable();
    let mut count = 0;
    while let Some((i, c)) = chars.next() {
        let next = chars.peek().map(|(_, n)| *n);
        let inner = match c {
            '\'' => {
                next.is_some_and(char::is_alphabetic)
                    || text[..i].ends_with(['s', 'n']) && next.is_none_or(char::is_whitespace)
            }
            // A hyphen before a number belongs to the word only if letters stand before it: COVID-19.
            '-' => next.is_some_and(char::is_alphanumeric),
            '_' => true,
            // Powers are read by name, not as part of the word.
            '²' | '³' => false,
            _ => c.is_alphanumeric(),
        };
        if !inner || count >= MAX_WORD_CHARS {
            break;
        }
        end = i + c.len_utf8();
        count += 1;
    }
    &text[..end.max(text.chars().next().map_or(0, char::len_utf8))]
}

/// 'em, 'tis, 'n'.
fn elision(c: &Cursor<'_>) -> Option<Reading> {
    const ELISIONS: [(&str, &str); 7] = [
        ("'em", "em"),
        ("'tis", "it is"),
        ("'twas", "it was"),
        ("'cause", "cause"),
        ("'til", "till"),
        ("'n'", "and"),
        ("'bout", "about"),
    ];
    if !c.at_word_start() {
        return None;
    }
    let (written, words) = ELISIONS.iter().find(|(written, _)| {
        c.rest()
            .get(..written.len())
            .is_some_and(|t| t.eq_ignore_ascii_case(written))
            && !c.rest()[written.len()..].starts_with(char::is_alphanumeric)
    })?;
    Reading::new(written.len(), *words)
}

/// A run of word characters as words. Also used for the parts of URLs and hashtags.
pub(super) fn spoken(run: &str, c: &Cursor<'_>) -> String {
    let words: Vec<String> = run
        .split('_')
        .filter(|p| !p.is_empty())
        .map(|part| compound(part, c))
        .collect();
    words.join(" ")
}

/// A word that may be hyphenated.
fn compound(word: &str, c: &Cursor<'_>) -> String {
    let plain = |p: &str| {
        p.chars().all(|c| c.is_alphabetic() || c == '\'') && c.lexicon.knows(&p.to_lowercase())
    };
    let parts: Vec<&str> = word.split('-').filter(|p| !p.is_empty()).collect();
    if parts.len() < 2 {
        return single(parts.first().copied().unwrap_or_default(), c);
    }
    if c.lexicon.knows(word) || parts.iter().all(|p| plain(p) && !is_capitals(p)) {
        return word.to_owned();
    }
    // X-ray, T-shirt, e-mail.
    if parts.len() == 2
        && parts[0].len() == 1
        && parts[0].bytes().all(|b| b.is_ascii_alphabetic())
        && plain(parts[1])
        && !is_capitals(parts[1])
    {
        return format!("{}-{}", parts[0].to_uppercase(), parts[1]);
    }
    parts
        .iter()
        .map(|p| single(p, c))
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_capitals(word: &str) -> bool {
    word.chars().count() > 1 && !word.chars().any(char::is_lowercase)
}

/// A word without hyphens or underscores.
fn single(word: &str, c: &Cursor<'_>) -> String {
    let letters = word.chars().all(|c| c.is_alphabetic() || c == '\'');
    if letters {
        if c.lexicon.knows(word) && !is_capitals(word) {
            return word.to_owned();
        }
        if let Some(read) = acronym::spoken(word, c) {
            return read;
        }
        // A capital inside, and not a name like McDonald or O'Brien.
        let inner_capital = word.chars().skip(1).any(char::is_uppercase);
        if !inner_capital || is_surname(word) || c.lexicon.knows(&word.to_lowercase()) {
            return word.to_owned();
        }
    }
    let humps = humps(word);
    let mut out: Vec<String> = Vec::with_capacity(humps.len());
    for (i, hump) in humps.iter().enumerate() {
        if hump.bytes().all(|b| b.is_ascii_digit()) {
            out.push(number(hump, &humps, i, c));
        } else if *hump == "s" && i > 0 && humps[i - 1].ends_with(|d: char| d.is_ascii_digit()) {
            // MP3s: the plural of the number.
            if let Some(last) = out.last_mut() {
                *last = plural(last);
            }
        } else if let Some(read) = acronym::spoken(hump, c) {
            out.push(read);
        } else if hump.len() == 1 && humps.len() > 1 {
            out.push(hump.to_uppercase());
        } else {
            out.push((*hump).to_owned());
        }
    }
    // A lone letter with its number is one name: A4, B2B, H2O. The hyphen keeps "A" from being read as the article.
    if out.first().is_some_and(|f| f == "A") && out.len() == 2 {
        return out.join("-");
    }
    out.join(" ")
}

fn is_surname(word: &str) -> bool {
    ["Mc", "Mac", "O'", "D'", "De", "Di", "La", "Le", "Van"]
        .iter()
        .any(|p| {
            word.strip_prefix(p).is_some_and(|rest| {
                rest.chars().next().is_some_and(char::is_uppercase)
                    && rest.chars().skip(1).all(|c| c.is_lowercase() || c == '\'')
                    && rest.chars().count() > 2
            })
        })
}

/// Digits inside a word: years as years, "2" between single letters as "to", the rest as numbers.
fn number(digits: &str, humps: &[&str], i: usize, c: &Cursor<'_>) -> String {
    let single_letter = |n: Option<&&str>| {
        n.is_some_and(|h| h.chars().count() == 1 && h.chars().all(char::is_alphabetic))
    };
    let previous = i.checked_sub(1).and_then(|p| humps.get(p));
    let next = humps.get(i + 1);
    if matches!(digits, "2" | "4")
        && single_letter(previous)
        && single_letter(next)
        && previous != Some(&"H")
        && previous != Some(&"C")
    {
        return if digits == "2" { "to" } else { "for" }.to_owned();
    }
    match digits.len() {
        1..=2 if !digits.starts_with('0') => cardinal(digits, c.language),
        3 if digits.ends_with("00") => cardinal(digits, c.language),
        4 if digits.starts_with("19") || digits.starts_with("20") => year(digits, c.language),
        _ => digit_by_digit(digits),
    }
}

/// Splits at lower→Upper, ACRONYMWord and letter↔digit borders.
fn humps(word: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let mut out = Vec::new();
    let mut start = 0;
    for i in 1..chars.len() {
        let (at, this) = chars[i];
        let previous = chars[i - 1].1;
        let next = chars.get(i + 1).map(|(_, n)| *n);
        let border = (previous.is_lowercase() && this.is_uppercase())
            || (previous.is_numeric() != this.is_numeric() && this != '\'' && previous != '\'')
            || (previous.is_uppercase()
                && this.is_uppercase()
                && next.is_some_and(char::is_lowercase)
                && !word[at..].ends_with("s"))
            || (previous.is_uppercase()
                && this.is_uppercase()
                && next.is_some_and(char::is_lowercase)
                && chars.len() > i + 2);
        if border {
            out.push(&word[start..at]);
            start = at;
        }
    }
    out.push(&word[start..]);
    out.retain(|h| h.chars().any(char::is_alphanumeric));
    out
}

#[cfg(test)]
mod tests {
    use super::super::table::us;
    use super::*;

    #[test]
    fn humps_split_where_words_meet() {
        for (word, expected) in [
            ("camelCase", &["camel", "Case"][..]),
            ("HTTPServer", &["HTTP", "Server"]),
            ("iPhone15Pro", &["i", "Phone", "15", "Pro"]),
            ("B2B", &["B", "2", "B"]),
            ("plain", &["plain"]),
        ] {
            assert_eq!(humps(word), expected);
        }
    }

    #[test]
    fn words() {
        us(&[
            ("well-known don't", "well-known don't"),
            ("getUserName", "get User Name"),
            ("snake_case_name", "snake case name"),
            ("B2B", "B to B"),
            ("MP3", "M-P three"),
            ("H2O", "H two O"),
            ("COVID-19", "COVID nineteen"),
            ("GPT-4", "G-P-T four"),
            ("an X-ray", "an X-ray"),
            ("A4 paper", "A-four paper"),
            ("McDonald and O'Brien", "McDonald and O'Brien"),
            ("rock 'n' roll", "rock and roll"),
            ("'tis", "it is"),
            ("Tom's dogs' toys", "Tom's dogs' toys"),
            ("'quoted'", "quoted"),
        ]);
    }

    #[test]
    fn endless_words_come_in_pieces() {
        let text = "a".repeat(90);
        assert_eq!(word_run(&text).len(), MAX_WORD_CHARS);
    }
}

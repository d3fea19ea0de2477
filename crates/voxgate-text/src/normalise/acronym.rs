//! Words in capitals: which are said as words (NASA), which are spelled (FBI), and which are only loud (STOP).
//!
//! A spelled acronym is written with hyphens (`F-B-I`), which tells the pronouncer that each part is a letter's name.

use super::{Cursor, Reading};

/// Said as words although capitals. What the lexicon knows in lower case needs no entry.
const WORDS: &[&str] = &[
    "ACID", "AIDS", "ASAP", "ASCII", "BASIC", "BIOS", "CAD", "CAPTCHA", "COBOL", "COVID", "CRUD",
    "DARPA", "DOS", "FEMA", "FIFA", "GIF", "GUI", "IKEA", "JPEG", "JSON", "LAN", "LASER", "LEGO",
    "LIDAR", "MIDI", "MOMA", "NAFTA", "NASA", "NASDAQ", "NATO", "NIMBY", "OPEC", "OSHA", "PIN",
    "PNG", "POTUS", "RADAR", "RAM", "REST", "ROM", "SAAS", "SARS", "SCUBA", "SIM", "SOAP", "SONAR",
    "SPAM", "SWAT", "TED", "UEFA", "UNESCO", "UNICEF", "WAN", "WASP", "YAML", "YOLO", "ZIP",
];
/// Spelled although they also are words, or look like one.
const SPELLED: &[&str] = &[
    "AC", "AD", "AI", "AM", "API", "APP", "AR", "ATM", "BA", "BBC", "BC", "BIO", "CA", "CD", "CEO",
    "CIA", "DA", "DC", "DIY", "DNA", "ED", "EU", "FAQ", "FBI", "GI", "GPA", "HA", "HR", "ID",
    "IOS", "IP", "IPA", "IPO", "IQ", "IRA", "IRS", "IT", "IV", "LA", "LED", "MA", "MD", "ME", "MO",
    "MS", "NBA", "NHS", "OS", "PA", "PC", "PE", "PHD", "PI", "PM", "PNG", "PR", "QA", "RA", "SA",
    "SAT", "SE", "SOS", "TA", "TV", "UFO", "UI", "UK", "UN", "US", "USA", "USB", "UV", "UX", "VA",
    "VIP", "WHO",
];
/// Short words that keep their sound in capitals; other words of two or three letters are spelled.
const LOUD: &[&str] = &[
    "ALL", "AN", "AND", "ANY", "ARE", "AS", "AT", "BAD", "BE", "BIG", "BUT", "BUY", "BY", "CAN",
    "CAT", "DAY", "DID", "DO", "DOG", "END", "FOR", "FUN", "GET", "GO", "GOT", "HAD", "HAS", "HE",
    "HER", "HEY", "HI", "HIM", "HIS", "HOT", "HOW", "IF", "IN", "IS", "ITS", "LET", "LOT", "LOW",
    "MAN", "MAY", "MEN", "MY", "NEW", "NO", "NOR", "NOT", "NOW", "OF", "OFF", "OH", "OLD", "ON",
    "ONE", "OR", "OUR", "OUT", "OWN", "PUT", "RED", "RUN", "SAD", "SAY", "SEE", "SHE", "SIX", "SO",
    "STOP", "SUN", "TEN", "THE", "TO", "TOO", "TOP", "TRY", "TWO", "UP", "USE", "WAR", "WAS",
    "WAY", "WE", "WHY", "WIN", "YES", "YET", "YOU",
];
/// Capitals that stand for words.
const WARS: &[(&str, &str)] = &[("WWI", "World War one"), ("WWII", "World War two")];
/// A sentence is shouted if at least this many words are in capitals, and none is not.
const MIN_SHOUTED_WORDS: usize = 3;

/// Dotted acronyms and capitals joined by `&`; plain capitals come through [`spoken`].
pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    if !text.starts_with(|f: char| f.is_ascii_alphabetic()) || !c.at_word_start() {
        return None;
    }
    dotted(c)
        .or_else(|| ampersand(text))
        .or_else(|| initial(text))
}

/// U.S.A., Ph.D., a.m.
fn dotted(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let bytes = text.as_bytes();
    let mut len = 0;
    let mut letters = Vec::new();
    while bytes.get(len).is_some_and(u8::is_ascii_alphabetic) && bytes.get(len + 1) == Some(&b'.') {
        letters.push(bytes[len].to_ascii_uppercase() as char);
        len += 2;
    }
    // The last letter may lack its stop: U.S
    if !letters.is_empty()
        && bytes.get(len).is_some_and(u8::is_ascii_alphabetic)
        && !bytes
            .get(len + 1)
            .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'\'')
    {
        letters.push(bytes[len].to_ascii_uppercase() as char);
        len += 1;
    }
    if letters.len() < 2 {
        return None;
    }
    let mut words = hyphenated(letters.into_iter());
    if text[len..].starts_with("'s") && !text[len + 2..].starts_with(char::is_alphanumeric) {
        words.push_str("'s");
        len += 2;
    } else if text[..len].ends_with('.') && c.ends_after(len) {
        // That stop also ends the sentence.
        len -= 1;
    }
    Reading::new(len, words)
}

/// The stop behind an initial is no pause: Jane A. Doe.
fn initial(text: &str) -> Option<Reading> {
    let letter = text.chars().next().filter(char::is_ascii_uppercase)?;
    let name = text[1..].strip_prefix(". ")?;
    name.starts_with(char::is_uppercase).then(|| Reading {
        len: 2,
        words: letter.to_string(),
    })
}

/// AT&T, R&D, Q&A.
fn ampersand(text: &str) -> Option<Reading> {
    let first = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let rest = text[first..].strip_prefix('&')?;
    let second = rest.bytes().take_while(u8::is_ascii_uppercase).count();
    if !(1..=3).contains(&first)
        || !(1..=3).contains(&second)
        || rest[second..].starts_with(char::is_alphanumeric)
    {
        return None;
    }
    let words = format!(
        "{} and {}",
        hyphenated(text[..first].chars()),
        hyphenated(rest[..second].chars())
    );
    Reading::new(first + 1 + second, words)
}

/// How a run of letters that may be an acronym is said; `None` if it is an ordinary word.
pub(super) fn spoken(word: &str, c: &Cursor<'_>) -> Option<String> {
    let (stem, ending) = split_ending(word);
    let letters = stem.chars().count();
    if letters < 2 || !stem.chars().all(char::is_uppercase) {
        return None;
    }
    if !stem.is_ascii() {
        return Some(word.to_lowercase());
    }
    let lower = stem.to_lowercase();
    if let Some((_, words)) = WARS.iter().find(|(war, _)| *war == stem) {
        return Some((*words).to_owned());
    }
    if stem == "OK" {
        return Some(format!("okay{ending}"));
    }
    if WORDS.contains(&stem) && stem != "PNG" {
        let as_written = if c.lexicon.knows(stem) {
            stem.to_owned()
        } else {
            lower
        };
        return Some(format!("{as_written}{ending}"));
    }
    if SPELLED.contains(&stem) && !(c.shouting && LOUD_IN_SHOUTS.contains(&stem)) {
        return Some(format!("{}{ending}", hyphenated(stem.chars())));
    }
    let known = c.lexicon.knows(&lower);
    let word_like = match letters {
        2 | 3 => LOUD.contains(&stem) || c.shouting && known && has_vowel(&lower),
        4 => known && has_vowel(&lower) || pronounceable(&lower) && c.lexicon.knows(stem),
        _ => known || pronounceable(&lower),
    };
    Some(if word_like {
        format!("{lower}{ending}")
    } else {
        format!("{}{ending}", hyphenated(stem.chars()))
    })
}

/// Words among [`SPELLED`] that are words again when everything is in capitals.
const LOUD_IN_SHOUTS: &[&str] = &[
    "AM", "APP", "HA", "IT", "LED", "MA", "ME", "PA", "SAT", "US", "WHO",
];

/// The plural or possessive in small letters: CEOs, FBI's.
fn split_ending(word: &str) -> (&str, &str) {
    for ending in ["'s", "s"] {
        if let Some(stem) = word.strip_suffix(ending)
            && stem.len() > 1
            && stem.chars().all(char::is_uppercase)
        {
            return (stem, ending);
        }
    }
    (word, "")
}

fn hyphenated(letters: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for letter in letters {
        if !out.is_empty() {
            out.push('-');
        }
        out.push(letter);
    }
    out
}

fn has_vowel(word: &str) -> bool {
    word.contains(['a', 'e', 'i', 'o', 'u', 'y'])
}

/// Vowels and consonants mixed as in English: no run of four consonants, none of three vowels.
fn pronounceable(word: &str) -> bool {
    let mut run = 0_i32;
    has_vowel(word)
        && word.chars().all(|c| {
            let vowel = "aeiouy".contains(c);
            run = match (vowel, run) {
                (true, r) if r > 0 => r + 1,
                (true, _) => 1,
                (false, r) if r < 0 => r - 1,
                (false, _) => -1,
            };
            (-3..=2).contains(&run)
        })
}

/// Whether a sentence is all in capitals, so that they say nothing about a word.
pub(super) fn is_shouting(text: &str) -> bool {
    let mut words = 0;
    for word in text
        .split(|c: char| !c.is_alphabetic() && c != '\'')
        .filter(|w| w.chars().count() > 1)
    {
        if word.chars().any(char::is_lowercase) {
            return false;
        }
        words += 1;
    }
    words >= MIN_SHOUTED_WORDS
}

#[cfg(test)]
mod tests {
    use super::super::table::us;
    use super::*;

    #[test]
    fn acronyms() {
        us(&[
            ("NASA and NATO", "NASA and NATO"),
            ("the FBI", "the F-B-I"),
            (
                "two CEOs and the IRS's rules",
                "two C-E-Os and the I-R-S's rules",
            ),
            ("the U.S. economy", "the U-S economy"),
            ("in the U.S.A.", "in the U-S-A."),
            ("a Ph.D. thesis", "a P-H-D thesis"),
            ("AT&T and R&D", "A-T and T and R and D"),
            ("JSON over HTTP", "json over H-T-T-P"),
            ("STOP now", "stop now"),
            ("OK, IT works", "okay, I-T works"),
            ("THIS IS NOT FOR US", "this is not for us"),
            ("UNICEF", "UNICEF"),
        ]);
    }

    #[test]
    fn shouting_needs_a_whole_sentence() {
        assert!(is_shouting("GET OUT OF HERE!"));
        assert!(!is_shouting("The FBI and the CIA"));
        assert!(!is_shouting("FBI HQ"));
    }

    #[test]
    fn pronounceable_words() {
        assert!(pronounceable("voxgate"));
        assert!(!pronounceable("https"));
        assert!(!pronounceable("xkcd"));
    }
}

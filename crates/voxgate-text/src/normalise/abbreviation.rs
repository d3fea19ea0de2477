//! Abbreviations of words: titles, streets, Latin, months, common short forms.

use super::{Cursor, Reading};

/// When a short form is an abbreviation.
#[derive(Clone, Copy, PartialEq)]
enum When {
    /// With or without its stop.
    Always,
    /// Only with a stop: "no", "fig" and "sun" are words.
    Stopped,
    /// With a stop or before a capital: "Dr Smith".
    Title,
    /// With a stop, or behind a street's name: "Park Ave NW".
    Street,
    /// Before a number, with or without a stop: "p 5", "No. 7".
    Numbered,
}
use When::{Always, Numbered, Stopped, Street, Title};

/// (short form in lower case, words, when).
const SHORT: &[(&str, &str, When)] = &[
    ("ph.d", "P-H-D", Always),
    ("b.sc", "B-S-C", Always),
    ("m.sc", "M-S-C", Always),
    ("mr", "Mister", Always),
    ("mrs", "Missus", Always),
    ("ms", "Ms", Title),
    ("mx", "Mix", Title),
    ("prof", "Professor", Title),
    ("sr", "Senior", Stopped),
    ("jr", "Junior", Always),
    ("gen", "General", Stopped),
    ("col", "Colonel", Stopped),
    ("capt", "Captain", Title),
    ("cmdr", "Commander", Title),
    ("lt", "Lieutenant", Title),
    ("sgt", "Sergeant", Title),
    ("cpl", "Corporal", Title),
    ("maj", "Major", Stopped),
    ("gov", "Governor", Stopped),
    ("sen", "Senator", Stopped),
    ("rep", "Representative", Stopped),
    ("rev", "Reverend", Stopped),
    ("hon", "Honorable", Stopped),
    ("pres", "President", Stopped),
    ("messrs", "Messieurs", Always),
    ("supt", "Superintendent", Always),
    ("ave", "Avenue", Street),
    ("blvd", "Boulevard", Always),
    ("rd", "Road", Street),
    ("ln", "Lane", Street),
    ("hwy", "Highway", Always),
    ("pkwy", "Parkway", Always),
    ("sq", "Square", Stopped),
    ("apt", "Apartment", Stopped),
    ("dept", "Department", Always),
    ("univ", "University", Stopped),
    ("inc", "Incorporated", Title),
    ("ltd", "Limited", Always),
    ("co", "Company", Stopped),
    ("corp", "Corporation", Stopped),
    ("bros", "Brothers", Always),
    ("assn", "Association", Always),
    ("mt", "Mount", Title),
    ("ft", "Fort", Title),
    ("bldg", "building", Always),
    ("rm", "room", Stopped),
    ("ste", "Suite", Stopped),
    ("e.g", "for example", Always),
    ("eg", "for example", Stopped),
    ("i.e", "that is", Always),
    ("ie", "that is", Stopped),
    ("etc", "et cetera", Always),
    ("vs", "versus", Always),
    ("viz", "namely", Stopped),
    ("cf", "compare", Stopped),
    ("et al", "and others", Always),
    ("approx", "approximately", Always),
    ("est", "established", Stopped),
    ("ca", "circa", Stopped),
    ("incl", "including", Always),
    ("excl", "excluding", Always),
    ("max", "maximum", Stopped),
    ("min", "minimum", Stopped),
    ("avg", "average", Always),
    ("temp", "temperature", Stopped),
    ("tel", "telephone", Stopped),
    ("ext", "extension", Stopped),
    ("dept", "department", Always),
    ("govt", "government", Always),
    ("mgmt", "management", Always),
    ("intl", "international", Always),
    ("misc", "miscellaneous", Always),
    ("qty", "quantity", Always),
    ("no", "number", Numbered),
    ("nos", "numbers", Numbered),
    ("vol", "volume", Numbered),
    ("ch", "chapter", Numbered),
    ("sec", "section", Numbered),
    ("fig", "figure", Numbered),
    ("figs", "figures", Numbered),
    ("p", "page", Numbered),
    ("pp", "pages", Numbered),
    ("pg", "page", Numbered),
    ("art", "article", Numbered),
    ("eq", "equation", Numbered),
    ("ver", "version", Numbered),
    ("jan", "January", Stopped),
    ("feb", "February", Stopped),
    ("apr", "April", Stopped),
    ("aug", "August", Stopped),
    ("sept", "September", Always),
    ("oct", "October", Stopped),
    ("nov", "November", Stopped),
    ("dec", "December", Stopped),
    ("mon", "Monday", Stopped),
    ("tue", "Tuesday", Stopped),
    ("tues", "Tuesday", Stopped),
    ("wed", "Wednesday", Stopped),
    ("thu", "Thursday", Stopped),
    ("thurs", "Thursday", Stopped),
    ("fri", "Friday", Stopped),
    ("sat", "Saturday", Stopped),
];
/// Short forms with a slash.
const SLASHED: &[(&str, &str)] = &[
    ("w/o", "without"),
    ("w/", "with "),
    ("b/c", "because"),
    ("c/o", "care of"),
    ("n/a", "not applicable"),
    ("km/h", "kilometers per hour"),
    ("m/s", "meters per second"),
];
/// What follows these is a saint, not a street.
const BEFORE_SAINT: &[&str] = &[
    "Mount", "Fort", "Port", "Lake", "Mt", "San", "Sault", "Cape", "Isle", "Bay", "Gulf",
];

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    if !text.starts_with(|f: char| f.is_ascii_alphabetic()) || !c.at_word_start() {
        return None;
    }
    slashed(c)
        .or_else(|| latin_others(c))
        .or_else(|| musical(text))
        .or_else(|| short(c))
}

fn slashed(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let (written, words) = SLASHED.iter().find(|(w, _)| {
        text.get(..w.len())
            .is_some_and(|t| t.eq_ignore_ascii_case(w))
    })?;
    let bare = !written.ends_with('/');
    if bare && text[written.len()..].starts_with(char::is_alphanumeric) {
        return None;
    }
    Reading::new(written.len(), words.trim())
}

fn latin_others(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let rest = text
        .strip_prefix("et al")
        .filter(|r| !r.starts_with(char::is_alphanumeric))?;
    let stop = usize::from(rest.starts_with('.') && !c.ends_after(5));
    Reading::new(5 + stop, "and others")
}

/// C#, F#, C++.
fn musical(text: &str) -> Option<Reading> {
    if text.starts_with("C++") {
        return Reading::new(3, "C plus plus");
    }
    let first = text.chars().next().filter(char::is_ascii_uppercase)?;
    let rest = &text[1..];
    (rest.starts_with('#') && !rest[1..].starts_with(char::is_alphanumeric)).then(|| Reading {
        len: 2,
        words: format!("{first} sharp"),
    })
}

fn short(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let len = text
        .char_indices()
        .find(|(i, ch)| {
            !(ch.is_ascii_alphabetic()
                || *ch == '.' && text[i + 1..].starts_with(|n: char| n.is_ascii_alphabetic()))
        })
        .map_or(text.len(), |(i, _)| i);
    let word = &text[..len];
    let stopped = text[len..].starts_with('.');
    let after = text[len..].strip_prefix('.').unwrap_or(&text[len..]);
    if after.starts_with(|n: char| n.is_alphanumeric() || n == '\'' || n == '-' || n == '_') {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    // A word in capitals is an acronym, not a short form.
    let capitals = word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase());
    let words = match lower.as_str() {
        "st" if stopped || word == "St" => saint_or_street(c, after),
        "dr" if stopped || word == "Dr" => doctor_or_drive(c, after),
        _ => {
            let (_, words, when) = SHORT.iter().find(|(short, ..)| *short == lower)?;
            let next = after.trim_start();
            let next_digit = next.starts_with(|n: char| n.is_ascii_digit());
            let fits = match when {
                Always => true,
                Stopped => stopped && !(c.ends_after(len) && c.lexicon.knows_well(&lower)),
                Street => stopped || word.starts_with(char::is_uppercase) && names_a_street(c),
                Title => {
                    stopped
                        || word.starts_with(char::is_uppercase)
                            && next.starts_with(char::is_uppercase)
                }
                // A lone letter, and what is also a word, needs its stop: p. 5, no. 5; but ch 5, Fig 5.
                Numbered => {
                    next_digit
                        && (stopped || word.len() > 1 && !matches!(lower.as_str(), "no" | "art"))
                }
            };
            if !fits || capitals && !stopped && !c.shouting {
                return None;
            }
            *words
        }
    };
    // The stop is the abbreviation's own unless the sentence ends with it.
    let own_stop = stopped && !c.ends_after(len);
    Reading::new(len + usize::from(own_stop), words)
}

fn next_is_capital(after: &str) -> bool {
    after.trim_start().starts_with(char::is_uppercase)
}

/// Whether the word before belongs to an address: "123 Main", "5th", "Mulholland".
fn names_a_street(c: &Cursor<'_>) -> bool {
    let previous = c.previous_word();
    let first_word = c.before().split_whitespace().count() <= 1;
    let ordinal = previous.starts_with(|p: char| p.is_ascii_digit());
    // A comma between them parts the two.
    let adjacent = c.before().trim_end().ends_with(char::is_alphanumeric);
    adjacent
        && (ordinal
            || previous.starts_with(char::is_uppercase)
                && !first_word
                && !BEFORE_SAINT.contains(&previous))
}

fn saint_or_street(c: &Cursor<'_>, after: &str) -> &'static str {
    if next_is_capital(after) && !names_a_street(c) {
        "Saint"
    } else if names_a_street(c) || !next_is_capital(after) {
        "Street"
    } else {
        "Saint"
    }
}

fn doctor_or_drive(c: &Cursor<'_>, after: &str) -> &'static str {
    if names_a_street(c) && !next_is_capital(after) {
        "Drive"
    } else {
        "Doctor"
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::us;

    #[test]
    fn titles_and_streets() {
        us(&[
            (
                "Dr. Smith met Mr. and Mrs. Jones",
                "Doctor Smith met Mister and Missus Jones",
            ),
            ("Dr Who", "Doctor Who"),
            ("St. Louis", "Saint Louis"),
            ("in St. Louis", "in Saint Louis"),
            (
                "123 Main St. in Rome",
                "one hundred twenty-three Main Street in Rome",
            ),
            ("1600 Penn Ave NW", "sixteen hundred Penn Avenue N-W"),
            (
                "5th St. and Mulholland Dr.",
                "fifth Street and Mulholland Drive.",
            ),
            ("near Mount St. Helens", "near Mount Saint Helens"),
            ("Sammy Davis Jr. sang", "Sammy Davis Junior sang"),
            ("Acme Inc. grew", "Acme Incorporated grew"),
        ]);
    }

    #[test]
    fn latin_numbers_and_short_forms() {
        us(&[
            ("pens, e.g. red ones", "pens, for example red ones"),
            ("that is, i.e. this", "that is, that is this"),
            ("pens, paper, etc.", "pens, paper, et cetera."),
            ("cats vs. dogs", "cats versus dogs"),
            ("No. 5 and Fig. 3", "number five and figure three"),
            ("I said no.", "I said no."),
            ("pp. 5-7", "pages five to seven"),
            ("coffee w/ milk w/o sugar", "coffee with milk without sugar"),
            ("Smith et al. found", "Smith and others found"),
            ("C# and C++", "C sharp and C plus plus"),
            ("approx. 5", "approximately five"),
            ("the sun sat", "the sun sat"),
        ]);
    }
}

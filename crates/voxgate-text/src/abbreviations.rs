//! Abbreviations whose full stop may or may not end a sentence, and words that tell.
//!
//! Owns the lists the sentence splitter asks. How an abbreviation is read is the normaliser's matter.

/// What a full stop behind an abbreviation means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Not an abbreviation: the stop ends the sentence.
    Ordinary,
    /// A title or connective: something always follows.
    Never,
    /// An abbreviation only if a number follows: "No. 5".
    BeforeNumber,
    /// Ends the sentence if a word follows that rarely stands elsewhere with a capital: "Acme Inc. The".
    BeforeStarter,
    /// Ends the sentence if a capital follows: "etc. Next".
    BeforeCapital,
}

const NEVER: &[&str] = &[
    "adm", "approx", "brig", "capt", "cf", "cmdr", "col", "cpl", "dr", "e.g", "eg", "gen", "gov",
    "hon", "i.e", "ie", "lt", "maj", "messrs", "mr", "mrs", "ms", "mt", "mx", "pres", "prof",
    "rep", "rev", "sen", "sgt", "supt", "viz", "vs", "tel", "ext", "avg", "incl", "excl", "resp",
];
const BEFORE_NUMBER: &[&str] = &[
    "art", "ch", "eq", "fig", "figs", "no", "nos", "p", "pp", "vol", "vols", "jan", "feb", "mar",
    "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "rs", "est", "ca", "c", "ver",
    "v",
];
const BEFORE_STARTER: &[&str] = &[
    "apt", "ave", "blvd", "bros", "co", "corp", "ct", "dept", "ft", "hwy", "inc", "jr", "ln",
    "ltd", "pkwy", "pl", "rd", "sq", "sr", "st", "ste", "univ", "assn", "fri", "mon", "sat", "sun",
    "thu", "thurs", "tue", "tues", "wed",
];
const BEFORE_CAPITAL: &[&str] = &[
    "a.m", "al", "am", "ea", "ed", "eds", "etc", "gal", "hr", "hrs", "lb", "lbs", "max", "mi",
    "min", "mins", "misc", "oz", "p.m", "pm", "qty", "sec", "secs", "tbsp", "temp", "tsp", "yd",
    "yds", "yr", "yrs",
];
const STARTERS: &[&str] = &[
    "a", "after", "all", "an", "and", "another", "as", "at", "because", "before", "but", "by",
    "can", "do", "does", "each", "for", "from", "have", "he", "her", "here", "his", "how",
    "however", "i", "if", "in", "is", "it", "it's", "its", "let", "many", "my", "no", "not", "now",
    "of", "on", "once", "one", "our", "please", "she", "since", "so", "some", "that", "the",
    "their", "then", "there", "these", "they", "this", "those", "to", "today", "under", "we",
    "what", "when", "where", "which", "while", "who", "why", "with", "yes", "yet", "you", "your",
];
const CALENDAR: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// What a full stop behind `word` means. `word` may hold inner full stops (`p.m`, `U.S`).
pub(crate) fn ending(word: &str) -> Ending {
    let lower = word.to_lowercase();
    let is = |list: &[&str]| list.contains(&lower.as_str());
    if is(NEVER) {
        Ending::Never
    } else if is(BEFORE_NUMBER) {
        Ending::BeforeNumber
    } else if is(BEFORE_CAPITAL) {
        Ending::BeforeCapital
    } else if is(BEFORE_STARTER)
        || lower.contains('.')
            && lower.split('.').all(|p| p.chars().count() <= 2)
            && !lower.starts_with(|c: char| c.is_ascii_digit())
    {
        Ending::BeforeStarter
    } else {
        Ending::Ordinary
    }
}

/// Whether a capitalised `word` most likely begins a sentence rather than a name.
pub(crate) fn starts_sentence(word: &str) -> bool {
    word.starts_with(char::is_uppercase) && STARTERS.contains(&word.to_lowercase().as_str())
}

/// Whether `word` is the name of a month or weekday.
pub(crate) fn is_calendar_word(word: &str) -> bool {
    CALENDAR.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings() {
        for (word, expected) in [
            ("Dr", Ending::Never),
            ("e.g", Ending::Never),
            ("No", Ending::BeforeNumber),
            ("U.S", Ending::BeforeStarter),
            ("Inc", Ending::BeforeStarter),
            ("p.m", Ending::BeforeCapital),
            ("house", Ending::Ordinary),
            ("3.5", Ending::Ordinary),
        ] {
            assert_eq!(ending(word), expected, "{word}");
        }
    }
}

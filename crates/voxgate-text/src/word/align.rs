//! Divides a reading of several written words among them: which spoken words belong to which.
//!
//! "5 km" was read at once, as "five kilometers". The division is the cheapest one in order, each written word getting at
//! least one spoken word: a word fits what it begins like, a number fits as many words as its digits make.

use std::ops::Range;

use super::{Unit, trimmed};

/// More written or spoken words than these are left as one: an address, a number of many groups.
const MAX_WRITTEN: usize = 16;
const MAX_SPOKEN: usize = 64;
/// Costs, in hundredths of a word in the wrong place.
const WRONG: u32 = 100;
const NUMBER: u32 = 40;
const UNEXPECTED: u32 = 15;

/// The written words of `text` (bytes of it) with their phonemes; empty if it is one word or has more than spoken ones.
/// `line` holds the words as spoken.
pub(super) fn divide(text: &str, spoken: &[Unit], line: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let written = written(text);
    let (rows, columns) = (written.len(), spoken.len());
    if !(2..=MAX_WRITTEN).contains(&rows) || columns < rows || columns > MAX_SPOKEN {
        return Vec::new();
    }
    let digits: usize = written.iter().map(|w| count_digits(&text[w.clone()])).sum();
    let spelled = columns >= digits;
    // best[r][c]: the cost of giving the first c spoken words to the first r written ones, and where the last begins.
    let mut best = vec![vec![(u32::MAX, 0_usize); columns + 1]; rows + 1];
    best[0][0].0 = 0;
    for row in 1..=rows {
        let word = &text[written[row - 1].clone()];
        let expected = expected(word, spelled);
        for start in row - 1..columns {
            let (before, _) = best[row - 1][start];
            if before == u32::MAX {
                continue;
            }
            let mut cost = before;
            for end in start + 1..=columns {
                cost += fit(word, &line[spoken[end - 1].spoken..]);
                let off = expected.abs_diff(end - start);
                let total = cost + UNEXPECTED * u32::try_from(off).unwrap_or(u32::MAX / 1_000);
                if total < best[row][end].0 {
                    best[row][end] = (total, start);
                }
            }
        }
    }
    let mut out = Vec::with_capacity(rows);
    let mut end = columns;
    for row in (1..=rows).rev() {
        let (cost, start) = best[row][end];
        if cost == u32::MAX || start >= end {
            return Vec::new();
        }
        out.push((
            written[row - 1].clone(),
            spoken[start].phonemes.start..spoken[end - 1].phonemes.end,
        ));
        end = start;
    }
    out.reverse();
    out
}

/// The words between blanks that hold something to say.
fn written(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = 0;
    for part in text.split(char::is_whitespace) {
        let range = at..at + part.len();
        at += part.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
        if part.contains(char::is_alphanumeric) {
            out.push(trimmed(text, &range));
        }
    }
    out
}

/// How badly the spoken word that `spoken` begins with fits a written one.
fn fit(written: &str, spoken: &str) -> u32 {
    if written.contains(|c: char| c.is_numeric()) {
        return NUMBER;
    }
    let first = |word: &str| {
        word.chars()
            .take_while(|c| !c.is_whitespace())
            .find(|c| c.is_alphabetic())
            .and_then(|c| c.to_lowercase().next())
    };
    if first(written) == first(spoken) {
        0
    } else {
        WRONG
    }
}

/// How many words a written one makes: 14 one, 2026 two, a word one. Where each digit may have a word of its own
/// (`spelled`), as many as digits.
fn expected(written: &str, spelled: bool) -> usize {
    match count_digits(written) {
        0 => 1,
        2 if !spelled => 1,
        4 if !spelled => 2,
        digits => digits,
    }
}

fn count_digits(written: &str) -> usize {
    written.chars().filter(|c| c.is_numeric()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn division(text: &str, spoken: &str) -> Vec<String> {
        let words: Vec<&str> = spoken.split(' ').collect();
        let mut at = 0;
        let units: Vec<Unit> = words
            .iter()
            .enumerate()
            .map(|(i, w)| {
                let unit = Unit {
                    range: 0..text.len(),
                    spoken: at,
                    phonemes: i..i + 1,
                };
                at += w.len() + 1;
                unit
            })
            .collect();
        divide(text, &units, spoken)
            .into_iter()
            .map(|(r, p)| format!("{}={}", &text[r], words[p].join(" ")))
            .collect()
    }

    #[test]
    fn spoken_words_go_to_what_they_were_written_as() {
        for (text, spoken, expected) in [
            ("5 km", "five kilometers", &["5=five", "km=kilometers"][..]),
            (
                "March 14, 2026",
                "March fourteenth twenty twenty-six",
                &["March=March", "14=fourteenth", "2026=twenty twenty-six"],
            ),
            (
                "14 March 2026",
                "the fourteenth of March twenty twenty-six",
                &[
                    "14=the fourteenth of",
                    "March=March",
                    "2026=twenty twenty-six",
                ],
            ),
            (
                "3:05 pm",
                "three oh five P-M",
                &["3:05=three oh five", "pm=P-M"],
            ),
            (
                "$3.5 million",
                "three point five million dollars",
                &["$3.5=three point five", "million=million dollars"],
            ),
            (
                "6 ft 2 in",
                "six feet two inches",
                &["6=six", "ft=feet", "2=two", "in=inches"],
            ),
            (
                "020 7946 0958",
                "zero two zero seven nine four six zero nine five eight",
                &[
                    "020=zero two zero",
                    "7946=seven nine four six",
                    "0958=zero nine five eight",
                ],
            ),
        ] {
            assert_eq!(division(text, spoken), expected, "{text}");
        }
    }

    #[test]
    fn one_word_or_too_few_spoken_are_not_divided() {
        assert!(division("$5", "five dollars").is_empty());
        assert!(division("a b c", "abc").is_empty());
    }
}

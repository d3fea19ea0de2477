//! Digits to words: the vocabulary that every numeric class shares.
//!
//! Works on digit strings, not integers, so that no length overflows. Owns cardinals, ordinals, years and digit
//! sequences; does not know where a number stands in a sentence.

use crate::Language;

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
/// Short-scale names by power of a thousand. Longer numbers are read digit by digit.
const SCALES: [&str; 8] = [
    "",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
];
/// The most digits read as one number (999 sextillion).
const MAX_DIGITS: usize = SCALES.len() * 3;

/// 0 to 99 in words, hyphenated.
fn below_hundred(n: usize) -> String {
    match (n / 10, n % 10) {
        (0 | 1, _) => UNITS[n].to_owned(),
        (tens, 0) => TENS[tens].to_owned(),
        (tens, unit) => format!("{}-{}", TENS[tens], UNITS[unit]),
    }
}

fn below_thousand(n: usize, language: Language) -> String {
    let (hundreds, rest) = (n / 100, n % 100);
    match (hundreds, rest) {
        (0, _) => below_hundred(rest),
        (_, 0) => format!("{} hundred", UNITS[hundreds]),
        // British English joins the tens with "and".
        _ if language == Language::EnGb => {
            format!("{} hundred and {}", UNITS[hundreds], below_hundred(rest))
        }
        _ => format!("{} hundred {}", UNITS[hundreds], below_hundred(rest)),
    }
}

/// A whole number in words. `digits` may hold leading zeros; anything but ASCII digits is ignored.
///
/// A number too long to name is read digit by digit, so nothing is lost.
pub(super) fn cardinal(digits: &str, language: Language) -> String {
    let all: Vec<usize> = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|b| usize::from(b - b'0'))
        .collect();
    let significant = &all[all.iter().take_while(|d| **d == 0).count()..];
    if significant.is_empty() {
        return UNITS[0].to_owned();
    }
    if significant.len() > MAX_DIGITS {
        return digit_by_digit(digits);
    }
    let groups = significant
        .rchunks(3)
        .map(|group| group.iter().fold(0, |n, d| n * 10 + d))
        .collect::<Vec<_>>();
    let mut words: Vec<String> = Vec::new();
    for (power, &group) in groups.iter().enumerate().rev() {
        if group == 0 {
            continue;
        }
        // "two thousand and one", but "two thousand one" in America.
        if power == 0 && group < 100 && groups.len() > 1 && language == Language::EnGb {
            words.push("and".to_owned());
        }
        words.push(below_thousand(group, language));
        if power > 0 {
            words.push(SCALES[power].to_owned());
        }
    }
    words.join(" ")
}

/// Each digit by its name; other characters are ignored.
pub(super) fn digit_by_digit(digits: &str) -> String {
    digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .map(|b| UNITS[usize::from(b - b'0')])
        .collect::<Vec<_>>()
        .join(" ")
}

/// The ordinal of a whole number: `21` → twenty-first.
pub(super) fn ordinal(digits: &str, language: Language) -> String {
    let words = cardinal(digits, language);
    let split = words.rfind([' ', '-']).map_or(0, |i| i + 1);
    let (head, last) = words.split_at(split);
    format!("{head}{}", ordinal_word(last))
}

fn ordinal_word(word: &str) -> String {
    match word {
        "one" => "first".to_owned(),
        "two" => "second".to_owned(),
        "three" => "third".to_owned(),
        "five" => "fifth".to_owned(),
        "eight" => "eighth".to_owned(),
        "nine" => "ninth".to_owned(),
        "twelve" => "twelfth".to_owned(),
        _ => match word.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{word}th"),
        },
    }
}

/// A four-digit year: 1999 → nineteen ninety-nine, 2005 → two thousand five, 1900 → nineteen hundred.
pub(super) fn year(digits: &str, language: Language) -> String {
    let Ok(n) = digits.parse::<usize>() else {
        return cardinal(digits, language);
    };
    let (high, low) = (n / 100, n % 100);
    if !(1_000..=9_999).contains(&n) || n % 1_000 < 10 {
        return cardinal(digits, language);
    }
    match low {
        0 => format!("{} hundred", below_hundred(high)),
        1..=9 => format!("{} oh {}", below_hundred(high), UNITS[low]),
        _ => format!("{} {}", below_hundred(high), below_hundred(low)),
    }
}

/// A number with optional thousands commas and a decimal point: `1,234.50` → one thousand … point five zero.
pub(super) fn decimal(number: &str, language: Language) -> String {
    match number.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().any(|b| b.is_ascii_digit()) => {
            let whole = if whole.is_empty() {
                "zero".to_owned()
            } else {
                cardinal(whole, language)
            };
            format!("{whole} point {}", digit_by_digit(fraction))
        }
        _ => cardinal(number, language),
    }
}

/// The plural of a number word: sixty → sixties, six → sixes, ten → tens.
pub(super) fn plural(words: &str) -> String {
    if let Some(stem) = words.strip_suffix('y') {
        format!("{stem}ies")
    } else if words.ends_with('x') {
        format!("{words}es")
    } else {
        format!("{words}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::{EnGb, EnUs};

    #[test]
    fn cardinals() {
        for (digits, us, gb) in [
            ("0", "zero", "zero"),
            ("000", "zero", "zero"),
            ("13", "thirteen", "thirteen"),
            ("42", "forty-two", "forty-two"),
            ("100", "one hundred", "one hundred"),
            ("115", "one hundred fifteen", "one hundred and fifteen"),
            ("2001", "two thousand one", "two thousand and one"),
            ("1000000", "one million", "one million"),
            ("1,000,001", "one million one", "one million and one"),
            (
                "987654321",
                "nine hundred eighty-seven million six hundred fifty-four thousand three hundred twenty-one",
                "nine hundred and eighty-seven million six hundred and fifty-four thousand three hundred and twenty-one",
            ),
        ] {
            assert_eq!(cardinal(digits, EnUs), us);
            assert_eq!(cardinal(digits, EnGb), gb);
        }
        let long = "1".repeat(40);
        assert_eq!(cardinal(&long, EnUs).split(' ').count(), 40);
    }

    #[test]
    fn ordinals() {
        for (digits, expected) in [
            ("1", "first"),
            ("2", "second"),
            ("3", "third"),
            ("11", "eleventh"),
            ("12", "twelfth"),
            ("20", "twentieth"),
            ("21", "twenty-first"),
            ("100", "one hundredth"),
            ("1000", "one thousandth"),
        ] {
            assert_eq!(ordinal(digits, EnUs), expected);
        }
    }

    #[test]
    fn years() {
        for (digits, expected) in [
            ("1066", "ten sixty-six"),
            ("1900", "nineteen hundred"),
            ("1905", "nineteen oh five"),
            ("1999", "nineteen ninety-nine"),
            ("2000", "two thousand"),
            ("2005", "two thousand five"),
            ("2026", "twenty twenty-six"),
        ] {
            assert_eq!(year(digits, EnUs), expected);
        }
        assert_eq!(year("2005", EnGb), "two thousand and five");
    }

    #[test]
    fn decimals_and_plurals() {
        assert_eq!(decimal("3.14", EnUs), "three point one four");
        assert_eq!(decimal(".5", EnUs), "zero point five");
        assert_eq!(
            decimal("1,234.50", EnUs),
            "one thousand two hundred thirty-four point five zero"
        );
        assert_eq!(plural("eighty"), "eighties");
        assert_eq!(plural("six"), "sixes");
        assert_eq!(plural("hundred"), "hundreds");
    }
}

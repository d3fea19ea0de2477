//! Money: a sign or code before or behind an amount, with cents, magnitudes, ranges and "per month".

use std::sync::LazyLock;

use regex::Regex;

use super::cardinal::magnitude;
use super::number::DIGITS;
use super::number_words::{cardinal, decimal};
use super::{Cursor, Reading};

/// A currency: how it is written and what it and its hundredth are called, singular and plural.
struct Currency {
    written: &'static [&'static str],
    unit: (&'static str, &'static str),
    /// `None` where no coin is smaller.
    part: Option<(&'static str, &'static str)>,
}

const CENT: Option<(&str, &str)> = Some(("cent", "cents"));

const CURRENCIES: &[Currency] = &[
    Currency {
        written: &["US$", "USD", "$"],
        unit: ("dollar", "dollars"),
        part: CENT,
    },
    Currency {
        written: &["€", "EUR"],
        unit: ("euro", "euros"),
        part: CENT,
    },
    Currency {
        written: &["£", "GBP"],
        unit: ("pound", "pounds"),
        part: Some(("penny", "pence")),
    },
    Currency {
        written: &["JP¥", "¥", "JPY"],
        unit: ("yen", "yen"),
        part: None,
    },
    Currency {
        written: &["₹", "INR", "Rs.", "Rs"],
        unit: ("rupee", "rupees"),
        part: Some(("paisa", "paise")),
    },
    Currency {
        written: &["CA$", "C$", "CAD"],
        unit: ("Canadian dollar", "Canadian dollars"),
        part: CENT,
    },
    Currency {
        written: &["AU$", "A$", "AUD"],
        unit: ("Australian dollar", "Australian dollars"),
        part: CENT,
    },
    Currency {
        written: &["NZ$", "NZD"],
        unit: ("New Zealand dollar", "New Zealand dollars"),
        part: CENT,
    },
    Currency {
        written: &["HK$", "HKD"],
        unit: ("Hong Kong dollar", "Hong Kong dollars"),
        part: CENT,
    },
    Currency {
        written: &["S$", "SGD"],
        unit: ("Singapore dollar", "Singapore dollars"),
        part: CENT,
    },
    Currency {
        written: &["R$", "BRL"],
        unit: ("real", "reais"),
        part: CENT,
    },
    Currency {
        written: &["CHF"],
        unit: ("Swiss franc", "Swiss francs"),
        part: Some(("rappen", "rappen")),
    },
    Currency {
        written: &["CN¥", "RMB", "CNY"],
        unit: ("yuan", "yuan"),
        part: None,
    },
    Currency {
        written: &["₩", "KRW"],
        unit: ("won", "won"),
        part: None,
    },
    Currency {
        written: &["₽", "RUB"],
        unit: ("ruble", "rubles"),
        part: Some(("kopeck", "kopecks")),
    },
    Currency {
        written: &["₺", "TRY"],
        unit: ("lira", "lira"),
        part: None,
    },
    Currency {
        written: &["₪", "ILS"],
        unit: ("shekel", "shekels"),
        part: None,
    },
    Currency {
        written: &["₫", "VND"],
        unit: ("dong", "dong"),
        part: None,
    },
    Currency {
        written: &["₴", "UAH"],
        unit: ("hryvnia", "hryvnias"),
        part: None,
    },
    Currency {
        written: &["₦", "NGN"],
        unit: ("naira", "naira"),
        part: None,
    },
    Currency {
        written: &["₱", "PHP"],
        unit: ("peso", "pesos"),
        part: None,
    },
    Currency {
        written: &["฿", "THB"],
        unit: ("baht", "baht"),
        part: None,
    },
    Currency {
        written: &["₿", "BTC"],
        unit: ("bitcoin", "bitcoins"),
        part: None,
    },
    Currency {
        written: &["MXN"],
        unit: ("Mexican peso", "Mexican pesos"),
        part: None,
    },
    Currency {
        written: &["SEK"],
        unit: ("Swedish krona", "Swedish kronor"),
        part: None,
    },
    Currency {
        written: &["NOK"],
        unit: ("Norwegian krone", "Norwegian kroner"),
        part: None,
    },
    Currency {
        written: &["DKK"],
        unit: ("Danish krone", "Danish kroner"),
        part: None,
    },
    Currency {
        written: &["PLN"],
        unit: ("zloty", "zlotys"),
        part: None,
    },
    Currency {
        written: &["ZAR"],
        unit: ("rand", "rand"),
        part: None,
    },
];

/// What may follow an amount: a magnitude, a range, a rate.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    amount(&format!(
        r"(?P<sign1>[+-])?(?P<code>{}) ?(?P<sign2>-)?",
        codes()
    ))
});
static AFTER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"\A(?P<sign1>[+-])?(?P<a>{DIGITS})(?: ?[-–] ?(?P<b>{DIGITS}))? ?(?P<m>k|K|m|M|bn|b|B|tn|T|thousand|million|billion|trillion)? ?(?P<code>{})", codes()))
        .expect("a literal pattern")
});
static SMALL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A(?P<n>[0-9]{1,2})(?P<coin>¢|p)(?-u:\b|$| )").expect("a literal pattern")
});
static RATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A ?/ ?(?P<unit>month|mo|year|yr|y|day|d|hour|hr|h|week|wk|minute|min|user|seat|person|night|unit|item|kg|lb|oz|l|m|mile)(?-u:\b)\.?")
        .expect("a literal pattern")
});

fn codes() -> String {
    let mut all: Vec<&str> = CURRENCIES
        .iter()
        .flat_map(|c| c.written.iter().copied())
        .collect();
    all.sort_by_key(|c| std::cmp::Reverse(c.len()));
    all.iter()
        .map(|c| regex::escape(c))
        .collect::<Vec<_>>()
        .join("|")
}

fn amount(prefix: &str) -> Regex {
    Regex::new(&format!(
        r"\A{prefix}(?P<a>{DIGITS})(?: ?[-–] ?(?:{codes})?(?P<b>{DIGITS}))?(?: ?(?P<m>thousand|million|billion|trillion)(?-u:\b)|(?P<letters>k|K|mn|mm|MM|m|M|bn|Bn|b|B|tn|T|t)(?-u:\b))?",
        codes = codes()
    ))
    .expect("a literal pattern")
}

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    if !c.at_word_start() {
        return None;
    }
    let text = c.rest();
    let (found, before) = match BEFORE.captures(text) {
        Some(found) => (found, true),
        None if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
            match AFTER.captures(text) {
                Some(found) => (found, false),
                None => return coin(c),
            }
        }
        None => return None,
    };
    let code = &found["code"];
    let mut len = found.get(0)?.end();
    // A code is a word of its own; a sign is not.
    if code.ends_with(char::is_alphanumeric)
        && !before
        && text[len..].starts_with(char::is_alphanumeric)
    {
        return None;
    }
    if before && text[len..].starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let currency = CURRENCIES.iter().find(|c| c.written.contains(&code))?;
    let get = |name| found.name(name).map(|m| m.as_str());
    let sign = match get("sign1").or(if before { get("sign2") } else { None }) {
        Some("-") => "minus ",
        Some("+") => "plus ",
        _ => "",
    };
    let scale = get("m").or(if before { get("letters") } else { None });
    let scale = match scale {
        Some(word) if word.len() > 3 => Some(word),
        Some(letters) => magnitude(letters),
        None => None,
    };
    let a = get("a")?;
    let mut words = match (get("b"), scale) {
        (Some(b), scale) => {
            let scale = scale.map_or(String::new(), |s| format!(" {s}"));
            format!(
                "{} to {}{scale} {}",
                decimal(a, c.language),
                decimal(b, c.language),
                currency.unit.1
            )
        }
        (None, Some(scale)) => format!("{} {scale} {}", decimal(a, c.language), currency.unit.1),
        (None, None) => exact(a, currency, c),
    };
    words.insert_str(0, sign);
    if let Some(rate) = RATE.captures(&text[len..]) {
        words.push_str(&format!(" per {}", per(&rate["unit"])));
        len += rate.get(0)?.end();
    }
    Reading::new(len, words)
}

/// Whole units and hundredths.
fn exact(amount: &str, currency: &Currency, c: &Cursor<'_>) -> String {
    let unit = |n: &str| {
        if n == "1" {
            currency.unit.0
        } else {
            currency.unit.1
        }
    };
    let (whole, hundredths) = amount.split_once('.').unwrap_or((amount, ""));
    let (Some(part), 2) = (currency.part, hundredths.len()) else {
        let name = if hundredths.is_empty() {
            unit(whole)
        } else {
            currency.unit.1
        };
        return format!("{} {name}", decimal(amount, c.language));
    };
    let coins = hundredths.trim_start_matches('0');
    let whole_is_zero = whole.bytes().all(|b| b == b'0');
    let coin_words = format!(
        "{} {}",
        cardinal(hundredths, c.language),
        if coins == "1" { part.0 } else { part.1 }
    );
    match (whole_is_zero, coins.is_empty()) {
        (_, true) => format!("{} {}", cardinal(whole, c.language), unit(whole)),
        (true, false) => coin_words,
        (false, false) => format!(
            "{} {} and {coin_words}",
            cardinal(whole, c.language),
            unit(whole)
        ),
    }
}

/// 99¢, and 50p in Britain.
fn coin(c: &Cursor<'_>) -> Option<Reading> {
    let found = SMALL.captures(c.rest())?;
    let n = &found["n"];
    let name = match (&found["coin"], c.language) {
        ("¢", _) => {
            if n == "1" {
                "cent"
            } else {
                "cents"
            }
        }
        (_, crate::Language::EnGb) => {
            if n == "1" {
                "penny"
            } else {
                "pence"
            }
        }
        _ => return None,
    };
    let len = found.name("coin")?.end();
    Reading::new(len, format!("{} {name}", cardinal(n, c.language)))
}

fn per(unit: &str) -> &str {
    match unit {
        "mo" => "month",
        "yr" | "y" => "year",
        "d" => "day",
        "hr" | "h" => "hour",
        "wk" => "week",
        "min" => "minute",
        "kg" => "kilogram",
        "lb" => "pound",
        "oz" => "ounce",
        "l" => "liter",
        "m" => "meter",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{gb, us};

    #[test]
    fn five_countries() {
        us(&[
            ("$5", "five dollars"),
            ("$1", "one dollar"),
            ("$3.50", "three dollars and fifty cents"),
            ("$0.99", "ninety-nine cents"),
            (
                "$1,234.56",
                "one thousand two hundred thirty-four dollars and fifty-six cents",
            ),
            ("€20", "twenty euros"),
            ("20 €", "twenty euros"),
            ("£1.01", "one pound and one penny"),
            ("¥500", "five hundred yen"),
            ("₹1,50,000", "one hundred fifty thousand rupees"),
            ("Rs. 500", "five hundred rupees"),
            ("USD 50", "fifty dollars"),
            ("50 GBP", "fifty pounds"),
            ("CHF 10", "ten Swiss francs"),
            ("A$7", "seven Australian dollars"),
        ]);
    }

    #[test]
    fn magnitudes_ranges_and_rates() {
        us(&[
            ("$3.5 million", "three point five million dollars"),
            ("£20k", "twenty thousand pounds"),
            ("$2bn", "two billion dollars"),
            ("$5-10", "five to ten dollars"),
            ("-$5", "minus five dollars"),
            ("$20/month", "twenty dollars per month"),
            ("$9.99/mo.", "nine dollars and ninety-nine cents per month"),
            ("$5.", "five dollars."),
            ("99¢", "ninety-nine cents"),
        ]);
        gb(&[
            ("50p", "fifty pence"),
            ("£3.20", "three pounds and twenty pence"),
        ]);
    }
}

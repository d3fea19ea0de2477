//! The values of attributes: times, rates, volumes, kinds of text.
//!
//! Each function answers the value, or what the attribute takes instead.

use super::MAX_BREAK_MS;
use crate::normalise::{DateOrder, SayAs};

/// Rates that an utterance may end up with.
const RATES: std::ops::RangeInclusive<f32> = 0.25..=4.0;
/// Volumes that an utterance may end up with.
const VOLUMES: std::ops::RangeInclusive<f32> = 0.0..=4.0;

/// `500ms`, `1.5s`: milliseconds.
pub(super) fn time(value: &str) -> Result<u32, String> {
    let wanted = || {
        format!(
            "a time is a number with its unit, such as 500ms or 1.5s, of at most {} s",
            MAX_BREAK_MS / 1_000
        )
    };
    let value = value.trim();
    let (number, scale) = match value.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (value.strip_suffix('s').ok_or_else(wanted)?, 1_000.0),
    };
    let milliseconds = decimal(number.trim_start_matches('+')).ok_or_else(wanted)? * scale;
    if milliseconds > MAX_BREAK_MS as f32 {
        return Err(wanted());
    }
    Ok(milliseconds.round() as u32)
}

/// The pause of a strength, in milliseconds.
pub(super) fn strength(value: &str) -> Result<u32, String> {
    Ok(match value.trim() {
        "none" => 0,
        "x-weak" => 100,
        "weak" => 200,
        "medium" => 400,
        "strong" => 700,
        "x-strong" => 1_200,
        _ => return Err("a strength is none, x-weak, weak, medium, strong or x-strong".to_owned()),
    })
}

/// What the rate is multiplied by.
pub(super) fn rate(value: &str) -> Result<f32, String> {
    let factor = match value.trim() {
        "x-slow" => Some(0.6),
        "slow" => Some(0.8),
        "medium" | "default" => Some(1.0),
        "fast" => Some(1.25),
        "x-fast" => Some(1.6),
        other => match other.strip_suffix('%') {
            Some(percent) => signed(percent).map(|n| match n {
                Signed::Change(by) => 1.0 + by / 100.0,
                Signed::Value(n) => n / 100.0,
            }),
            None => decimal(other),
        },
    };
    factor.filter(|f| RATES.contains(f)).ok_or_else(|| {
        "a rate is x-slow, slow, medium, fast, x-fast, a percentage of the usual one such as 120%, a change such as +20%, or a factor from 0.25 to 4".to_owned()
    })
}

/// What the amplitude is multiplied by.
pub(super) fn volume(value: &str) -> Result<f32, String> {
    let decibels = |db: f32| 10_f32.powf(db / 20.0);
    let factor = match value.trim() {
        "silent" => Some(0.0),
        "x-soft" => Some(decibels(-12.0)),
        "soft" => Some(decibels(-6.0)),
        "medium" | "default" => Some(1.0),
        "loud" => Some(decibels(3.0)),
        "x-loud" => Some(decibels(6.0)),
        other => {
            if let Some(db) = other
                .strip_suffix("dB")
                .or_else(|| other.strip_suffix("db"))
            {
                signed(db).map(|n| match n {
                    Signed::Change(db) | Signed::Value(db) => decibels(db),
                })
            } else if let Some(percent) = other.strip_suffix('%') {
                signed(percent).map(|n| match n {
                    Signed::Change(by) => 1.0 + by / 100.0,
                    Signed::Value(n) => n / 100.0,
                })
            } else {
                // SSML 1.0: 0 to 100, of which 100 is the usual.
                decimal(other).filter(|n| *n <= 100.0).map(|n| n / 100.0)
            }
        }
    };
    factor.filter(|f| VOLUMES.contains(f)).ok_or_else(|| {
        "a volume is silent, x-soft, soft, medium, loud, x-loud, a change in decibels up to +12dB such as -6dB, or a number from 0 to 100".to_owned()
    })
}

/// Within what an utterance may have, however elements are nested.
pub(super) fn bounded_rate(rate: f32) -> f32 {
    rate.clamp(*RATES.start(), *RATES.end())
}

/// As [`bounded_rate`], for volumes.
pub(super) fn bounded_volume(volume: f32) -> f32 {
    volume.clamp(*VOLUMES.start(), *VOLUMES.end())
}

/// Whether a pitch, range or contour asks for no change.
pub(super) fn is_neutral(value: &str) -> bool {
    let value = value.trim();
    matches!(value, "medium" | "default")
        || ["%", "st", "Hz"].iter().any(|unit| {
            value.strip_suffix(unit).is_some_and(|n| {
                matches!(signed(n), Some(Signed::Change(0.0))) || n == "0" && *unit != "Hz"
            })
        })
}

/// What kind of text `interpret-as` and `format` name.
pub(super) fn say_as(kind: &str, format: Option<&str>) -> Result<SayAs, String> {
    Ok(match (kind.trim(), format.map(str::trim)) {
        ("number", Some("ordinal")) => SayAs::Ordinal,
        ("number", Some("telephone")) => SayAs::Telephone,
        ("number", Some("digits")) => SayAs::Digits,
        ("cardinal" | "number", _) => SayAs::Cardinal,
        ("ordinal", _) => SayAs::Ordinal,
        ("characters" | "spell-out" | "verbatim" | "letters", _) => SayAs::Characters,
        ("digits" | "number_digit", _) => SayAs::Digits,
        ("fraction", _) => SayAs::Fraction,
        ("unit" | "measure", _) => SayAs::Unit,
        ("time", _) => SayAs::Time,
        ("telephone" | "phone", _) => SayAs::Telephone,
        ("currency" | "money", _) => SayAs::Currency,
        ("date", format) => SayAs::Date(date_order(format)?),
        _ => return Err("interpret-as is cardinal, ordinal, characters, spell-out, digits, fraction, unit, date, time, telephone or currency".to_owned()),
    })
}

fn date_order(format: Option<&str>) -> Result<DateOrder, String> {
    Ok(match format.unwrap_or_default() {
        "" => DateOrder::Usual,
        "mdy" => DateOrder::Mdy,
        "dmy" => DateOrder::Dmy,
        "ymd" | "yyyymmdd" => DateOrder::Ymd,
        "ydm" => DateOrder::Ydm,
        "md" => DateOrder::Md,
        "dm" => DateOrder::Dm,
        "ym" => DateOrder::Ym,
        "my" => DateOrder::My,
        "m" => DateOrder::M,
        "d" => DateOrder::D,
        "y" => DateOrder::Y,
        _ => {
            return Err(
                "the format of a date is mdy, dmy, ymd, ydm, md, dm, ym, my, m, d or y".to_owned(),
            );
        }
    })
}

/// Whether a value is a language tag: letters and digits in parts of at most eight.
pub(super) fn is_language_tag(value: &str) -> bool {
    (2..=35).contains(&value.len())
        && value.split('-').enumerate().all(|(i, part)| {
            (1..=8).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric())
                && (i > 0 || part.len() >= 2 && part.bytes().all(|b| b.is_ascii_alphabetic()))
        })
}

enum Signed {
    /// With a sign.
    Change(f32),
    /// Without.
    Value(f32),
}

fn signed(number: &str) -> Option<Signed> {
    let number = number.trim();
    match number.as_bytes().first()? {
        b'+' => decimal(&number[1..]).map(Signed::Change),
        b'-' => decimal(&number[1..]).map(|n| Signed::Change(-n)),
        _ => decimal(number).map(Signed::Value),
    }
}

/// Digits with a decimal point; no sign, no exponent, no words.
fn decimal(number: &str) -> Option<f32> {
    let number = number.trim();
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && number.bytes().any(|b| b.is_ascii_digit())
        && number.len() <= 12;
    plain.then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (value, ms) in [
            ("500ms", 500),
            ("1s", 1_000),
            ("1.5s", 1_500),
            (".5s", 500),
            ("+250ms", 250),
            ("0s", 0),
            (" 10s ", 10_000),
        ] {
            assert_eq!(time(value), Ok(ms), "{value}");
        }
        for value in [
            "",
            "5",
            "s",
            "-1s",
            "11s",
            "1e3ms",
            "infs",
            "NaNs",
            "1 minute",
            "99999999999999999999s",
        ] {
            assert!(time(value).is_err(), "{value}");
        }
    }

    #[test]
    fn rates_and_volumes() {
        for (value, factor) in [
            ("slow", 0.8),
            ("120%", 1.2),
            ("+20%", 1.2),
            ("-50%", 0.5),
            ("1.5", 1.5),
            ("medium", 1.0),
        ] {
            assert!((rate(value).unwrap() - factor).abs() < 1e-6, "{value}");
        }
        for value in ["", "faster", "0", "500%", "-100%", "+5", "NaN"] {
            assert!(rate(value).is_err(), "{value}");
        }
        for (value, factor) in [
            ("silent", 0.0),
            ("+6dB", 1.995),
            ("-6dB", 0.501),
            ("50", 0.5),
            ("+10%", 1.1),
            ("soft", 0.501),
        ] {
            assert!((volume(value).unwrap() - factor).abs() < 1e-3, "{value}");
        }
        for value in ["", "louder", "101", "+40dB", "-200%"] {
            assert!(volume(value).is_err(), "{value}");
        }
    }

    #[test]
    fn pitches_that_change_nothing() {
        for value in ["medium", "default", "+0%", "-0%", "+0st", "0%"] {
            assert!(is_neutral(value), "{value}");
        }
        for value in ["high", "+5%", "120Hz", "0Hz", ""] {
            assert!(!is_neutral(value), "{value}");
        }
    }

    #[test]
    fn language_tags() {
        for tag in ["en", "en-US", "de-DE", "zh-Hans-CN"] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for tag in ["", "e", "en_US", "1n", "en-", "toolonglanguage"] {
            assert!(!is_language_tag(tag), "{tag}");
        }
    }
}

//! Quantities: a number and the unit written behind it, also in compounds (km/h), feet and inches, degrees.

use std::sync::LazyLock;

use regex::Regex;

use super::number;
use super::{Cursor, Reading};

/// A unit: how it is written, singular and plural, and whether it may stand behind a blank.
///
/// Single letters that are also words or initials ("5 A", "10 B") need to touch their number.
struct Unit(&'static str, &'static str, &'static str, Blank);

#[derive(Clone, Copy, PartialEq)]
enum Blank {
    Allowed,
    Forbidden,
}
use Blank::{Allowed, Forbidden};

const UNITS: &[Unit] = &[
    // Length
    Unit("nm", "nanometer", "nanometers", Allowed),
    Unit("µm", "micrometer", "micrometers", Allowed),
    Unit("mm", "millimeter", "millimeters", Allowed),
    Unit("cm", "centimeter", "centimeters", Allowed),
    Unit("dm", "decimeter", "decimeters", Allowed),
    Unit("m", "meter", "meters", Allowed),
    Unit("km", "kilometer", "kilometers", Allowed),
    Unit("ft", "foot", "feet", Allowed),
    Unit("yd", "yard", "yards", Allowed),
    Unit("yds", "yard", "yards", Allowed),
    Unit("mi", "mile", "miles", Allowed),
    Unit("in.", "inch", "inches", Allowed),
    Unit("ly", "light-year", "light-years", Allowed),
    // Mass
    Unit("µg", "microgram", "micrograms", Allowed),
    Unit("mcg", "microgram", "micrograms", Allowed),
    Unit("mg", "milligram", "milligrams", Allowed),
    Unit("g", "gram", "grams", Allowed),
    Unit("kg", "kilogram", "kilograms", Allowed),
    Unit("lb", "pound", "pounds", Allowed),
    Unit("lbs", "pound", "pounds", Allowed),
    Unit("oz", "ounce", "ounces", Allowed),
    // Volume
    Unit("ml", "milliliter", "milliliters", Allowed),
    Unit("mL", "milliliter", "milliliters", Allowed),
    Unit("cl", "centiliter", "centiliters", Allowed),
    Unit("dl", "deciliter", "deciliters", Allowed),
    Unit("l", "liter", "liters", Allowed),
    Unit("L", "liter", "liters", Allowed),
    Unit("gal", "gallon", "gallons", Allowed),
    Unit("qt", "quart", "quarts", Allowed),
    Unit("tsp", "teaspoon", "teaspoons", Allowed),
    Unit("tbsp", "tablespoon", "tablespoons", Allowed),
    // Time
    Unit("ns", "nanosecond", "nanoseconds", Allowed),
    Unit("µs", "microsecond", "microseconds", Allowed),
    Unit("us", "microsecond", "microseconds", Forbidden),
    Unit("ms", "millisecond", "milliseconds", Allowed),
    Unit("s", "second", "seconds", Allowed),
    Unit("sec", "second", "seconds", Allowed),
    Unit("secs", "second", "seconds", Allowed),
    Unit("min", "minute", "minutes", Allowed),
    Unit("mins", "minute", "minutes", Allowed),
    Unit("h", "hour", "hours", Allowed),
    Unit("hr", "hour", "hours", Allowed),
    Unit("hrs", "hour", "hours", Allowed),
    Unit("d", "day", "days", Forbidden),
    Unit("wk", "week", "weeks", Allowed),
    Unit("wks", "week", "weeks", Allowed),
    Unit("mo", "month", "months", Allowed),
    Unit("yr", "year", "years", Allowed),
    Unit("yrs", "year", "years", Allowed),
    // Speed and rates
    Unit("mph", "mile per hour", "miles per hour", Allowed),
    Unit("kph", "kilometer per hour", "kilometers per hour", Allowed),
    Unit(
        "rpm",
        "revolution per minute",
        "revolutions per minute",
        Allowed,
    ),
    Unit("bpm", "beat per minute", "beats per minute", Allowed),
    Unit("fps", "frame per second", "frames per second", Allowed),
    Unit("kbps", "kilobit per second", "kilobits per second", Allowed),
    Unit(
        "kbit/s",
        "kilobit per second",
        "kilobits per second",
        Allowed,
    ),
    Unit("Kbps", "kilobit per second", "kilobits per second", Allowed),
    Unit("Mbps", "megabit per second", "megabits per second", Allowed),
    Unit(
        "Mbit/s",
        "megabit per second",
        "megabits per second",
        Allowed,
    ),
    Unit("Gbps", "gigabit per second", "gigabits per second", Allowed),
    // Data
    Unit("bit", "bit", "bits", Allowed),
    Unit("kB", "kilobyte", "kilobytes", Allowed),
    Unit("KB", "kilobyte", "kilobytes", Allowed),
    Unit("MB", "megabyte", "megabytes", Allowed),
    Unit("GB", "gigabyte", "gigabytes", Allowed),
    Unit("TB", "terabyte", "terabytes", Allowed),
    Unit("PB", "petabyte", "petabytes", Allowed),
    Unit("KiB", "kibibyte", "kibibytes", Allowed),
    Unit("MiB", "mebibyte", "mebibytes", Allowed),
    Unit("GiB", "gibibyte", "gibibytes", Allowed),
    Unit("TiB", "tebibyte", "tebibytes", Allowed),
    Unit("Mb", "megabit", "megabits", Allowed),
    Unit("Gb", "gigabit", "gigabits", Allowed),
    Unit("px", "pixel", "pixels", Allowed),
    Unit("MP", "megapixel", "megapixels", Allowed),
    // Electricity, frequency, power, sound
    Unit("Hz", "hertz", "hertz", Allowed),
    Unit("kHz", "kilohertz", "kilohertz", Allowed),
    Unit("MHz", "megahertz", "megahertz", Allowed),
    Unit("GHz", "gigahertz", "gigahertz", Allowed),
    Unit("mV", "millivolt", "millivolts", Allowed),
    Unit("V", "volt", "volts", Allowed),
    Unit("kV", "kilovolt", "kilovolts", Allowed),
    Unit("mA", "milliamp", "milliamps", Allowed),
    Unit("A", "amp", "amps", Forbidden),
    Unit("mAh", "milliamp hour", "milliamp hours", Allowed),
    Unit("Ah", "amp hour", "amp hours", Allowed),
    Unit("mW", "milliwatt", "milliwatts", Allowed),
    Unit("W", "watt", "watts", Allowed),
    Unit("kW", "kilowatt", "kilowatts", Allowed),
    Unit("MW", "megawatt", "megawatts", Allowed),
    Unit("GW", "gigawatt", "gigawatts", Allowed),
    Unit("Wh", "watt hour", "watt hours", Allowed),
    Unit("kWh", "kilowatt hour", "kilowatt hours", Allowed),
    Unit("MWh", "megawatt hour", "megawatt hours", Allowed),
    Unit("ohm", "ohm", "ohms", Allowed),
    Unit("kohm", "kiloohm", "kiloohms", Allowed),
    Unit("Mohm", "megaohm", "megaohms", Allowed),
    Unit("dB", "decibel", "decibels", Allowed),
    Unit("J", "joule", "joules", Allowed),
    Unit("kJ", "kilojoule", "kilojoules", Allowed),
    Unit("cal", "calorie", "calories", Allowed),
    Unit("kcal", "kilocalorie", "kilocalories", Allowed),
    Unit("hp", "horsepower", "horsepower", Allowed),
    Unit("N", "newton", "newtons", Forbidden),
    Unit("Pa", "pascal", "pascals", Allowed),
    Unit("hPa", "hectopascal", "hectopascals", Allowed),
    Unit("kPa", "kilopascal", "kilopascals", Allowed),
    Unit("psi", "P-S-I", "P-S-I", Allowed),
    Unit("ppm", "part per million", "parts per million", Allowed),
    // Area
    Unit("ha", "hectare", "hectares", Allowed),
    Unit("sqm", "square meter", "square meters", Allowed),
    Unit("sqft", "square foot", "square feet", Allowed),
    Unit("sq ft", "square foot", "square feet", Allowed),
    Unit("sq. ft.", "square foot", "square feet", Allowed),
    Unit("sq mi", "square mile", "square miles", Allowed),
    // Angles and temperature
    Unit("°C", "degree Celsius", "degrees Celsius", Allowed),
    Unit("° C", "degree Celsius", "degrees Celsius", Allowed),
    Unit("°F", "degree Fahrenheit", "degrees Fahrenheit", Allowed),
    Unit("° F", "degree Fahrenheit", "degrees Fahrenheit", Allowed),
    Unit("°", "degree", "degrees", Allowed),
];

static UNIT: LazyLock<Regex> = LazyLock::new(|| {
    let mut written: Vec<&str> = UNITS.iter().map(|u| u.0).collect();
    written.sort_by_key(|u| std::cmp::Reverse(u.len()));
    let one = written
        .iter()
        .map(|u| regex::escape(u))
        .collect::<Vec<_>>()
        .join("|");
    Regex::new(&format!(
        r"\A(?P<unit>{one})(?P<power>\^?[23]|²|³)?(?:/(?P<per>{one})(?P<per_power>²|³|\^?[23])?)?"
    ))
    .expect("a literal pattern")
});
static FEET: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\A(?P<ft>[0-9]{1,3}) ?(?:'|′|ft\.?|feet) ?(?P<in>[0-9]{1,2}(?:\.[0-9]+)?) ?(?:"|″|''|in\.?(?-u:\b)|inches)"#).expect("a literal pattern")
});
static PRIMES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"\A(?P<n>[0-9]{1,4}(?:\.[0-9]+)?)(?P<mark>″|′|"|-inch)"#)
        .expect("a literal pattern")
});

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let first = text.chars().next()?;
    if !first.is_ascii_digit() && !matches!(first, '-' | '+' | '.') || !c.at_word_start() {
        return None;
    }
    if matches!(first, '-' | '+' | '.')
        && c.previous_char()
            .is_some_and(|p| !p.is_whitespace() && p != '(')
    {
        return None;
    }
    if let Some(found) = FEET.captures(text) {
        let feet = number::at_start(&found["ft"], c.language)?;
        let inches = number::at_start(&found["in"], c.language)?;
        let inch = if inches.singular { "inch" } else { "inches" };
        let foot = if feet.singular { "foot" } else { "feet" };
        return Reading::new(
            found.get(0)?.end(),
            format!("{} {foot} {} {inch}", feet.words, inches.words),
        );
    }
    if let Some(found) = PRIMES.captures(text)
        && let Some(n) = number::at_start(&found["n"], c.language)
        && (&found["mark"] != "\"" || !quoted(c))
    {
        let unit = match (&found["mark"], n.singular) {
            ("-inch", _) => "inch",
            ("′", true) => "foot",
            ("′", false) => "feet",
            (_, true) => "inch",
            (_, false) => "inches",
        };
        return Reading::new(found.get(0)?.end(), format!("{} {unit}", n.words));
    }
    let n = number::at_start(text, c.language)?;
    let rest = &text[n.len..];
    let gap = usize::from(rest.starts_with([' ', '-']));
    let found = UNIT.captures(&rest[gap..])?;
    let written = &found["unit"];
    let unit = UNITS.iter().find(|u| u.0 == written)?;
    let mut len = n.len + gap + found.get(0)?.end();
    if gap == 1 && (unit.3 == Forbidden || rest.starts_with('-') && written.len() < 2) {
        return None;
    }
    if text[len..].starts_with(|f: char| f.is_alphanumeric()) && !written.ends_with('°') {
        return None;
    }
    if written == "s" && gap == 0 && is_decade(&text[..n.len], c) {
        return None;
    }
    if is_word_here(written, gap, &text[len..]) {
        return None;
    }
    // The stop of an abbreviated unit, unless it ends the sentence.
    if written.len() > 1
        && !written.ends_with('.')
        && text[len..].starts_with('.')
        && !c.ends_after(len)
        && text[len + 1..].starts_with(' ')
        && text[len + 2..].starts_with(char::is_lowercase)
    {
        len += 1;
    }
    let attributive = rest.starts_with('-');
    let power = match found
        .name("power")
        .map(|p| p.as_str().trim_start_matches('^'))
    {
        Some("2" | "²") => "square ",
        Some("3" | "³") => "cubic ",
        _ => "",
    };
    let name = spelling(
        if n.singular || attributive {
            unit.1
        } else {
            unit.2
        },
        c,
    );
    let per = found
        .name("per")
        .and_then(|p| UNITS.iter().find(|u| u.0 == p.as_str()))
        .map_or(String::new(), |u| {
            let power = match found
                .name("per_power")
                .map(|p| p.as_str().trim_start_matches('^'))
            {
                Some("2" | "²") => {
                    if u.0 == "s" {
                        " squared"
                    } else {
                        "square "
                    }
                }
                Some("3" | "³") => "cubic ",
                _ => "",
            };
            if power.starts_with(' ') {
                format!(" per {}{power}", spelling(u.1, c))
            } else {
                format!(" per {power}{}", spelling(u.1, c))
            }
        });
    Reading::new(len, format!("{} {power}{name}{per}", n.words))
}

/// Letters that are no unit in this place: "5 m" is metres, but "5 s" and "8 h" followed by letters may be names;
/// "in" and "mo" are words.
fn is_word_here(written: &str, gap: usize, after: &str) -> bool {
    match written {
        "m" | "g" | "s" | "h" | "l" | "L" | "V" | "W" | "J" if gap == 1 => {
            after.starts_with(['\'', '.']) && after[1..].starts_with(char::is_alphabetic)
        }
        "mo" | "MP" | "cal" | "bit" | "ha" | "ly" => gap == 1,
        _ => false,
    }
}

/// "the 1990s", "her early 30s" are decades; "a 30s clip" is half a minute.
fn is_decade(digits: &str, c: &Cursor<'_>) -> bool {
    const BEFORE: [&str; 9] = [
        "the", "early", "mid", "late", "his", "her", "their", "my", "your",
    ];
    digits.ends_with('0')
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits.len() == 4 || BEFORE.contains(&c.previous_word().to_lowercase().as_str()))
}

/// Whether an open straight quote stands before the cursor, which a quote behind a number then closes.
fn quoted(c: &Cursor<'_>) -> bool {
    c.before().matches('"').count() % 2 == 1
}

/// British spelling of metric units; it sounds the same but reads right.
fn spelling(name: &str, c: &Cursor<'_>) -> String {
    match c.language {
        crate::Language::EnUs => name.to_owned(),
        crate::Language::EnGb => name.replace("meter", "metre").replace("liter", "litre"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{gb, us};

    #[test]
    fn units() {
        us(&[
            ("5 km", "five kilometers"),
            ("1 kg", "one kilogram"),
            ("72°F", "seventy-two degrees Fahrenheit"),
            ("-4 °C", "minus four degrees Celsius"),
            ("20°", "twenty degrees"),
            ("60 mph", "sixty miles per hour"),
            ("16GB", "sixteen gigabytes"),
            ("250ms", "two hundred fifty milliseconds"),
            ("100 km/h", "one hundred kilometers per hour"),
            ("9.8 m/s²", "nine point eight meters per second squared"),
            ("25 m²", "twenty-five square meters"),
            ("3.5 GHz", "three point five gigahertz"),
            ("5'10\"", "five feet ten inches"),
            ("6 ft 2 in", "six feet two inches"),
            ("a 27\" screen", "a twenty-seven inches screen"),
            ("5-10 km", "five to ten kilometers"),
            ("10 kΩ", "ten kiloohms"),
            ("100 Mbps", "one hundred megabits per second"),
            ("½ lb", "one half pound"),
            ("5 in the morning", "five in the morning"),
            ("We ran 5 km.", "We ran five kilometers."),
        ]);
        gb(&[("5 m", "five metres"), ("2 l", "two litres")]);
    }
}

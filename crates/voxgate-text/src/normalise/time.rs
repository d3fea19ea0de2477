//! Times of day, and the ratios that look like them.

use std::sync::LazyLock;

use regex::Regex;

use super::number_words::{cardinal, digit_by_digit};
use super::{Cursor, Reading};

const HALF: &str = r"(?: ?(?P<half>[AaPp])\.? ?[Mm](?P<stop>\.)?)";

static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"\A(?P<h>[0-9]{{1,2}}):(?P<m>[0-9][0-9])(?::(?P<s>[0-9][0-9])(?:\.[0-9]+)?)?(?:{HALF}(?-u:\b|$)?|(?P<zulu>Z)(?-u:\b)|(?P<hrs>h| hrs?)(?-u:\b))?")).expect("a literal pattern")
});
static HOUR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"\A(?P<h>[0-9]{{1,2}}){HALF}")).expect("a literal pattern")
});
static RATIO: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A(?P<a>[0-9]{1,6}):(?P<b>[0-9]{1,6})(?-u:\b)").expect("a literal pattern")
});
static DASH: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\A ?[-–] ?(?P<next>[0-9])").expect("a literal pattern"));

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    // The "T" of a timestamp stands between its date and its time.
    let stamp = c
        .before()
        .strip_suffix('T')
        .is_some_and(|date| date.ends_with(|d: char| d.is_ascii_digit()));
    if !text.starts_with(|f: char| f.is_ascii_digit())
        || !(c.at_word_start() || stamp)
        || c.previous_char() == Some(':')
    {
        return None;
    }
    let (mut len, mut words) = start_to_end(c, text)
        .or_else(|| bare_hour_range(c, text))
        .or_else(|| ratio(text, c))?;
    // 9am-5pm, 9:00–17:30.
    if let Some(dash) = DASH.captures(&text[len..])
        && let Some(at) = dash.name("next").map(|n| len + n.start())
        && let Some((more, end)) = one(c, &text[at..])
    {
        words = format!("{words} to {end}");
        len = at + more;
    }
    Reading::new(len, words)
}

fn start_to_end(c: &Cursor<'_>, text: &str) -> Option<(usize, String)> {
    one(c, text)
}

/// `9-5pm`: the first hour borrows its half of the day.
fn bare_hour_range(c: &Cursor<'_>, text: &str) -> Option<(usize, String)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let dash = DASH.captures(&text[digits..])?;
    let at = digits + dash.name("next")?.start();
    if digits > 2
        || text[..digits].parse::<u32>().is_ok_and(|h| h > 12)
        || !HOUR.is_match(&text[at..])
    {
        return None;
    }
    let (len, end) = one(c, &text[at..])?;
    Some((
        at + len,
        format!("{} to {end}", cardinal(&text[..digits], c.language)),
    ))
}

/// One time.
fn one(c: &Cursor<'_>, text: &str) -> Option<(usize, String)> {
    if let Some(found) = CLOCK.captures(text) {
        let (hour, minute) = (
            found["h"].parse::<u32>().ok()?,
            found["m"].parse::<u32>().ok()?,
        );
        let mut len = found.get(0)?.end();
        let half = half_of_day(c, text, &found, &mut len);
        if text[len..].starts_with(|c: char| c.is_alphanumeric()) || hour > 24 || minute > 59 {
            return None;
        }
        let hour_words = cardinal(&found["h"], c.language);
        let minutes = match (minute, half.is_some()) {
            (0, true) => String::new(),
            (0, false) if hour == 0 => " hundred".to_owned(),
            (0, false) if hour <= 12 && !found["h"].starts_with('0') => " o'clock".to_owned(),
            (0, false) => " hundred".to_owned(),
            (1..=9, _) => format!(" oh {}", cardinal(&found["m"], c.language)),
            _ => format!(" {}", cardinal(&found["m"], c.language)),
        };
        let seconds = match found.name("s").map(|s| s.as_str()) {
            Some("01") => " and one second".to_owned(),
            Some(s) if s != "00" => format!(" and {} seconds", cardinal(s, c.language)),
            _ => String::new(),
        };
        let zone = if found.name("zulu").is_some() {
            " U-T-C"
        } else {
            ""
        };
        let hours = if found["h"].starts_with('0') && hour > 0 && half.is_none() {
            format!("oh {hour_words}")
        } else {
            hour_words
        };
        return Some((
            len,
            format!(
                "{hours}{minutes}{seconds}{}{zone}",
                half.unwrap_or_default()
            ),
        ));
    }
    let found = HOUR.captures(text)?;
    let hour: u32 = found["h"].parse().ok()?;
    let mut len = found.get(0)?.end();
    let half = half_of_day(c, text, &found, &mut len)?;
    if text[len..].starts_with(|c: char| c.is_alphanumeric()) || !(1..=24).contains(&hour) {
        return None;
    }
    Some((len, format!("{}{half}", cardinal(&found["h"], c.language))))
}

/// " A-M" or " P-M". Leaves the last full stop to the sentence that ends there.
fn half_of_day(
    c: &Cursor<'_>,
    text: &str,
    found: &regex::Captures<'_>,
    len: &mut usize,
) -> Option<&'static str> {
    let half = found.name("half")?.as_str();
    let consumed = c.rest().len() - text.len() + *len;
    if found.name("stop").is_some() && c.ends_after(consumed) {
        *len -= 1;
    }
    Some(if half.eq_ignore_ascii_case("a") {
        " A-M"
    } else {
        " P-M"
    })
}

/// 16:9, 3:1.
fn ratio(text: &str, c: &Cursor<'_>) -> Option<(usize, String)> {
    let found = RATIO.captures(text)?;
    let len = found.get(0)?.end();
    if text[len..].starts_with(|c: char| c == ':' || c.is_alphanumeric()) {
        return None;
    }
    let side = |n: &str| {
        if n.len() > 1 && n.starts_with('0') {
            digit_by_digit(n)
        } else {
            cardinal(n, c.language)
        }
    };
    Some((
        len,
        format!("{} to {}", side(&found["a"]), side(&found["b"])),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::table::us;

    #[test]
    fn times() {
        us(&[
            ("3:05 pm", "three oh five P-M"),
            ("3:00 p.m.", "three P-M."),
            ("at 3 p.m. today", "at three P-M today"),
            ("14:30", "fourteen thirty"),
            ("14:00", "fourteen hundred"),
            ("09:15", "oh nine fifteen"),
            ("7:00", "seven o'clock"),
            ("14:30:15", "fourteen thirty and fifteen seconds"),
            ("9am-5pm", "nine A-M to five P-M"),
            ("9-5pm", "nine to five P-M"),
            ("10AM sharp", "ten A-M sharp"),
            ("16:9", "sixteen to nine"),
            ("a 3:1 ratio", "a three to one ratio"),
            ("08:00Z", "oh eight hundred U-T-C"),
        ]);
    }
}

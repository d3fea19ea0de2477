//! Which writing systems an English voice reads.
//!
//! Policy: a text is refused when **more than half of its letters** belong to scripts other than Latin. A logogram,
//! kana or Hangul syllable counts as two letters, since it stands for as much text. Letters of no particular script
//! (mathematical alphanumerics, `ª`) count as Latin, and a lone Greek letter, as in "π" or "10 kΩ", counts as the
//! symbol it is. Up to one half, foreign letters are transliterated and read.

use unicode_script::{Script, UnicodeScript};

use crate::{Language, TextError};

/// Refuses a text that is mostly of a script without an English reading. One pass, no allocation.
///
/// # Errors
///
/// [`TextError::UnsupportedScript`] names the commonest foreign script.
pub(crate) fn check(text: &str, language: Language) -> Result<(), TextError> {
    if text.is_ascii() {
        return Ok(());
    }
    let mut latin = 0_usize;
    // Texts mix few scripts: a short list beats a map. What comes after the eighth is counted with the last.
    let mut foreign: [(Script, usize); 8] = [(Script::Unknown, 0); 8];
    let mut previous_greek = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let script = c.script();
        let greek = script == Script::Greek;
        let lone_greek =
            greek && !previous_greek && chars.peek().is_none_or(|n| n.script() != Script::Greek);
        previous_greek = greek;
        if !c.is_alphabetic() || lone_greek {
            continue;
        }
        if matches!(script, Script::Latin | Script::Common | Script::Inherited) {
            latin += 1;
            continue;
        }
        let slot = foreign
            .iter()
            .position(|(s, n)| *s == script || *n == 0)
            .unwrap_or(foreign.len() - 1);
        foreign[slot].0 = script;
        foreign[slot].1 += weight(script);
    }
    let total: usize = foreign.iter().map(|(_, n)| n).sum();
    if total <= latin {
        return Ok(());
    }
    let (script, _) = foreign
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .unwrap_or((Script::Unknown, 0));
    Err(TextError::UnsupportedScript {
        script: script.full_name().replace('_', " "),
        language: language.to_string(),
    })
}

/// How many letters of an alphabet one letter of `script` stands for.
fn weight(script: Script) -> usize {
    match script {
        Script::Han
        | Script::Hiragana
        | Script::Katakana
        | Script::Hangul
        | Script::Bopomofo
        | Script::Yi => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script_of(text: &str) -> Option<String> {
        match check(text, Language::EnUs) {
            Ok(()) => None,
            Err(TextError::UnsupportedScript { script, .. }) => Some(script),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn texts_of_another_script_are_refused_by_name() {
        for (text, script) in [
            ("你好，世界。", "Han"),
            ("Привет, мир!", "Cyrillic"),
            ("مرحبا بالعالم", "Arabic"),
            ("안녕하세요", "Hangul"),
            ("こんにちは", "Hiragana"),
            ("カタカナ", "Katakana"),
            ("नमस्ते दुनिया", "Devanagari"),
            ("Καλημέρα κόσμε", "Greek"),
            ("שלום עולם", "Hebrew"),
            ("สวัสดีชาวโลก", "Thai"),
            ("გამარჯობა", "Georgian"),
            ("OK, 你好世界", "Han"),
        ] {
            assert_eq!(script_of(text).as_deref(), Some(script), "{text}");
        }
    }

    #[test]
    fn foreign_words_inside_english_pass() {
        for text in [
            "",
            "Hello",
            "naïve café",
            "The word мир means peace.",
            "My name is 田中太郎 and I live here.",
            "π",
            "10 kΩ",
            "α, β and γ",
            "𝓗𝓮𝓵𝓵𝓸",
            "123 !? …",
            "😀😀",
        ] {
            assert_eq!(script_of(text), None, "{text}");
        }
    }
}

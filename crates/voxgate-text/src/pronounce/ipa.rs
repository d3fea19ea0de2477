//! Pronunciations that a caller gives in IPA, in the alphabet the engines' voices know.
//!
//! Owns the mapping from the International Phonetic Alphabet to the misaki alphabet ([`super::alphabet`]): diphthongs
//! and affricates become one symbol, stress marks move from the start of the syllable to its vowel, where the models
//! were trained to see them, and sounds that English lacks become the nearest it has, as English speakers say loanwords.
//! The misaki letters (`A`, `I`, `O`, `Q`, `W`, `Y`, `T`, `ʤ`, `ʧ`, `ᵊ`, `ᵻ`) are accepted as they are, since none of them
//! means anything else in IPA. A symbol without an English neighbour is refused by name and place.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

use super::alphabet::{is_sound, is_vowel};
use crate::Language;

/// The longest pronunciation, in characters: a few words.
pub const MAX_IPA_CHARS: usize = 200;

/// Why a pronunciation cannot be spoken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IpaError {
    /// Nothing in it sounds.
    #[error("the pronunciation holds no sound")]
    Empty,
    /// Longer than [`MAX_IPA_CHARS`].
    #[error("the pronunciation is longer than {MAX_IPA_CHARS} characters")]
    TooLong,
    /// A symbol no voice knows.
    #[error(
        "the symbol {symbol:?} (character {position}) is no sound an English voice can make; use IPA such as \"təˈmeɪtoʊ\""
    )]
    UnknownSymbol {
        /// The symbol as written.
        symbol: char,
        /// Its place among the characters of the pronunciation, from 1.
        position: usize,
    },
}

/// Checks that a pronunciation can be spoken. What passes for one language passes for all.
///
/// # Errors
///
/// [`IpaError`] says what is wrong, and where.
pub fn check_ipa(ipa: &str) -> Result<(), IpaError> {
    from_ipa(ipa, Language::EnUs).map(|_| ())
}

/// The pronunciation in the alphabet of [`crate::Clause::phonemes`].
///
/// # Errors
///
/// As [`check_ipa`].
pub(crate) fn from_ipa(ipa: &str, language: Language) -> Result<String, IpaError> {
    let written: Vec<char> = ipa.nfc().collect();
    if written.len() > MAX_IPA_CHARS {
        return Err(IpaError::TooLong);
    }
    let mut out = Out {
        text: String::with_capacity(ipa.len()),
        stress: None,
    };
    let mut i = 0;
    while let Some(&symbol) = written.get(i) {
        let rest = &written[i..];
        if let Some((taken, sounds)) = pair(rest, language) {
            sounds.chars().for_each(|c| out.sound(c));
            i += taken;
            continue;
        }
        i += 1;
        match symbol {
            'ˈ' | '\'' | 'ˌ' => out.stress = Some(if symbol == 'ˌ' { 'ˌ' } else { 'ˈ' }),
            // American voices were trained without length marks; the vowel alone tells.
            'ː' | ':' if language == Language::EnGb => {
                if out.text.ends_with(is_vowel) {
                    out.text.push('ː');
                }
            }
            'ː' | ':' | 'ˑ' => {}
            // Syllable and word borders, ties, brackets, and marks of detail that voices do not hear.
            '.'
            | '‿'
            | '|'
            | '‖'
            | '/'
            | '['
            | ']'
            | '('
            | ')'
            | '-'
            | 'ʰ'
            | 'ʷ'
            | 'ʲ'
            | 'ˠ'
            | 'ˤ'
            | '˞'
            | '\u{300}'..='\u{328}'
            | '\u{32a}'..='\u{36f}' => {}
            // A syllabic consonant: the faint vowel stands before it.
            '\u{329}' => {
                if let Some(consonant) = out.text.pop() {
                    out.sound('ᵊ');
                    out.text.push(consonant);
                }
            }
            c if c.is_whitespace() => out.blank(),
            c => match one(c, language) {
                Some(sounds) => sounds.chars().for_each(|c| out.sound(c)),
                None => {
                    return Err(IpaError::UnknownSymbol {
                        symbol: c,
                        position: i,
                    });
                }
            },
        }
    }
    let text = out.text.trim_end().to_owned();
    if text.chars().any(is_sound) {
        Ok(text)
    } else {
        Err(IpaError::Empty)
    }
}

/// Collects sounds and sets stress marks before vowels.
struct Out {
    text: String,
    /// A mark that waits for its vowel.
    stress: Option<char>,
}

impl Out {
    fn sound(&mut self, c: char) {
        if is_vowel(c)
            && let Some(mark) = self.stress.take()
        {
            self.text.push(mark);
        }
        self.text.push(c);
    }

    fn blank(&mut self) {
        self.stress = None;
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }
}

/// Two or three characters that are one sound: how many, and the sound.
fn pair(rest: &[char], language: Language) -> Option<(usize, &'static str)> {
    let british = language == Language::EnGb;
    // A tie bar joins what it stands between; below or above.
    let (first, tied, second) = match *rest {
        [first, '\u{361}' | '\u{35c}', second, ..] => (first, 1, second),
        [first, second, ..] => (first, 0, second),
        _ => return None,
    };
    let sound = match (first, second) {
        ('e', 'ɪ' | 'i') | ('ɛ', 'ɪ') => "A",
        ('a' | 'ɑ' | 'ʌ', 'ɪ') => "I",
        ('a' | 'ɑ' | 'æ', 'ʊ') => "W",
        ('o', 'ʊ' | 'u') | ('ɔ', 'ʊ') => {
            if british {
                "Q"
            } else {
                "O"
            }
        }
        ('ə' | 'ɜ', 'ʊ') => {
            if british {
                "Q"
            } else {
                "O"
            }
        }
        ('ɔ' | 'o', 'ɪ') => "Y",
        ('t', 'ʃ') => "ʧ",
        ('d', 'ʒ') => "ʤ",
        ('ɜ', 'ː') if !british => {
            // American "bird": the r is heard, and written once.
            return Some(match rest.get(tied + 2) {
                Some('ɹ' | 'r') => (tied + 3, "ɜɹ"),
                _ => (tied + 2, "ɜɹ"),
            });
        }
        _ => return None,
    };
    Some((2 + tied, sound))
}

/// One character.
fn one(symbol: char, language: Language) -> Option<&'static str> {
    const SAME: &str = "AIOQWYTabdfhijklmnpstuvwzæðŋɐɑɔəɛɜɡɪɹʃʊʌʒʤʧθᵊᵻ";
    if let Some((at, c)) = SAME.char_indices().find(|(_, c)| *c == symbol) {
        return match (c, language) {
            ('a', Language::EnUs) => Some("æ"),
            ('Q', Language::EnUs) => Some("O"),
            ('O', Language::EnGb) => Some("Q"),
            _ => SAME.get(at..at + c.len_utf8()),
        };
    }
    let british = language == Language::EnGb;
    Some(match symbol {
        'g' => "ɡ",
        'r' | 'ɻ' | 'ʀ' | 'ʁ' | 'ɽ' => "ɹ",
        'e' => "ɛ",
        'o' if british => "ɔ",
        'o' => "O",
        'ɒ' if british => "ɒ",
        'ɒ' => "ɑ",
        'ɚ' if british => "ə",
        'ɚ' => "əɹ",
        'ɝ' if british => "ɜː",
        'ɝ' => "ɜɹ",
        'ɨ' => "ɪ",
        'ʉ' | 'ɯ' => "u",
        'y' => "i",
        'ʏ' => "ɪ",
        'ø' | 'œ' | 'ɶ' => "ɜ",
        'ɤ' => "ʌ",
        'ɘ' | 'ɵ' | 'ɞ' => "ə",
        'ɫ' | 'ɭ' | 'ɬ' => "l",
        'ʎ' => "lj",
        'ɲ' => "nj",
        'ɱ' => "m",
        'ɳ' | 'ɴ' => "n",
        'ɾ' if !british => "T",
        'ɾ' | 'ʔ' => "t",
        'ʍ' => "w",
        'ʋ' | 'β' => "v",
        'ɸ' => "f",
        'x' | 'χ' | 'q' => "k",
        'c' => "k",
        'ɟ' => "ʤ",
        'ç' | 'ħ' | 'ɦ' => "h",
        'ɣ' | 'ɢ' => "ɡ",
        'ʈ' => "t",
        'ɖ' => "d",
        'ɕ' | 'ʂ' => "ʃ",
        'ʑ' | 'ʐ' => "ʒ",
        'ʦ' => "ts",
        'ʣ' => "dz",
        'ʨ' => "ʧ",
        'ʥ' => "ʤ",
        'ɥ' | 'ʝ' => "j",
        'ɰ' => "w",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::is_phoneme_symbol;
    use super::*;

    #[test]
    fn ipa_becomes_the_models_alphabet() {
        for (ipa, us, gb) in [
            ("təˈmeɪtoʊ", "təmˈAtO", "təmˈAtQ"),
            ("/həˈləʊ/", "həlˈO", "həlˈQ"),
            ("ˈtʃɜːtʃ", "ʧˈɜɹʧ", "ʧˈɜːʧ"),
            ("t͡ʃɪp", "ʧɪp", "ʧɪp"),
            ("bɝd", "bɜɹd", "bɜːd"),
            ("ˈbʌtn̩", "bˈʌtᵊn", "bˈʌtᵊn"),
            ("bɒks", "bɑks", "bɒks"),
            ("ˌɪntəˈnæʃənəl", "ˌɪntənˈæʃənəl", "ˌɪntənˈæʃənəl"),
            ("kˈOkəɹO", "kˈOkəɹO", "kˈQkəɹQ"),
            ("ˈsan franˈsɪsko", "sˈæn fɹænsˈɪskO", "sˈan fɹansˈɪskɔ"),
            ("ʒɛʁaʁ", "ʒɛɹæɹ", "ʒɛɹaɹ"),
            ("mɲ", "mnj", "mnj"),
        ] {
            assert_eq!(from_ipa(ipa, Language::EnUs).as_deref(), Ok(us), "{ipa}");
            assert_eq!(from_ipa(ipa, Language::EnGb).as_deref(), Ok(gb), "{ipa}");
        }
    }

    #[test]
    fn what_no_voice_says_is_refused_by_name() {
        assert_eq!(
            check_ipa("kaǃ"),
            Err(IpaError::UnknownSymbol {
                symbol: 'ǃ',
                position: 3
            })
        );
        assert_eq!(check_ipa(""), Err(IpaError::Empty));
        assert_eq!(check_ipa("ˈ. ˌ"), Err(IpaError::Empty));
        assert_eq!(
            check_ipa(&"a".repeat(MAX_IPA_CHARS + 1)),
            Err(IpaError::TooLong)
        );
        assert!(check_ipa("tomato!").is_err());
    }

    #[test]
    fn every_answer_is_in_the_alphabet() {
        for c in (0..0x400).chain(0x1d00..0x1dc0).filter_map(char::from_u32) {
            for language in [Language::EnUs, Language::EnGb] {
                if let Ok(out) = from_ipa(&format!("a{c}ˈe"), language) {
                    assert!(out.chars().all(is_phoneme_symbol), "{c:?}: {out}");
                }
            }
        }
    }
}

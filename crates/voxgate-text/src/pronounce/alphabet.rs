//! The phoneme alphabet: which symbols leave this crate, and their espeak spelling.
//!
//! Owns the symbol sets. Does not know words.

use crate::word::Word;

/// Phonemes of the misaki English alphabet, American and British, with stress and length marks.
///
/// Every symbol is in the 178-entry table that Kokoro's voices were trained with.
const PHONEMES: &str = "AIOQTWYabdfhijklmnpstuvwzæðŋɐɑɒɔəɛɜɡɪɹʃʊʌʒʤʧˈˌːθᵊᵻ";
/// Punctuation that Kokoro reads as prosody, and the blank between words.
const PUNCTUATION: &str = ";:,.!?—…()“” ";

/// Whether `c` may stand in phonemes handed to an engine.
#[must_use]
pub fn is_phoneme_symbol(c: char) -> bool {
    PHONEMES.contains(c) || PUNCTUATION.contains(c)
}

/// Whether `c` sounds: a phoneme and not a stress mark, length mark, blank or punctuation.
pub(crate) fn is_sound(c: char) -> bool {
    PHONEMES.contains(c) && !matches!(c, 'ˈ' | 'ˌ' | 'ː')
}

/// Rewrites the lexicon's spelling as Kokoro's (flap and glottal stop) and drops what an engine would not know.
pub(super) fn to_kokoro(phonemes: &str) -> String {
    phonemes
        .chars()
        .map(|c| match c {
            'ɾ' => 'T',
            'ʔ' => 't',
            'g' => 'ɡ',
            other => other,
        })
        .filter(|c| PHONEMES.contains(*c))
        .collect()
}

/// As [`to_kokoro`], for several words: blanks stay.
pub(super) fn to_kokoro_words(phonemes: &str) -> String {
    let words: Vec<String> = phonemes.split(' ').map(to_kokoro).collect();
    words.join(" ")
}

/// Rewrites misaki phonemes as the espeak symbols that Piper voices were trained with.
///
/// Diphthongs and affricates become two symbols. American misaki drops the length marks that espeak's `en-us` writes
/// (`iː`, `uː`, `ɑː`, `ɔː`) and spells its r-coloured vowels in two symbols (`ɜɹ`, `əɹ` for `ɜː`, `ɚ`); both are put
/// back. British misaki keeps its length marks, so a text that holds any passes without that step.
/// Quotes and brackets go, a dash becomes a comma, an ellipsis a full stop.
#[must_use]
pub fn to_espeak_ipa(phonemes: &str) -> String {
    espeak(phonemes, |_, _| {})
}

/// As [`to_espeak_ipa`], with the ranges of `words` (in symbols of `phonemes`) carried over to the symbols of the answer.
#[must_use]
pub fn to_espeak_words(phonemes: &str, words: &[Word]) -> (String, Vec<Word>) {
    // At each symbol of the input: how many symbols were written before it.
    let mut written: Vec<usize> = Vec::with_capacity(phonemes.len());
    let mut count = 0;
    let mut counted = 0;
    let out = espeak(phonemes, |at, out| {
        count += out[counted..].chars().count();
        counted = out.len();
        // A symbol that was taken together with the one before ends where that one ends.
        written.resize(at + 1, count);
    });
    count += out[counted..].chars().count();
    let place = |symbol: usize| written.get(symbol).copied().unwrap_or(count);
    let words = words
        .iter()
        .map(|word| Word {
            source: word.source.clone(),
            phonemes: place(word.phonemes.start)..place(word.phonemes.end),
        })
        .collect();
    (out, words)
}

/// Writes the espeak spelling. `before` is told each symbol's place and what was written before it.
fn espeak(phonemes: &str, mut before: impl FnMut(usize, &str)) -> String {
    let british = phonemes.contains(['ː', 'ɒ', 'Q']);
    let mut out = String::with_capacity(phonemes.len() + phonemes.len() / 4);
    let mut stressed = false;
    let symbols: Vec<char> = phonemes.chars().collect();
    let mut i = 0;
    while i < symbols.len() {
        let symbol = symbols[i];
        before(i, &out);
        let next = symbols.get(i + 1).copied();
        i += 1;
        match symbol {
            'A' => out.push_str("eɪ"),
            'I' => out.push_str("aɪ"),
            'O' => out.push_str("oʊ"),
            'Q' => out.push_str("əʊ"),
            'W' => out.push_str("aʊ"),
            'Y' => out.push_str("ɔɪ"),
            'T' => out.push('ɾ'),
            'ᵊ' => out.push('ə'),
            'ʤ' => out.push_str("dʒ"),
            'ʧ' => out.push_str("tʃ"),
            '—' => out.push(','),
            '…' => out.push('.'),
            '“' | '”' | '(' | ')' => {}
            'ɜ' | 'ə' if !british && next == Some('ɹ') => {
                out.push_str(if symbol == 'ɜ' { "ɜː" } else { "ɚ" });
                // Before a vowel the r is heard as a consonant of its own.
                if !symbols[i + 1..]
                    .iter()
                    .find(|c| !matches!(c, 'ˈ' | 'ˌ'))
                    .is_some_and(|c| is_vowel(*c))
                {
                    i += 1;
                }
            }
            'ɑ' | 'ɔ' if !british => {
                out.push(symbol);
                out.push('ː');
            }
            // "happy" ends in a short i, "beat" has a long one: espeak marks length where there is stress.
            'i' | 'u' if !british && stressed => {
                out.push(symbol);
                out.push('ː');
            }
            _ => out.push(symbol),
        }
        match symbol {
            'ˈ' | 'ˌ' => stressed = true,
            c if is_vowel(c) || !is_sound(c) => stressed = false,
            _ => {}
        }
    }
    out
}

/// Whether `c` is a vowel or diphthong.
pub(super) fn is_vowel(c: char) -> bool {
    "AIOQWYaiuæɐɑɒɔəɛɜɪʊʌᵊᵻ".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The symbols of a packaged Piper voice's `phoneme_id_map` (espeak set, identical in every espeak-based voice).
    const PIPER: &str = "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyzæçðøħŋœǀǁǂǃɐɑɒɓɔɕɖɗɘəɚɛɜɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʘʙʛʜʝʟʡʢʲˈˌːˑ˞βθχᵻⱱ0123456789̧̪̯̩̃ʰˤε↓#\"";

    #[test]
    fn every_symbol_has_an_espeak_spelling_known_to_piper() {
        for c in PHONEMES.chars().chain(PUNCTUATION.chars()) {
            for text in [
                c.to_string(),
                format!("ː{c}"),
                format!("ˈ{c}"),
                format!("{c}ɹ"),
            ] {
                for out in to_espeak_ipa(&text).chars() {
                    assert!(PIPER.contains(out), "{c} gave {out}");
                }
            }
        }
    }

    #[test]
    fn american_length_and_r_colour_return() {
        for (misaki, espeak) in [
            ("hˈAt", "hˈeɪt"),
            ("bˈit", "bˈiːt"),
            ("hˈæpi", "hˈæpi"),
            ("bˈɜɹd", "bˈɜːd"),
            ("bˈɛTəɹ", "bˈɛɾɚ"),
            ("ˈɑpəɹˌATəɹ", "ˈɑːpɚɹˌeɪɾɚ"),
            ("ʤˈʌʤ ʧˈɜɹʧ.", "dʒˈʌdʒ tʃˈɜːtʃ."),
            ("“wˈAt” — nˈO…", "wˈeɪt , nˈoʊ."),
        ] {
            assert_eq!(to_espeak_ipa(misaki), espeak, "{misaki}");
        }
    }

    #[test]
    fn words_keep_their_symbols() {
        let phonemes = "“bˈɜɹd ʤˈʌmps” — nˈO…";
        let word = |start: usize, end: usize| Word {
            source: start..end,
            phonemes: start..end,
        };
        let (espeak, words) = to_espeak_words(phonemes, &[word(1, 6), word(7, 13), word(17, 20)]);
        assert_eq!(espeak, to_espeak_ipa(phonemes));
        let symbols: Vec<char> = espeak.chars().collect();
        let shown: Vec<String> = words
            .iter()
            .map(|w| symbols[w.phonemes.clone()].iter().collect())
            .collect();
        assert_eq!(shown, ["bˈɜːd", "dʒˈʌmps", "nˈoʊ"]);
    }

    #[test]
    fn british_keeps_its_own_length_marks() {
        assert_eq!(to_espeak_ipa("ɡˈQ hˈQm"), "ɡˈəʊ hˈəʊm");
        assert_eq!(to_espeak_ipa("bˈɜːd hˈapi"), "bˈɜːd hˈapi");
    }
}

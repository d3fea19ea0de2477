//! The phoneme alphabet: which symbols leave this crate, and their espeak spelling.
//!
//! Owns the symbol sets. Does not know words.

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

/// Rewrites misaki phonemes as the espeak symbols that Piper voices were trained with.
///
/// Diphthongs and affricates become two symbols. American misaki drops the length marks that espeak's `en-us` writes
/// (`iː`, `uː`, `ɑː`, `ɔː`) and spells its r-coloured vowels in two symbols (`ɜɹ`, `əɹ` for `ɜː`, `ɚ`); both are put
/// back. British misaki keeps its length marks, so a text that holds any passes without that step.
/// Quotes and brackets go, a dash becomes a comma, an ellipsis a full stop.
#[must_use]
pub fn to_espeak_ipa(phonemes: &str) -> String {
    let british = phonemes.contains(['ː', 'ɒ', 'Q']);
    let mut out = String::with_capacity(phonemes.len() + phonemes.len() / 4);
    let mut stressed = false;
    let symbols: Vec<char> = phonemes.chars().collect();
    let mut i = 0;
    while i < symbols.len() {
        let symbol = symbols[i];
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
    fn british_keeps_its_own_length_marks() {
        assert_eq!(to_espeak_ipa("ɡˈQ hˈQm"), "ɡˈəʊ hˈəʊm");
        assert_eq!(to_espeak_ipa("bˈɜːd hˈapi"), "bˈɜːd hˈapi");
    }
}

//! What a word is, and so what is counted, limited and billed.
//!
//! A word is a maximal run of characters that are not whitespace, after Unicode normalisation form C. In runs that hold
//! letters of a script written without spaces between words (Chinese, Japanese kana, Thai, Lao, Khmer, Burmese, Tibetan
//! and their relatives) the words are those of UAX #29, and at least one. Punctuation that stands alone counts as a word,
//! because it is a run; that keeps the rule one sentence long.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};
use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

/// How many words `text` has.
#[must_use]
pub fn count_words(text: &str) -> u64 {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        count_normalized(text)
    } else {
        count_normalized(&text.nfc().collect::<String>())
    }
}

/// How many characters `text` has: Unicode scalar values, as sent.
#[must_use]
pub fn count_characters(text: &str) -> u64 {
    text.chars().count() as u64
}

fn count_normalized(text: &str) -> u64 {
    text.split_whitespace()
        .map(|run| {
            if !run.is_ascii() && run.chars().any(is_written_without_spaces) {
                (run.unicode_words().count() as u64).max(1)
            } else {
                1
            }
        })
        .sum()
}

fn is_written_without_spaces(c: char) -> bool {
    matches!(
        c.script(),
        Script::Han
            | Script::Hiragana
            | Script::Katakana
            | Script::Bopomofo
            | Script::Yi
            | Script::Thai
            | Script::Lao
            | Script::Khmer
            | Script::Myanmar
            | Script::Tibetan
            | Script::Tai_Tham
            | Script::Tai_Le
            | Script::New_Tai_Lue
            | Script::Tai_Viet
            | Script::Javanese
            | Script::Balinese
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_are_words() {
        for (text, words) in [
            ("", 0),
            ("   \n\t ", 0),
            ("Hello", 1),
            ("Hello, world!", 2),
            ("  state-of-the-art\u{00A0}speech  ", 2),
            ("one\u{3000}two", 2),
            ("wait — what", 3),
            ("e\u{301}te\u{301} fini", 2),
            ("안녕하세요 세계", 2),
        ] {
            assert_eq!(count_words(text), words, "{text:?}");
        }
    }

    #[test]
    fn scripts_without_spaces_are_segmented() {
        assert_eq!(count_words("你好世界"), 4);
        assert_eq!(count_words("你好 world"), 3);
        assert!(count_words("これはペンです。") > 1);
        assert_eq!(count_words("。"), 1);
    }

    #[test]
    fn characters_are_scalar_values() {
        assert_eq!(count_characters("añ🎉"), 3);
        assert_eq!(count_characters("e\u{301}"), 2);
    }

    proptest! {
        #[test]
        fn no_more_words_than_characters(text in "\\PC{0,200}") {
            // Composition never makes more characters, and every word holds at least one.
            prop_assert!(count_words(&text) <= count_characters(&text));
        }

        #[test]
        fn joining_with_a_space_adds_up(a in "\\PC{0,60}", b in "\\PC{0,60}") {
            prop_assert_eq!(count_words(&format!("{a} {b}")), count_words(&a) + count_words(&b));
        }

        #[test]
        fn normal_forms_agree(text in "\\PC{0,80}") {
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(count_words(&decomposed), count_words(&text));
        }
    }
}

//! Whatever the text: no panic, bounded clauses, ascending ranges, nothing speakable lost.
#![allow(clippy::unwrap_used)]

mod common;

use common::{cases, checked_clauses};
use proptest::prelude::*;
use voxgate_text::{Frontend, Language};

fn frontend() -> Frontend {
    Frontend::new(Language::EnUs).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(128), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_unicode(text in any::<String>()) {
        let _ = checked_clauses(&frontend(), &text);
    }

    #[test]
    fn any_ascii(text in "[ -~\n\t]{0,300}") {
        prop_assert!(checked_clauses(&frontend(), &text).is_ok());
    }

    /// Short tokens of the kinds the classes look for, in any order.
    #[test]
    fn token_soup(parts in prop::collection::vec(prop::sample::select(vec![
        "5", "12", "2026", "1,000", "3.14", "-", "–", "—", ".", "...", ",", ":", ";", "!", "?", "/", "'", "\"", "(", ")", "$", "€", "£", "%", "°C", "km", "kg",
        "am", "p.m.", "Mr.", "Dr.", "St.", "No.", "etc.", "e.g.", "I", "IV", "VIII", "Chapter", "Henry", "March", "May", "Jan.", "v", "v1", "x", "×", "²", "½",
        "#", "@", "&", "&amp;", "<", ">", "<b>", "</b>", "=", "+", "*", "_", "~", "^", "\\", "http://", "www.", "example.com", "a@b.co", ".rs", "FBI", "NASA",
        "CEOs", "iPhone", "getName", "don't", "'s", "café", "мир", "好", "😀", "👍🏽", "\u{200b}", "\u{301}", "\n", "\n\n", " ", " ", " ", "word", "Word", "the", "ing", "éing", "st", "th", "k", "M", "bn",
    ]), 0..40)) {
        let text = parts.concat();
        let _ = checked_clauses(&frontend(), &text);
    }

    #[test]
    fn words_and_spaces(text in "([A-Za-z]{1,12}[ ,.;!?]{1,2}){0,20}") {
        prop_assert!(checked_clauses(&frontend(), &text).is_ok());
    }
}

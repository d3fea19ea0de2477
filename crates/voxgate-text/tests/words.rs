//! Clauses name the words of the caller's text, as written, in order, each once.
#![allow(clippy::unwrap_used)]

mod common;

use common::{checked_clauses, named_words};
use voxgate_text::{Frontend, Language};

fn words(text: &str) -> Vec<String> {
    let frontend = Frontend::new(Language::EnUs).unwrap();
    let clauses = checked_clauses(&frontend, text).unwrap();
    named_words(&clauses)
        .into_iter()
        .map(|w| text[w.source].to_owned())
        .collect()
}

#[test]
fn words_are_named_as_written() {
    for (text, expected) in [
        ("Hello, world!", &["Hello", "world"][..]),
        ("It costs $5.", &["It", "costs", "$5"]),
        (
            "Dr. Smith paid $3.50 on 3/4/2026 at 3:05 pm.",
            &[
                "Dr.", "Smith", "paid", "$3.50", "on", "3/4/2026", "at", "3:05", "pm",
            ],
        ),
        (
            "On March 14, 2026 we ran 5 km.",
            &["On", "March", "14", "2026", "we", "ran", "5", "km"],
        ),
        ("Yes—no (maybe) 'fine'.", &["Yes", "no", "maybe", "fine"]),
        ("input/output and/or b", &["input/output", "and/or", "b"]),
        ("Fish &amp; <b>chips</b>", &["Fish", "&amp;", "chips"]),
        ("Great 👍🏽 café naïve", &["Great", "👍🏽", "café", "naïve"]),
        ("me@example.com, ok?", &["me@example.com", "ok"]),
        (
            "Call 1-800-555-0199 now",
            &["Call", "1-800-555-0199", "now"],
        ),
        ("Yes. No. Maybe.", &["Yes", "No", "Maybe"]),
        ("ｆｕｌｌ　ｗｉｄｔｈ", &["ｆｕｌｌ", "ｗｉｄｔｈ"]),
        ("... -- !", &[]),
        ("a - b, 5 - 3", &["a", "b", "5", "-", "3"]),
    ] {
        assert_eq!(words(text), expected, "{text}");
    }
}

/// A word too long for one clause is still one word.
#[test]
fn a_word_of_several_clauses_is_named_once() {
    let text = format!("The number {} is long.", "1234567890".repeat(60));
    let found = words(&text);
    assert_eq!(found.len(), 5, "{found:?}");
    assert_eq!(found[2].len(), 600);
}

#[test]
fn a_word_has_the_phonemes_it_sounds_like() {
    let frontend = Frontend::new(Language::EnUs).unwrap();
    let text = "Pay $5 today.";
    let clause = frontend.clauses(text).next().unwrap().unwrap();
    let symbols: Vec<char> = clause.phonemes.chars().collect();
    let heard: Vec<(&str, String)> = clause
        .words
        .iter()
        .map(|w| {
            (
                &text[w.source.clone()],
                symbols[w.phonemes.clone()].iter().collect(),
            )
        })
        .collect();
    assert_eq!(
        heard,
        [
            ("Pay", "pˈA".to_owned()),
            ("$5", "fˈIv dˈɑləɹz".to_owned()),
            ("today", "tədˈA".to_owned()),
        ]
    );
}

//! However a text is cut on its way, the passages say the words of the whole.
#![allow(clippy::unwrap_used)]

mod common;

use common::{cases, check_clause};
use proptest::prelude::*;
use voxgate_text::{Frontend, Incremental, IncrementalSettings, Language, Passage};

fn frontend() -> Frontend {
    Frontend::new(Language::EnUs).unwrap()
}

/// The text cut at these places, modulo its length.
fn cut<'t>(text: &'t str, places: &[usize]) -> Vec<&'t str> {
    let mut at: Vec<usize> = places
        .iter()
        .map(|p| p % (text.len() + 1))
        .filter(|p| text.is_char_boundary(*p))
        .collect();
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.dedup();
    at.windows(2).map(|w| &text[w[0]..w[1]]).collect()
}

fn passages(pieces: &[&str], settings: IncrementalSettings) -> Vec<Passage<'static>> {
    let mut incremental = Incremental::new(settings);
    let mut out: Vec<Passage<'static>> = pieces.iter().flat_map(|p| incremental.feed(p)).collect();
    out.extend(incremental.flush());
    out
}

/// The words of clauses as spoken, and the pieces of the caller's text they came from.
fn spoken(
    frontend: &Frontend,
    passages: Vec<Passage<'static>>,
) -> Option<(Vec<String>, Vec<std::ops::Range<usize>>)> {
    let mut words = Vec::new();
    let mut sources: Vec<std::ops::Range<usize>> = Vec::new();
    for passage in passages {
        for clause in frontend.read(passage, None) {
            let clause = clause.ok()?;
            check_clause(&clause);
            words.extend(
                clause
                    .text
                    .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-')
                    .filter(|w| !w.is_empty())
                    .map(str::to_lowercase),
            );
            for word in clause.words {
                match sources.last_mut() {
                    Some(last) if word.source.start < last.end => {
                        last.end = last.end.max(word.source.end);
                    }
                    _ => sources.push(word.source),
                }
            }
        }
    }
    Some((words, sources))
}

const SOUP: &[&str] = &[
    "Hello", "world", "the", "and", "well", "I", "Dr.", "Mr.", "St.", "No.", "etc.", "e.g.",
    "p.m.", "U.S.", "J.", "3", "14", "2026", "3.5", "$5", "1,000", "March", "km", "3:05", ".", ".",
    "!", "?", "...", ",", ",", ";", ":", " — ", "-", "\"", "(", ")", "'s", "\n", "\n\n", "\r\n",
    " ", " ", " ", " ", "  ", "<b>", "</b>", "<", "😀", "é", "1.", "- ", "FBI", "x@y.com", "“",
    "”",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(256), failure_persistence: None, ..ProptestConfig::default() })]

    /// Without early passages each is whole sentences: word for word the reading of the whole.
    #[test]
    fn any_cut_says_the_words_of_the_whole(parts in prop::collection::vec(prop::sample::select(SOUP), 0..40), places in prop::collection::vec(any::<usize>(), 0..12), later_words in 0..4_usize) {
        let text = parts.concat();
        let frontend = frontend();
        let settings = IncrementalSettings { first_words: None, later_words };
        let whole = spoken(&frontend, vec![Passage::new(&text).into_owned()]);
        let found = spoken(&frontend, passages(&cut(&text, &places), settings));
        if let (Some(whole), Some(found)) = (whole, found) {
            prop_assert_eq!(found, whole, "{:?}", text);
        }
    }

    /// With early passages, the passages do not depend on the cuts.
    #[test]
    fn early_passages_do_not_depend_on_the_cuts(parts in prop::collection::vec(prop::sample::select(SOUP), 0..40), places in prop::collection::vec(any::<usize>(), 0..12), first in 0..6_usize) {
        let text = parts.concat();
        let settings = IncrementalSettings { first_words: Some(first), later_words: 2 };
        let show = |passages: Vec<Passage<'static>>| -> Vec<(String, usize)> {
            passages.into_iter().map(|p| (p.text().to_owned(), p.spoken())).collect()
        };
        let whole = show(passages(&[&text], settings));
        let found = show(passages(&cut(&text, &places), settings));
        prop_assert_eq!(&found, &whole, "{:?}", text);
    }

    /// Ordinary prose with early passages: the words of the whole, nothing lost or doubled.
    #[test]
    fn early_passages_say_the_words_of_the_whole(parts in prop::collection::vec(prop::sample::select(vec![
        "Well", "the house", "I think", "On March 14", "it costs $5", "at 3:05 pm", "5 km away", "Dr. Smith", "in 2026", "he said", "maybe (not)", "you and I", "see example.com", "the FBI", "a \"big\" one", "1,000 people", "don't",
    ]), 1..12), marks in prop::collection::vec(prop::sample::select(vec![", ", " ", "; ", ". ", "! ", "? ", " — ", ": ", ".\n", "\n\n"]), 12), places in prop::collection::vec(any::<usize>(), 0..12), first in 0..6_usize) {
        let text: String = parts.iter().zip(&marks).map(|(p, m)| format!("{p}{m}")).collect();
        let frontend = frontend();
        let settings = IncrementalSettings { first_words: Some(first), later_words: 2 };
        let whole = spoken(&frontend, vec![Passage::new(&text).into_owned()]);
        let found = spoken(&frontend, passages(&cut(&text, &places), settings));
        prop_assert_eq!(found, whole, "{:?}", text);
    }

    /// Any text at all: no panic, everything handed on, sources in order.
    #[test]
    fn any_text_is_handed_on(pieces in prop::collection::vec(any::<String>(), 0..8), first in prop::option::of(0..4_usize)) {
        let whole = pieces.concat();
        let slices: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let settings = IncrementalSettings { first_words: first, later_words: 1 };
        let mut end = 0;
        for passage in passages(&slices, settings) {
            let source = passage.whole_source();
            prop_assert_eq!(&whole[source.clone()], passage.text());
            let fresh = source.start + passage.spoken();
            prop_assert!(fresh >= end);
            prop_assert!(!whole[end..fresh].contains(char::is_alphanumeric));
            end = source.end;
        }
        prop_assert!(!whole[end..].contains(char::is_alphanumeric));
    }
}

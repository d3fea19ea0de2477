//! When passages come, and that they do not depend on how the text is cut.

use super::*;

fn feed(settings: IncrementalSettings, pieces: &[&str]) -> Vec<Vec<String>> {
    let mut text = Incremental::new(settings);
    let show = |passages: Vec<Passage<'static>>| -> Vec<String> {
        passages
            .iter()
            .map(|p| p.text()[p.spoken()..].trim().to_owned())
            .collect()
    };
    let mut out: Vec<Vec<String>> = pieces.iter().map(|piece| show(text.feed(piece))).collect();
    out.push(show(text.flush()));
    out
}

fn plain() -> IncrementalSettings {
    IncrementalSettings {
        first_words: None,
        later_words: 1,
    }
}

#[test]
fn a_sentence_comes_as_soon_as_it_is_surely_complete() {
    for (pieces, expected) in [
        (
            &["Hello", " there", ". ", "How"][..],
            &["", "", "Hello there.", "", "How"][..],
        ),
        // A stop may be a decimal point, an abbreviation's or an ellipsis.
        (&["It is 3.", "5 m", ". "], &["", "", "It is 3.5 m.", ""]),
        (
            &["See e.g.", " this", ". "],
            &["", "", "See e.g. this.", ""],
        ),
        (
            &["Dr.", " Smith left.", " He"],
            &["", "", "Dr. Smith left.", "He"],
        ),
        (
            &["At 5 p.m.", " ", "Bring", " food"],
            &["", "", "", "At 5 p.m.", "Bring food"],
        ),
        (
            &["At 5 p.m.", " ", "EST", " today"],
            &["", "", "", "", "At 5 p.m. EST today"],
        ),
        (&["1.", " Open", " it."], &["", "", "", "1. Open it."]),
        (
            &["Why?", "\"", " he said. "],
            &["", "", "Why?\" he said.", ""],
        ),
        (
            &["A heading\n", "Body", " text"],
            &["", "A heading", "", "Body text"],
        ),
        (&["Wait.", "..", " what"], &["", "", "", "Wait... what"]),
        (&["a <b", "> cat. "], &["", "a <b> cat.", ""]),
    ] {
        let found: Vec<String> = feed(plain(), pieces)
            .into_iter()
            .map(|p| p.join("|"))
            .collect();
        assert_eq!(found, expected, "{pieces:?}");
    }
}

#[test]
fn the_first_passage_may_come_early_and_short_sentences_wait() {
    let settings = IncrementalSettings {
        first_words: Some(3),
        later_words: 3,
    };
    for (pieces, expected) in [
        (
            &[
                "Sure! I can do",
                ", of",
                " course. Yes. ",
                "It is easy. ",
                "No.",
            ][..],
            &[
                "",
                "Sure! I can do,",
                "of course.",
                "Yes. It is easy.",
                "",
                "No.",
            ][..],
        ),
        (
            &["On March 14, ", "2026, we", " met."],
            &["", "On March 14, 2026,", "", "we met."],
        ),
        (&["Yes. No. "], &["", "Yes. No."]),
    ] {
        let found: Vec<String> = feed(settings, pieces)
            .into_iter()
            .map(|p| p.join("|"))
            .collect();
        assert_eq!(found, expected, "{pieces:?}");
    }
}

#[test]
fn sources_count_everything_fed() {
    let mut text = Incremental::new(plain());
    let mut found: Vec<Passage<'static>> = Vec::new();
    for piece in ["One two. ", "Three", " four.\n\n", "Five"] {
        found.extend(text.feed(piece));
    }
    found.extend(text.flush());
    found.extend(text.feed("Six. "));
    let whole = "One two. Three four.\n\nFiveSix. ";
    let sources: Vec<&str> = found.iter().map(|p| &whole[p.whole_source()]).collect();
    assert_eq!(sources, ["One two.", " Three four.", "\n\nFive", "Six."]);
    assert_eq!(text.pending(), " ");
}

#[test]
fn a_paragraph_that_shows_late_keeps_its_pause() {
    let mut text = Incremental::new(plain());
    let first = text.feed("One two. ");
    assert_eq!(
        (first[0].ending(), first[0].pause_before_ms()),
        (Ending::Sentence, 0)
    );
    let second = text.feed("\n\nThree four. Five");
    assert_eq!(second[0].pause_before_ms(), 350);
    let mut text = Incremental::new(plain());
    let both = text.feed("One two.\n\nThree four. Five");
    assert_eq!(
        (both[0].ending(), both[1].pause_before_ms()),
        (Ending::Paragraph, 0)
    );
}

#[test]
fn what_may_not_wait_is_released_up_to_a_blank() {
    let mut text = Incremental::new(plain());
    assert!(text.feed("We walked along the ri").is_empty());
    let first = text.release().unwrap();
    assert_eq!(
        (first.text(), first.ending()),
        ("We walked along the", Ending::Open)
    );
    assert!(text.release().is_none());
    let rest = text.feed("ver bank. ");
    assert_eq!(&rest[0].text()[rest[0].spoken()..], " river bank.");
    assert_eq!(rest[0].whole_source(), 0..31);
}

/// White space, stops and quotes without end keep neither memory nor time.
#[test]
fn floods_are_bounded() {
    let start = std::time::Instant::now();
    for flood in [" ", "\n", ".", "\"", "a", ",", "<", "a ", ". "] {
        let mut text = Incremental::new(IncrementalSettings::default());
        text.feed("Hello.");
        for _ in 0..20_000 {
            text.feed(flood);
            assert!(text.buffer.len() < 3_000, "{flood:?}");
        }
        text.flush();
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// A megabyte at once takes time by its length, not by its square.
#[test]
fn a_long_piece_is_quick() {
    let start = std::time::Instant::now();
    let mut text = Incremental::new(IncrementalSettings::default());
    let passages = text.feed(&"This is a sentence of some words. ".repeat(30_000));
    assert!(passages.len() > 29_000);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

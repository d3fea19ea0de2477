//! Where texts are split, and beginnings of texts.

use super::*;

fn segments(text: &str) -> Vec<Segment> {
    let mut segments = Segments::default();
    std::iter::from_fn(|| match segments.next(Known::whole(text)) {
        Next::Segment(segment) => Some(segment),
        Next::Unknown | Next::End => None,
    })
    .collect()
}

fn split(text: &str) -> Vec<&str> {
    segments(text).into_iter().map(|s| &text[s.range]).collect()
}

#[test]
fn sentences() {
    for expected in [
        &["Hello world."][..],
        &["One.", "Two!", "Three?", "Four"],
        &["Dr. Smith met Mr. Jones at 5 p.m. EST.", "They left."],
        &["J. K. Rowling wrote it.", "I read it."],
        &["It costs 3.50 today.", "See example.com now."],
        &["He said \"Stop.\"", "Then he left."],
        &["“Why?” she asked.", "Nobody knew."],
        &["Wait... what?", "Well…", "Yes."],
        &[
            "We live at 5 Main St. in Rome.",
            "The shop is on Elm St.",
            "The door is red.",
        ],
        &["The U.S. economy grew.", "We sell in the U.S.", "They buy."],
        &["See Fig. 3 and No. 7.", "I said no.", "Fine."],
        &["Plan B.", "Then what?"],
        &[
            "Bring pens, paper, etc. to class.",
            "Pens, paper, etc.",
            "Next.",
        ],
        &["1. Open the lid.", "2. Pour."],
        &["What?!", "No!!!", "OK."],
        &["At 10 a.m. Monday we met."],
        &["Add 2 tbsp. sugar.", "Go 2.5 mi. to it."],
    ] {
        let text = expected.join(" ");
        assert_eq!(split(&text), expected, "{text}");
    }
}

#[test]
fn lines_and_paragraphs() {
    let text = "A Heading\nBody text that is long enough to have been wrapped by an\neditor.\n\nNext paragraph.\n- one\n- two\n";
    let found: Vec<(&str, Boundary)> = segments(text)
        .into_iter()
        .map(|s| (&text[s.range], s.boundary))
        .collect();
    assert_eq!(
        found,
        vec![
            ("A Heading", Boundary::Line),
            (
                "Body text that is long enough to have been wrapped by an\neditor.",
                Boundary::Paragraph
            ),
            ("Next paragraph.", Boundary::Sentence),
            ("- one", Boundary::Line),
            ("- two", Boundary::Paragraph),
        ]
    );
}

/// The work grows with the text, not with its square.
#[test]
fn a_megabyte_of_stops_is_quick() {
    let start = std::time::Instant::now();
    let text = "? . ".repeat(250_000);
    assert!(segments(&text).len() > 1_000);
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn tags_do_not_end_sentences() {
    assert_eq!(
        split("<p title=\"A. B\">Hello</p> there. Bye."),
        ["<p title=\"A. B\">Hello</p> there.", "Bye."]
    );
    assert_eq!(split("a < b. c"), ["a < b.", "c"]);
}

#[test]
fn long_stretches_are_cut_and_complete() {
    for text in [
        "x".repeat(10_000),
        "word ".repeat(3_000),
        "clause, and ".repeat(1_000),
        "é".repeat(5_000),
        "。".repeat(2_000),
    ] {
        let mut end = 0;
        for s in segments(&text) {
            assert!(s.range.start >= end && s.range.end > s.range.start);
            assert!(text[end..s.range.start].trim().is_empty());
            assert!(s.range.len() <= MAX_SEGMENT_BYTES + 4);
            end = s.range.end;
        }
        assert!(text[end..].trim().is_empty());
    }
}

/// Whatever beginning of a text is known, what is answered stays true.
#[test]
fn a_beginning_is_split_as_the_whole() {
    for text in [
        "Dr. Smith met J. K. Rowling at 5 p.m. EST. They left. \"Why?\" she asked. No. 5 is e.g. red.",
        "One...  two?! (Three.) A <b title=\"x. Y\">tag</b>. 1. Open it. 3.14 is pi.\r\nA line\nAnother\n\n- item\n2) next",
        "。你好。」 Then. And… so Plan B. Then the U.S. We go. etc. Next",
    ] {
        let whole = segments(text);
        for end in (0..=text.len()).filter(|e| text.is_char_boundary(*e)) {
            let known = Known {
                text: &text[..end],
                fixed: &[],
                open: true,
            };
            let mut walk = Segments::default();
            let mut found = Vec::new();
            while let Next::Segment(segment) = walk.next(known) {
                found.push(segment.range);
            }
            let expected: Vec<_> = whole
                .iter()
                .take(found.len())
                .map(|s| s.range.clone())
                .collect();
            assert_eq!(found, expected, "{:?}", &text[..end]);
        }
    }
}

#[test]
fn given_readings_stay_whole() {
    let text = "Say a. B. c now. End.";
    let fixed = [Fixed {
        range: 4..11,
        reading: crate::passage::FixedReading::SayAs(crate::normalise::SayAs::Characters),
    }];
    let known = Known {
        text,
        fixed: &fixed,
        open: false,
    };
    let mut walk = Segments::default();
    let Next::Segment(first) = walk.next(known) else {
        panic!("a segment")
    };
    assert_eq!(&text[first.range], "Say a. B. c now.");
}

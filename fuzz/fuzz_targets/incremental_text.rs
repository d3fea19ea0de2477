//! Text in pieces: the passages do not depend on how the text is cut, follow each other and leave out nothing.
//!
//! The first byte says after how many words the first passage may come; the second seeds the cuts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use voxgate_text::{Incremental, IncrementalSettings, Passage};

fuzz_target!(|data: (u8, u8, &str)| {
    let (first, seed, text) = data;
    let settings = IncrementalSettings {
        first_words: (first < 8).then_some(usize::from(first)),
        later_words: usize::from(first % 4),
    };
    let whole = passages(std::iter::once(text), settings);
    let pieces = passages(cut(text, seed), settings);
    let shown = |passages: &[Passage<'static>]| -> Vec<(String, usize)> {
        passages
            .iter()
            .map(|p| (p.text().to_owned(), p.spoken()))
            .collect()
    };
    assert_eq!(shown(&whole), shown(&pieces));
    let mut end = 0;
    for passage in &whole {
        let source = passage.whole_source();
        assert_eq!(&text[source.clone()], passage.text());
        let fresh = source.start + passage.spoken();
        assert!(fresh >= end && !text[end..fresh].contains(char::is_alphanumeric));
        end = source.end;
    }
    assert!(!text[end..].contains(char::is_alphanumeric));
});

fn passages<'t>(
    pieces: impl Iterator<Item = &'t str>,
    settings: IncrementalSettings,
) -> Vec<Passage<'static>> {
    let mut incremental = Incremental::new(settings);
    let mut out: Vec<Passage<'static>> = pieces.flat_map(|p| incremental.feed(p)).collect();
    out.extend(incremental.flush());
    out
}

/// Pieces of one to sixteen characters.
fn cut(text: &str, seed: u8) -> impl Iterator<Item = &str> {
    let mut state = u32::from(seed) + 1;
    let mut rest = text;
    std::iter::from_fn(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let count = (state >> 28) as usize + 1;
        let at = rest
            .char_indices()
            .nth(count)
            .map_or(rest.len(), |(i, _)| i);
        let (piece, tail) = rest.split_at(at);
        rest = tail;
        (!piece.is_empty()).then_some(piece)
    })
}

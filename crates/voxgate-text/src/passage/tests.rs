//! The way back from each byte to its source.

use super::*;

fn mixed() -> Passage<'static> {
    // Caller: "a &amp; <b>bc</b> W3C", read: "a & bc Web".
    let mut p = Passage::new("");
    p.push_copy("a ", 0);
    p.push_instead("&", 2..7);
    p.push_copy(" ", 7);
    p.push_copy("bc", 11);
    p.push_copy(" ", 17);
    p.push_instead("Web", 18..21);
    p
}

#[test]
fn every_byte_knows_its_source() {
    let p = mixed();
    assert_eq!(p.text(), "a & bc Web");
    assert_eq!(p.source(0..1), 0..1);
    assert_eq!(p.source(2..3), 2..7);
    assert_eq!(p.source(4..6), 11..13);
    assert_eq!(p.source(5..6), 12..13);
    assert_eq!(p.source(8..9), 18..21);
    assert_eq!(p.source(4..10), 11..21);
    assert_eq!(p.whole_source(), 0..21);
    assert!(p.is_copied(&(4..6)) && !p.is_copied(&(7..10)) && !p.is_copied(&(0..3)));
}

#[test]
fn a_slice_keeps_the_sources() {
    let p = mixed();
    for start in 0..p.text().len() {
        for end in start + 1..=p.text().len() {
            let slice = p.slice(start..end);
            assert_eq!(slice.whole_source(), p.source(start..end), "{start}..{end}");
            assert_eq!(slice.text(), &p.text()[start..end]);
        }
    }
    let plain = Passage::new("hello there");
    assert_eq!(plain.slice(6..11).source(0..5), 6..11);
}

#[test]
fn a_slice_keeps_fixed_readings() {
    let mut p = Passage::new("");
    p.push_copy("x ", 0);
    let from = p.text().len();
    p.push_copy("tomato", 2);
    p.fix_since(
        from,
        FixedReading::Ipa {
            ipa: "a".into(),
            possessive: false,
        },
    );
    assert_eq!(p.slice(1..8).fixed()[0].range, 1..7);
    assert!(p.slice(0..2).fixed().is_empty());
}

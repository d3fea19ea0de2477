//! Exact readings of whole sentences, as a reader would say them.
#![allow(clippy::unwrap_used)]

use voxgate_text::{Frontend, Language};

#[track_caller]
fn check(language: Language, rows: &[(&str, &str)]) {
    let frontend = Frontend::new(language).unwrap();
    let wrong: Vec<String> = rows
        .iter()
        .map(|(text, expected)| (text, expected, frontend.normalise(text)))
        .filter(|(_, expected, found)| **expected != found)
        .map(|(text, expected, found)| {
            format!("{text}\n    expected: {expected}\n    found:    {found}")
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} rows differ\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

#[test]
fn american_sentences() {
    check(
        Language::EnUs,
        &[
            ("", ""),
            ("Hello, world!", "Hello, world!"),
            (
                "Dr. Smith paid $5 on 3/4/2026 at 3:05 pm.",
                "Doctor Smith paid five dollars on March fourth, twenty twenty-six at three oh five P-M.",
            ),
            (
                "It was -5°C (23°F) w/ 80% humidity.",
                "It was minus five degrees Celsius (twenty-three degrees Fahrenheit) with eighty percent humidity.",
            ),
            (
                "The U.S. GDP grew 2.5% in Q3 2025 vs. 1.9% in Q2.",
                "The U-S G-D-P grew two point five percent in Q three twenty twenty-five versus one point nine percent in Q two.",
            ),
            (
                "He's 6'2\" and weighs 180 lbs.",
                "He's six feet two inches and weighs one hundred eighty pounds.",
            ),
            (
                "Pages 10–20, ch. 3, vol. 2.",
                "Pages ten to twenty, chapter three, volume two.",
            ),
            (
                "The 2nd, 3rd & 21st; No. 5; #1; ~50.",
                "The second, third and twenty-first; number five; number one; about fifty.",
            ),
            (
                "THE QUICK BROWN FOX JUMPED OVER US!",
                "the quick brown fox jumped over us!",
            ),
            ("I <3 you & a < b", "I heart you and a less than b"),
            (
                "<speak>Hello <break time=\"1s\"/> world</speak>",
                "Hello world",
            ),
            ("Fish &amp; chips", "Fish and chips"),
            ("5 > 3, x == y", "five greater than three, x equals y"),
            ("x² + y² = z²", "x squared plus y squared equals z squared"),
            ("H₂O and CO₂", "H two O and C-O two"),
            (
                "Call 1-800-555-0199 now",
                "Call one, eight hundred, five five five, zero one nine nine now",
            ),
            ("jane@example.com", "jane at example dot com"),
            ("See https://docs.rs/regex", "See docs dot R-S slash regex"),
            (
                "v2.0.1 of node.js",
                "version two point zero point one of node dot J-S",
            ),
            (
                "Henry VIII and World War II",
                "Henry the eighth and World War two",
            ),
            (
                "#ThrowbackThursday by @jane_doe",
                "hashtag Throwback Thursday by at jane doe",
            ),
            (
                "WWII began in 1939.",
                "World War two began in nineteen thirty-nine.",
            ),
            (
                "the FBI, NASA and the CEOs",
                "the F-B-I, NASA and the C-E-Os",
            ),
            ("camelCase and snake_case", "camel Case and snake case"),
            ("MP3s, B2B, 4K, A4", "M-P threes, B to B, four K, A-four"),
            ("Great 👍🏽!", "Great, thumbs up!"),
            ("😀😀😀", "grinning face"),
            ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
            ("𝓗𝓮𝓵𝓵𝓸", "Hello"),
            ("Hel\u{200b}lo\u{0}", "Hello"),
            ("The word мир means peace.", "The word mir means peace."),
            ("π is about 3.14", "pi is about three point one four"),
            ("Wait... what?!", "Wait… what?"),
            ("yes - no -- maybe", "yes — no — maybe"),
            (
                "$3.5 million, £20k, €1.2B",
                "three point five million dollars, twenty thousand pounds, one point two billion euros",
            ),
            (
                "¥500 and ₹1,50,000",
                "five hundred yen and one hundred fifty thousand rupees",
            ),
            ("$0.01 or $1.00", "one cent or one dollar"),
            (
                "$20/month for 5 users",
                "twenty dollars per month for five users",
            ),
            (
                "9am-5pm, 9:00–17:30",
                "nine A-M to five P-M, nine o'clock to seventeen thirty",
            ),
            ("noon is 12:00", "noon is twelve o'clock"),
            (
                "It ends at 5 p.m. Bring food.",
                "It ends at five P-M. Bring food.",
            ),
            (
                "100 km/h or 9.8 m/s²",
                "one hundred kilometers per hour or nine point eight meters per second squared",
            ),
            (
                "16GB RAM, 3.5GHz",
                "sixteen gigabytes RAM, three point five gigahertz",
            ),
            ("a 5-km run", "a five kilometer run"),
            (
                "1 lb, 2 lbs, 1.5 kg",
                "one pound, two pounds, one point five kilograms",
            ),
            (
                "2026-03-14T15:30:00Z",
                "March fourteenth, twenty twenty-six, fifteen thirty U-T-C",
            ),
            ("Mar. 3rd, 2024", "March third, twenty twenty-four"),
            ("in May 2020 I may go", "in May twenty twenty I may go"),
            (
                "the 1990s and the '80s",
                "the nineteen nineties and the eighties",
            ),
            ("2019–2021", "twenty nineteen to twenty twenty-one"),
            (
                "1/2 cup, 3¾ miles",
                "one half cup, three and three quarters miles",
            ),
            (
                "1,234,567 people",
                "one million two hundred thirty-four thousand five hundred sixty-seven people",
            ),
            ("007", "zero zero seven"),
            ("a 3:1 ratio", "a three to one ratio"),
            ("3 x 4 = 12", "three by four equals twelve"),
            (
                "10^6 and 6.02e23",
                "ten to the power of six and six point zero two times ten to the power of twenty-three",
            ),
            ("and/or, he/she, w/o", "and or, he or she, without"),
            (
                "e.g. this, i.e. that, etc.",
                "for example this, that is that, et cetera.",
            ),
            (
                "St. John lives on Main St.",
                "Saint John lives on Main Street.",
            ),
            (
                "Mr. and Mrs. O'Brien Jr. left",
                "Mister and Missus O'Brien Junior left",
            ),
            ("C# and C++", "C sharp and C plus plus"),
            (
                "192.168.0.1",
                "one hundred ninety-two dot one hundred sixty-eight dot zero dot one",
            ),
            ("“Quoted,” she said. 'Fine.'", "“Quoted,” she said. Fine."),
            ("(see below)", "(see below)"),
            ("...", ""),
            (
                "©2026 Voxgate™",
                "copyright twenty twenty-six Voxgate trademark",
            ),
            ("an X-ray of a T-shirt", "an X-ray of a T-shirt"),
            ("rock 'n' roll, 'tis", "rock and roll, it is"),
            ("COVID-19 and GPT-4", "COVID nineteen and G-P-T four"),
            ("5/5 stars", "five out of five stars"),
            ("24/7 support", "twenty-four seven support"),
            ("10x faster", "ten times faster"),
            ("the 60 s limit", "the sixty seconds limit"),
        ],
    );
}

#[test]
fn british_sentences() {
    check(
        Language::EnGb,
        &[
            (
                "On 4/3/2026 I paid £3.20.",
                "On the fourth of March, twenty twenty-six I paid three pounds and twenty pence.",
            ),
            ("215 people", "two hundred and fifteen people"),
            ("50p each", "fifty pence each"),
            ("5 m", "five metres"),
            (
                "2001 and 1001",
                "two thousand and one and one thousand and one",
            ),
            ("March 14", "March the fourteenth"),
        ],
    );
}

#[test]
fn pauses_and_sentence_ends_follow_punctuation() {
    let frontend = Frontend::new(Language::EnUs).unwrap();
    let text = "The first sentence is long enough to stand on its own.\nThe second one follows it, also quite long.\n\nA new paragraph begins here and then it ends.";
    let clauses: Vec<_> = frontend.clauses(text).collect::<Result<_, _>>().unwrap();
    assert_eq!(clauses.len(), 3);
    assert!(clauses.iter().all(|c| c.sentence_end));
    assert!(clauses[0].pause_after_ms < clauses[1].pause_after_ms);
    assert_eq!(
        &text[clauses[1].source.clone()],
        "The second one follows it, also quite long."
    );
}

#[test]
fn fragments_join_and_long_sentences_split() {
    let frontend = Frontend::new(Language::EnUs).unwrap();
    let joined: Vec<_> = frontend
        .clauses("Yes. No. Maybe. That is what they always say to me.")
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(joined.len(), 1);
    let long = "we walked along the river, and then we crossed the old bridge, ".repeat(12);
    let split: Vec<_> = frontend.clauses(&long).collect::<Result<_, _>>().unwrap();
    assert!(split.len() > 1);
    for clause in &split[..split.len() - 1] {
        assert!(
            !clause.sentence_end && clause.text.ends_with(','),
            "{}",
            clause.text
        );
    }
}

/// Laziness: the first clause of a text comes without reading the rest.
#[test]
fn the_first_clause_does_not_wait_for_the_text() {
    let frontend = Frontend::new(Language::EnUs).unwrap();
    let text = "A sentence of ordinary length, with a comma in it. ".repeat(20_000);
    let start = std::time::Instant::now();
    let first = frontend.clauses(&text).next().unwrap().unwrap();
    assert!(first.source.end < 100);
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

#[test]
fn a_front_end_is_shared_between_threads() {
    let frontend = Frontend::new(Language::EnUs).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(frontend.normalise("$5"), "five dollars"));
        }
    });
}

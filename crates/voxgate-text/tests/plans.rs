//! What plans sound like: given readings, aliases and dictionaries, with words that name the caller's text.
#![allow(clippy::unwrap_used)]

mod common;

use common::{cases, check_clause, named_words};
use proptest::prelude::*;
use voxgate_text::{Clause, Frontend, Item, Language, Plan, Rule, Rules, Say};

fn frontend() -> Frontend {
    Frontend::new(Language::EnUs).unwrap()
}

fn clauses(frontend: &Frontend, plan: &Plan<'_>, rules: Option<&Rules>) -> Vec<Clause> {
    plan.utterances()
        .flat_map(|u| {
            frontend
                .read(u.passage.clone(), rules)
                .collect::<Result<Vec<_>, _>>()
                .unwrap()
        })
        .collect()
}

fn spoken(text: &str) -> String {
    let plan = Plan::detect(text).unwrap();
    let clauses = clauses(&frontend(), &plan, None);
    let lines: Vec<&str> = clauses.iter().map(|c| c.text.as_str()).collect();
    lines.join(" | ")
}

#[test]
fn ssml_is_spoken_as_it_says() {
    for (text, expected) in [
        (
            "<speak>Hi &amp; bye, 5 km.</speak>",
            "Hi and bye, five kilometers.",
        ),
        (
            "<speak>Year <say-as interpret-as=\"cardinal\">1999</say-as>, <say-as interpret-as=\"characters\">ABC</say-as>.</speak>",
            "Year one thousand nine hundred ninety-nine, A-B-C.",
        ),
        (
            "<speak>The <sub alias=\"W three C\">W3C</sub>.</speak>",
            "The W three C.",
        ),
        (
            "<speak>It is <say-as interpret-as=\"date\" format=\"dmy\">3/4/2026</say-as> <prosody rate=\"slow\">now.</prosody></speak>",
            "It is April third, twenty twenty-six | now.",
        ),
        ("<speak>wo<emphasis>rd</emphasis>s</speak>", "words"),
        (
            "<speak>Dr. <phoneme ph=\"wɪn\">Nguyen</phoneme> said 5.</speak>",
            "Doctor Nguyen said five.",
        ),
        ("<speak><phoneme ph=\"wɪn\"/></speak>", "wɪn"),
        (
            "<speak>He said \"<phoneme ph=\"wɪn\">win</phoneme>\". (<phoneme ph=\"wɪn\">Win</phoneme>)</speak>",
            "He said “win”. (Win)",
        ),
        ("plain <b>text</b>", "plain text"),
    ] {
        assert_eq!(spoken(text), expected, "{text}");
    }
}

#[test]
fn given_phonemes_reach_the_engine() {
    let frontend = frontend();
    let text = "<speak>Eat a <phoneme ph=\"təˈmɑːtoʊ\">tomato</phoneme>, an <phoneme ph=\"ˈæpəl\">x</phoneme>.</speak>";
    let plan = Plan::ssml(text).unwrap();
    let clauses = clauses(&frontend, &plan, None);
    assert_eq!(clauses[0].phonemes, "ˈit ɐ təmˈɑtO, ɐn ˈæpəl.");
    let symbols: Vec<char> = clauses[0].phonemes.chars().collect();
    let words: Vec<(&str, String)> = clauses[0]
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
        words,
        [
            ("Eat", "ˈit".to_owned()),
            ("a", "ɐ".to_owned()),
            ("tomato", "təmˈɑtO".to_owned()),
            ("an", "ɐn".to_owned()),
            ("x", "ˈæpəl".to_owned()),
        ]
    );
    // "the" hears the sound that follows.
    let plan = Plan::inline("The [hour](/ˈaʊɚ/), the [x](/juː/).").unwrap();
    let phonemes = &self::clauses(&frontend, &plan, None)[0].phonemes;
    assert!(phonemes.starts_with("ði ˈWəɹ, ðə ju"), "{phonemes}");
}

#[test]
fn pauses_are_what_markup_and_punctuation_ask_for() {
    let frontend = frontend();
    let text = "<speak>Wait here for me.<break time=\"2s\"/><s>Then we shall go home together</s><p>A new one begins here, and ends.</p>and on <prosody rate=\"fast\">it goes</prosody></speak>";
    let plan = Plan::ssml(text).unwrap();
    let shown: Vec<String> = plan
        .items
        .iter()
        .flat_map(|item| match item {
            Item::Break { milliseconds, .. } => vec![format!("break {milliseconds}")],
            Item::Speech(u) => frontend
                .read(u.passage.clone(), None)
                .map(|c| {
                    let c = c.unwrap();
                    format!(
                        "{} {} {}",
                        c.phonemes.chars().last().unwrap(),
                        c.sentence_end,
                        c.pause_after_ms
                    )
                })
                .collect(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            ". true 0",
            "break 2000",
            ". true 700",
            ". true 700",
            "n false 0",
            ". true 700"
        ]
    );
}

#[test]
fn a_plan_in_another_script_is_refused_as_a_whole() {
    let frontend = frontend();
    let check = |text: &str| frontend.check_plan(&Plan::ssml(text).unwrap()).is_ok();
    assert!(check(
        "<speak>The word <lang xml:lang=\"ru\">мир</lang> means peace.</speak>"
    ));
    assert!(!check(
        "<speak><p>Hi.</p><p>你好，世界，早上好。</p></speak>"
    ));
}

#[test]
fn rules_say_words_another_way() {
    let frontend = frontend();
    let rule = |word: &str, say: Say| Rule {
        word: word.to_owned(),
        say,
        case_sensitive: false,
    };
    let rules = Rules::compile(&[&[
        rule("NYC", Say::Respelling("New York City".to_owned())),
        rule("Nguyen", Say::Ipa("wɪn".to_owned())),
        rule("5 km", Say::Respelling("five clicks".to_owned())),
    ]])
    .unwrap();
    let text = "In NYC, Nguyen's run is 5 km.";
    let found = clauses(&frontend, &Plan::plain(text), Some(&rules));
    assert_eq!(
        found[0].text,
        "In New York City, Nguyen's run is five clicks."
    );
    assert!(
        found[0].phonemes.contains(", wɪnz "),
        "{}",
        found[0].phonemes
    );
    let words: Vec<&str> = named_words(&found)
        .into_iter()
        .map(|w| &text[w.source])
        .collect();
    assert_eq!(words, ["In", "NYC", "Nguyen's", "run", "is", "5 km"]);
}

const TAGS: &[&str] = &[
    "<speak>",
    "</speak>",
    "<p>",
    "</p>",
    "<s>",
    "</s>",
    "<break/>",
    "<break time='1s'/>",
    "<prosody rate='fast'>",
    "</prosody>",
    "<prosody volume='-6dB'>",
    "<say-as interpret-as='characters'>",
    "<say-as interpret-as='date' format='mdy'>",
    "<say-as interpret-as='telephone'>",
    "</say-as>",
    "<sub alias='a b. C'>",
    "</sub>",
    "<phoneme ph='ə'>",
    "</phoneme>",
    "<voice name='v'>",
    "</voice>",
    "<lang xml:lang='en'>",
    "</lang>",
    "<emphasis>",
    "</emphasis>",
    "<!-- c -->",
    "<![CDATA[",
    "]]>",
    "&amp;",
    "&#65;",
    "&",
    "<",
    ">",
    "\n",
    " ",
    "Hello world. ",
    "5 km",
    "$5",
    "Dr.",
    "好",
    "é",
    "\"",
    "word",
    "3/4/2026",
    "😀",
    "[a](/ə/)",
    "[pause:1s]",
    "[a](/b!/)",
    "[",
    "](/",
    "<?x?>",
    "<!DOCTYPE x>",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(192), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = Plan::ssml(&text);
        let _ = Plan::inline(&text);
        let _ = Plan::detect(&text);
    }

    #[test]
    fn markup_soup(parts in prop::collection::vec(prop::sample::select(TAGS), 0..30)) {
        let text = parts.concat();
        let document = format!("<speak>{text}</speak>");
        for (text, plan) in [(&text, Plan::ssml(&text)), (&document, Plan::ssml(&document)), (&text, Plan::inline(&text))] {
            if let Ok(plan) = plan {
                check_plan(text, &plan);
            }
        }
    }

    /// Well-formed documents: every element in every other.
    #[test]
    fn nested_markup(parts in prop::collection::vec((0..14_usize, 0..6_usize), 0..25)) {
        let mut text = String::from("<speak>");
        let mut open = Vec::new();
        const PAIRS: [(&str, &str); 7] = [
            ("<p>", "</p>"), ("<s>", "</s>"), ("<prosody rate='80%' volume='soft'>", "</prosody>"), ("<emphasis>", "</emphasis>"), ("<voice name='x'>", "</voice>"), ("<lang xml:lang='en-GB'>", "</lang>"), ("<p xml:lang='en'>", "</p>"),
        ];
        const LEAVES: [&str; 6] = [
            "<break time='20ms'/>", "<sub alias='one. Two'>x</sub>", "<phoneme ph='kæt'>dog</phoneme>", "<say-as interpret-as='ordinal'>21</say-as>", " Mr. &lt;X&gt; pays $5, ", "wo",
        ];
        for (pair, leaf) in parts {
            match PAIRS.get(pair) {
                Some((start, end)) if open.len() < 20 => {
                    text.push_str(start);
                    open.push(*end);
                }
                _ => text.push_str(open.pop().unwrap_or(" ")),
            }
            text.push_str(LEAVES[leaf]);
        }
        while let Some(end) = open.pop() {
            text.push_str(end);
        }
        text.push_str("</speak>");
        let plan = Plan::ssml(&text).unwrap();
        check_plan(&text, &plan);
    }

    #[test]
    fn any_rules_on_any_text(words in prop::collection::vec(("[a-zA-Z .'é5$-]{0,12}", "[a-zA-Z ə]{0,8}", any::<bool>(), any::<bool>()), 0..8), text in "[a-zA-Z .,'é5$-]{0,80}") {
        let rules: Vec<Rule> = words
            .into_iter()
            .map(|(word, say, ipa, case_sensitive)| Rule {
                word,
                say: if ipa { Say::Ipa(say) } else { Say::Respelling(say) },
                case_sensitive,
            })
            .filter(|rule| Rules::compile(&[std::slice::from_ref(rule)]).is_ok())
            .collect();
        if let Ok(rules) = Rules::compile(&[&rules]) {
            let frontend = frontend();
            for clause in clauses(&frontend, &Plan::plain(&text), Some(&rules)) {
                check_clause(&clause);
                prop_assert!(text.get(clause.source.clone()).is_some());
            }
            let _ = frontend.dry_run(&text, &rules);
        }
    }
}

/// Clauses are sound, sources and words ascend and lie on character boundaries.
fn check_plan(text: &str, plan: &Plan<'_>) {
    let frontend = frontend();
    let mut end = 0;
    let mut all = Vec::new();
    for item in &plan.items {
        match item {
            Item::Break { source, .. } => {
                assert!(text.get(source.clone()).is_some(), "{source:?}");
            }
            Item::Speech(u) => {
                assert!(
                    u.rate.is_finite() && u.rate > 0.0 && u.volume.is_finite() && u.volume >= 0.0
                );
                for clause in frontend.read(u.passage.clone(), None) {
                    let Ok(clause) = clause else { return };
                    check_clause(&clause);
                    assert!(clause.source.start >= end, "{clause:?}");
                    end = clause.source.end;
                    all.push(clause);
                }
            }
        }
    }
    let words = named_words(&all);
    assert!(
        words
            .windows(2)
            .all(|w| w[0].source.end <= w[1].source.start),
        "{words:?}"
    );
}

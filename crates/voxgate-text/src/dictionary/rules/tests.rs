//! Which rules match where, and which are refused.

use super::*;

fn rule(word: &str, say: &str, case_sensitive: bool) -> Rule {
    let say = match say.strip_prefix('/') {
        Some(ipa) => Say::Ipa(ipa.trim_end_matches('/').to_owned()),
        None => Say::Respelling(say.to_owned()),
    };
    Rule {
        word: word.to_owned(),
        say,
        case_sensitive,
    }
}

fn compiled(dictionaries: &[Vec<Rule>]) -> Rules {
    let slices: Vec<&[Rule]> = dictionaries.iter().map(Vec::as_slice).collect();
    Rules::compile(&slices).unwrap()
}

/// The text as the rules say it; IPA stands in slashes.
fn said(rules: &Rules, text: &str) -> String {
    let out = rules.apply(Passage::new(text));
    let mut shown = out.text().to_owned();
    for fixed in out.fixed().iter().rev() {
        if let FixedReading::Ipa { ipa, possessive } = &fixed.reading {
            let ending = if *possessive { "+s" } else { "" };
            shown.replace_range(fixed.range.clone(), &format!("/{ipa}{ending}/"));
        }
    }
    shown
}

#[test]
fn whole_words_longest_first() {
    let rules = compiled(&[vec![
        rule("GIF", "jif", true),
        rule("New York", "Noo Yawk", false),
        rule("New York City", "the city", false),
        rule("Nguyen", "/wɪn/", false),
        rule("C++", "see plus plus", true),
        rule("café", "caffay", false),
        rule("node.js", "node", false),
        rule("kubernetes", "koo-ber-NET-eez", false),
    ]]);
    for (text, expected) in [
        (
            "a GIF, a gif, GIFs and GIF's",
            "a jif, a gif, GIFs and jif's",
        ),
        ("NEW\n  york city or new york.", "the city or Noo Yawk."),
        ("New Yorker", "New Yorker"),
        ("Mr. Nguyen’s and NGUYEN", "Mr. /wɪn+s/ and /wɪn/"),
        ("C++ and C", "see plus plus and C"),
        ("cafe\u{301} CAFÉ", "caffay caffay"),
        ("use Node.js now", "use node now"),
        ("Kubernetes!", "koo-ber-net-eez!"),
        ("GIF-like GIF", "jif-like jif"),
        ("", ""),
    ] {
        assert_eq!(said(&rules, text), expected, "{text}");
    }
}

#[test]
fn the_first_dictionary_wins_and_case_goes_before_none() {
    let rules = compiled(&[
        vec![rule("polish", "shine", false)],
        vec![rule("Polish", "Poe lish", true), rule("polish", "x", false)],
    ]);
    assert_eq!(said(&rules, "Polish polish"), "shine shine");
    let rules = compiled(&[vec![
        rule("polish", "shine", false),
        rule("Polish", "Poe lish", true),
    ]]);
    assert_eq!(said(&rules, "Polish polish"), "Poe lish shine");
}

#[test]
fn sources_stay_the_callers() {
    let rules = compiled(&[vec![rule("W3C", "World Wide Web", true)]]);
    let text = "The W3C says";
    let out = rules.apply(Passage::new(text));
    assert_eq!(out.text(), "The World Wide Web says");
    assert_eq!(&text[out.source(4..9)], "W3C");
    assert_eq!(&text[out.source(15..18)], "W3C");
    assert_eq!(&text[out.source(19..23)], "says");
}

#[test]
fn given_readings_and_spoken_text_are_left_alone() {
    let rules = compiled(&[vec![rule("b", "x", false), rule("b c", "y", false)]]);
    let mut passage = Passage::new("");
    passage.push_copy("a ", 0);
    passage.push_copy("b", 2);
    passage.fix_since(
        2,
        FixedReading::Ipa {
            ipa: "a".to_owned(),
            possessive: false,
        },
    );
    passage.push_copy(" b", 3);
    let out = rules.apply(passage);
    assert_eq!((out.text(), out.fixed().len()), ("a b x", 1));
    for (spoken, expected, before) in [
        (0, "a y b".replace('b', "x"), 0),
        (3, "a x c x".to_owned(), 3),
        (5, "a y x".to_owned(), 3),
        (7, "a y x".to_owned(), 5),
    ] {
        let passage = Passage::part("a b c b".to_owned(), 0, spoken, crate::Ending::Open);
        let out = rules.apply(passage);
        assert_eq!(
            (out.text(), out.spoken()),
            (expected.as_str(), before),
            "{spoken}"
        );
    }
}

#[test]
fn what_is_wrong_is_named() {
    let check = |rules: &[Rule]| Rules::compile(&[rules]).unwrap_err();
    let long = "a".repeat(MAX_WORD_BYTES + 1);
    let many = "a ".repeat(MAX_WORD_PARTS);
    let respelling = "a ".repeat(MAX_RESPELLING_BYTES);
    for (word, say, part) in [
        ("", "x", "word is empty"),
        (" \t", "x", "word is empty"),
        (long.as_str(), "x", "longer than 100 bytes"),
        (many.as_str(), "x", "more than 20 words"),
        ("!?", "x", "no letter"),
        ("a\u{7}", "x", "control"),
        ("a", "", "pronunciation is empty"),
        ("a", respelling.as_str(), "longer than 200 bytes"),
        ("a", "--", "no letter"),
        ("a", "b\u{0}", "control"),
        ("a", "/ǃ/", "'ǃ' (character 1)"),
        ("a", "//", "no sound"),
    ] {
        let error = check(&[rule("ok", "fine", false), rule(word, say, false)]);
        assert!(error.to_string().starts_with("rule 2 ("), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let error = check(&[rule("Ok", "a", false), rule("oK", "b", false)]);
    assert!(error.to_string().contains("first as rule 1"), "{error}");
    let rules = vec![rule("a", "b", false); MAX_RULES + 1];
    assert_eq!(check(&rules), DictionaryError::TooManyRules(MAX_RULES + 1));
    let none: &[Rule] = &[];
    assert!(Rules::compile(&vec![none; MAX_DICTIONARIES + 1]).is_err());
    assert!(Rules::compile(&[]).unwrap().is_empty());
}

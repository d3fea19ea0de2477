//! Pronunciation dictionaries: compiled or refused, never a panic, whatever the rules and the text.
//!
//! Input: lines of `word<TAB>pronunciation`, where a pronunciation in slashes is IPA and a word that begins with `=` is
//! case-sensitive; behind an empty line the text.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use voxgate_text::{Frontend, Language, Rule, Rules, Say};

static FRONTEND: LazyLock<Frontend> =
    LazyLock::new(|| Frontend::new(Language::EnUs).expect("the embedded data"));
const MAX_READ_BYTES: usize = 200;

fuzz_target!(|data: &str| {
    let (dictionary, text) = data.split_once("\n\n").unwrap_or((data, data));
    let rules: Vec<Rule> = dictionary
        .lines()
        .map(|line| {
            let (word, say) = line.split_once('\t').unwrap_or((line, "x"));
            Rule {
                word: word.trim_start_matches('=').to_owned(),
                say: match say.strip_prefix('/') {
                    Some(ipa) => Say::Ipa(ipa.to_owned()),
                    None => Say::Respelling(say.to_owned()),
                },
                case_sensitive: word.starts_with('='),
            }
        })
        .collect();
    // A dictionary with a wrong rule is refused; its good rules are tried by themselves.
    let rules = Rules::compile(&[&rules]).unwrap_or_else(|_| {
        let good: Vec<&[Rule]> = rules
            .chunks(1)
            .filter(|rule| Rules::compile(&[rule]).is_ok())
            .take(8)
            .collect();
        Rules::compile(&good).unwrap_or_default()
    });
    if text.len() > MAX_READ_BYTES {
        return;
    }
    if let Ok(run) = FRONTEND.dry_run(text, &rules) {
        let mut end = 0;
        for word in run.words {
            assert!(text.get(word.source.clone()).is_some() && word.source.start >= end);
            end = word.source.end;
        }
    }
});

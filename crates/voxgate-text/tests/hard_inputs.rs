//! Hundreds of texts that break speech front ends, in both Englishes.
//!
//! The texts are data (`data/hard_inputs.jsonl`: name, text, expect), so that end-to-end tests use the same ones.
#![allow(clippy::unwrap_used)]

mod common;

use common::checked_clauses;
use voxgate_text::{Frontend, Language, TextError};

struct Input {
    name: String,
    text: String,
    expect: String,
}

fn inputs() -> Vec<Input> {
    include_str!("data/hard_inputs.jsonl")
        .lines()
        .map(|line| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            let field = |name: &str| value[name].as_str().unwrap().to_owned();
            Input {
                name: field("name"),
                text: field("text"),
                expect: field("expect"),
            }
        })
        .collect()
}

fn run(language: Language) {
    let frontend = Frontend::new(language).unwrap();
    let inputs = inputs();
    assert!(inputs.len() >= 300, "only {} inputs", inputs.len());
    let mut wrong = Vec::new();
    for input in &inputs {
        let found = match checked_clauses(&frontend, &input.text) {
            Ok(clauses) if clauses.is_empty() => "silence",
            Ok(_) => "speech",
            Err(TextError::UnsupportedScript {
                script,
                language: tag,
            }) => {
                assert!(!script.is_empty() && tag == language.as_str());
                assert!(frontend.check_script(&input.text).is_err());
                "unsupported"
            }
            Err(TextError::Internal(message)) => panic!("{}: {message}", input.name),
        };
        if found != input.expect {
            wrong.push(format!(
                "{}: {found}, expected {} ({})",
                input.name,
                input.expect,
                frontend.normalise(&input.text)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn american() {
    run(Language::EnUs);
}

#[test]
fn british() {
    run(Language::EnGb);
}

#[test]
fn names_are_unique() {
    let mut names: Vec<String> = inputs().into_iter().map(|i| i.name).collect();
    names.sort();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before);
}

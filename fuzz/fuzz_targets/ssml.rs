//! Marked-up text: parsed or refused, never a panic; what is parsed can be read, and its words lie in the text.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use voxgate_text::{Frontend, Item, Language, Plan};

static FRONTEND: LazyLock<Frontend> =
    LazyLock::new(|| Frontend::new(Language::EnUs).expect("the embedded data"));
/// Reading costs a guess of up to 20 ms for each unknown word; longer documents are parsed only.
const MAX_READ_BYTES: usize = 300;

fuzz_target!(|data: &str| {
    let document = format!("<speak>{data}</speak>");
    let plans = [
        (data, Plan::ssml(data)),
        (document.as_str(), Plan::ssml(&document)),
        (data, Plan::inline(data)),
    ];
    for (text, plan) in plans {
        let plan = match plan {
            Ok(plan) => plan,
            Err(error) => {
                assert!(text.is_char_boundary(error.offset) && error.line > 0 && error.column > 0);
                continue;
            }
        };
        for item in &plan.items {
            let Item::Speech(utterance) = item else {
                continue;
            };
            if text.len() > MAX_READ_BYTES {
                continue;
            }
            for clause in FRONTEND.read(utterance.passage.clone(), None) {
                let Ok(clause) = clause else { break };
                assert!(text.get(clause.source.clone()).is_some());
                for word in &clause.words {
                    assert!(text.get(word.source.clone()).is_some());
                }
            }
        }
    }
});

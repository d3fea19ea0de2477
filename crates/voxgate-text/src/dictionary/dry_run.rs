//! How a text would be said, word by word, and which rules had a part in it.

use std::ops::Range;

use super::Rules;
use crate::passage::Passage;
use crate::segment::{Known, Next, Segments};
use crate::word::Word;
use crate::{Frontend, TextError, to_espeak_words};

/// The longest text for a dry run, in bytes.
pub const MAX_DRY_RUN_BYTES: usize = 5_000;

/// How a text would be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryRun {
    /// The words as spoken, with punctuation.
    pub normalised: String,
    /// Its pronunciation in IPA, as espeak writes it.
    pub ipa: String,
    /// Its pronunciation in the alphabet of [`crate::Clause::phonemes`].
    pub phonemes: String,
    /// The words of the text that are spoken, in order.
    pub words: Vec<DryWord>,
    /// Bytes of the text that were read, at most [`MAX_DRY_RUN_BYTES`] and to the end of a word.
    pub read: usize,
}

/// How a word of a text would be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryWord {
    /// Bytes of the text.
    pub source: Range<usize>,
    /// Its pronunciation in IPA, as espeak writes it.
    pub ipa: String,
    /// The rule that said so: its dictionary and its place in it, both from 0.
    pub rule: Option<(usize, usize)>,
}

impl Frontend {
    /// What [`Frontend::read`] would make of a text, without speaking. A longer text than [`MAX_DRY_RUN_BYTES`] is read up
    /// to there.
    ///
    /// # Errors
    ///
    /// [`TextError::UnsupportedScript`] as [`Frontend::read`].
    pub fn dry_run(&self, text: &str, rules: &Rules) -> Result<DryRun, TextError> {
        let text = beginning(text);
        let mut out = DryRun {
            normalised: String::new(),
            ipa: String::new(),
            phonemes: String::new(),
            words: Vec::new(),
            read: text.len(),
        };
        let passage = Passage::new(text);
        let matches = matches(&passage, rules);
        let mut last: Option<Word> = None;
        for clause in self.read(passage, Some(rules)) {
            let clause = clause?;
            let (ipa, words) = to_espeak_words(&clause.phonemes, &clause.words);
            let symbols: Vec<char> = ipa.chars().collect();
            for word in words {
                let sound: String = symbols[word.phonemes.clone()].iter().collect();
                match out.words.last_mut() {
                    Some(before) if last.as_ref().is_some_and(|l| word.continues(l)) => {
                        before.source.end = before.source.end.max(word.source.end);
                        before.ipa.push(' ');
                        before.ipa.push_str(&sound);
                    }
                    _ => out.words.push(DryWord {
                        rule: matches
                            .iter()
                            .find(|(range, _)| {
                                range.start < word.source.end && word.source.start < range.end
                            })
                            .map(|(_, rule)| *rule),
                        source: word.source.clone(),
                        ipa: sound,
                    }),
                }
                last = Some(word);
            }
            for (line, more) in [
                (&mut out.normalised, &clause.text),
                (&mut out.phonemes, &clause.phonemes),
                (&mut out.ipa, &ipa),
            ] {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(more);
            }
        }
        Ok(out)
    }
}

/// The text up to the limit, without a word that it would cut.
fn beginning(text: &str) -> &str {
    if text.len() <= MAX_DRY_RUN_BYTES {
        return text;
    }
    let mut end = MAX_DRY_RUN_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = &text[..end];
    head.rfind(char::is_whitespace)
        .map_or(head, |at| &head[..at])
}

/// The bytes of the text where rules match, and which.
fn matches(passage: &Passage<'_>, rules: &Rules) -> Vec<(Range<usize>, (usize, usize))> {
    let mut out = Vec::new();
    let mut segments = Segments::default();
    while let Next::Segment(segment) = segments.next(Known::whole(passage.text())) {
        let sentence = passage.slice(segment.range);
        for found in rules.find(&sentence) {
            out.push((sentence.source(found.range), (found.dictionary, found.rule)));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Rule, Say};
    use super::*;
    use crate::Language;

    #[test]
    fn a_dry_run_shows_each_word_and_its_rule() {
        let frontend = Frontend::new(Language::EnUs).unwrap();
        let rules = Rules::compile(&[&[
            Rule {
                word: "GIF".to_owned(),
                say: Say::Respelling("jif".to_owned()),
                case_sensitive: true,
            },
            Rule {
                word: "Nguyen".to_owned(),
                say: Say::Ipa("wɪn".to_owned()),
                case_sensitive: false,
            },
        ]])
        .unwrap();
        let text = "Nguyen's GIF costs $5.";
        let run = frontend.dry_run(text, &rules).unwrap();
        let shown: Vec<_> = run
            .words
            .iter()
            .map(|w| (&text[w.source.clone()], w.ipa.as_str(), w.rule))
            .collect();
        assert_eq!(
            shown,
            [
                ("Nguyen's", "wɪnz", Some((0, 1))),
                ("GIF", "dʒˈɪf", Some((0, 0))),
                ("costs", "kˈɔːsts", None),
                ("$5", "fˈaɪv dˈɑːlɚz", None),
            ]
        );
        assert_eq!(run.normalised, "Nguyen's jif costs five dollars.");
        assert_eq!(run.ipa, "wɪnz dʒˈɪf kˈɔːsts fˈaɪv dˈɑːlɚz.");
        assert!(frontend.dry_run("你好世界", &rules).is_err());
        let long = "word ".repeat(2_000);
        let run = frontend.dry_run(&long, &rules).unwrap();
        assert!(run.read <= MAX_DRY_RUN_BYTES && run.words.len() == 1_000);
    }
}

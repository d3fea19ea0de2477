//! Dictionaries compiled into a matcher.
//!
//! Text and rules are cut at the word boundaries of Unicode, so a rule is a sequence of parts. At each word of a text the
//! sequences that begin with it are looked up from a hash table, at most [`MAX_WORD_PARTS`] of them: the time grows with
//! the text, whatever the rules are.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::{
    DictionaryError, MAX_DICTIONARIES, MAX_RESPELLING_BYTES, MAX_RULES, MAX_WORD_BYTES,
    MAX_WORD_PARTS, Rule, RuleProblem, Say,
};
use crate::passage::{FixedReading, Passage};
use crate::pronounce::check_ipa;

/// Stands between the parts of a key; no part holds it.
const BORDER: char = '\0';
/// What marks a possessive.
const POSSESSIVE: &str = "'s";

/// Compiled dictionaries, in order of precedence. Cheap to use from many threads at once.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Case matters.
    exact: Table,
    /// Keys in lower case.
    folded: Table,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    dictionary: usize,
    rule: usize,
    say: Say,
}

#[derive(Debug, Clone, Default)]
struct Table {
    /// The most parts of a rule that begins with this part.
    longest: HashMap<String, usize>,
    /// Index into the entries by the parts of the rule.
    rules: HashMap<String, usize>,
}

/// A rule that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Bytes of the text.
    pub(super) range: Range<usize>,
    pub(super) dictionary: usize,
    pub(super) rule: usize,
    entry: usize,
    possessive: bool,
}

impl Rules {
    /// Checks and compiles dictionaries, the first of which wins.
    ///
    /// # Errors
    ///
    /// [`DictionaryError`] names the rule and what is wrong with it.
    pub fn compile(dictionaries: &[&[Rule]]) -> Result<Rules, DictionaryError> {
        if dictionaries.len() > MAX_DICTIONARIES {
            return Err(DictionaryError::TooManyDictionaries(dictionaries.len()));
        }
        let mut compiled = Rules::default();
        for (dictionary, rules) in dictionaries.iter().enumerate() {
            if rules.len() > MAX_RULES {
                return Err(DictionaryError::TooManyRules(rules.len()));
            }
            for (rule, content) in rules.iter().enumerate() {
                compiled.add(dictionary, rule, content).map_err(|problem| {
                    DictionaryError::Rule {
                        index: rule,
                        word: content.word.chars().take(MAX_WORD_BYTES).collect(),
                        problem,
                    }
                })?;
            }
        }
        Ok(compiled)
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn add(&mut self, dictionary: usize, rule: usize, content: &Rule) -> Result<(), RuleProblem> {
        let parts = checked_word(&content.word)?;
        let say = checked_say(&content.say)?;
        let table = if content.case_sensitive {
            &mut self.exact
        } else {
            &mut self.folded
        };
        let mut key = String::new();
        let mut first = String::new();
        for (i, part) in parts.iter().enumerate() {
            let part = key_part(part, !content.case_sensitive);
            if i == 0 {
                first.push_str(&part);
            } else {
                key.push(BORDER);
            }
            key.push_str(&part);
        }
        if let Some(earlier) = table.rules.get(&key) {
            let earlier = &self.entries[*earlier];
            return if earlier.dictionary == dictionary {
                Err(RuleProblem::Duplicate(earlier.rule))
            } else {
                // An earlier dictionary has it: that one wins.
                Ok(())
            };
        }
        let longest = table.longest.entry(first).or_default();
        *longest = parts.len().max(*longest);
        table.rules.insert(key, self.entries.len());
        self.entries.push(Entry {
            dictionary,
            rule,
            say,
        });
        Ok(())
    }

    /// The rules that match in a passage, ascending and apart from each other.
    pub(super) fn find(&self, passage: &Passage<'_>) -> Vec<Found> {
        let text = passage.text();
        let parts = parts(text);
        let mut found = Vec::new();
        let mut at = 0;
        while at < parts.len() {
            let start = parts[at].start;
            // What was spoken before stays as it was, and a given reading is the caller's last word.
            let spoken = Some(passage.spoken()).filter(|s| start < *s);
            let given = passage.fixed().iter().find(|f| f.range.end > start);
            let limit = given
                .map(|f| f.range.start)
                .into_iter()
                .chain(spoken)
                .min()
                .unwrap_or(text.len());
            let known = parts[at..].iter().take(MAX_WORD_PARTS);
            let known = known.take_while(|p| p.end <= limit).count();
            let best = self.match_at(text, &parts[at..at + known]);
            match best {
                Some((m, count)) => {
                    found.push(m);
                    at += count;
                }
                None => at += 1,
            }
        }
        found
    }

    /// The best rule at the beginning of `parts`, and how many of them it takes.
    fn match_at(&self, text: &str, parts: &[Range<usize>]) -> Option<(Found, usize)> {
        let mut best: Option<(usize, usize, bool)> = None;
        let initial = &text[parts.first()?.clone()];
        for (table, fold) in [(&self.exact, false), (&self.folded, true)] {
            if table.rules.is_empty() {
                continue;
            }
            let first = key_part(initial, fold);
            let limit = |part: &str| table.longest.get(part).copied().unwrap_or(0);
            let limit = limit(&first).max(first.strip_suffix(POSSESSIVE).map_or(0, limit));
            let mut key = String::new();
            for (i, part) in parts.iter().take(limit).enumerate() {
                let part = key_part(&text[part.clone()], fold);
                if i > 0 {
                    key.push(BORDER);
                }
                let before = key.len();
                key.push_str(&part);
                let mut consider = |key: &str, possessive: bool| {
                    let Some(&entry) = table.rules.get(key) else {
                        return;
                    };
                    let better = best.is_none_or(|(count, other, _)| {
                        let (new, old) = (&self.entries[entry], &self.entries[other]);
                        i + 1 > count || i + 1 == count && new.dictionary < old.dictionary
                    });
                    if better {
                        best = Some((i + 1, entry, possessive));
                    }
                };
                consider(&key, false);
                if let Some(stem) = part.strip_suffix(POSSESSIVE).filter(|s| !s.is_empty()) {
                    consider(&key[..before + stem.len()], true);
                }
            }
        }
        let (count, entry, possessive) = best?;
        let found = Found {
            range: parts[0].start..parts[count - 1].end,
            dictionary: self.entries[entry].dictionary,
            rule: self.entries[entry].rule,
            entry,
            possessive,
        };
        Some((found, count))
    }

    /// The passage as the rules say it.
    pub(crate) fn apply<'t>(&self, passage: Passage<'t>) -> Passage<'t> {
        if self.is_empty() {
            return passage;
        }
        let found = self.find(&passage);
        if found.is_empty() {
            return passage;
        }
        let mut out = passage.emptied();
        let mut at = 0;
        let mut spoken = passage.spoken();
        for m in found {
            if spoken > at && spoken <= m.range.start {
                out.push_part(&passage, at..spoken);
                out.set_spoken();
                at = std::mem::take(&mut spoken);
            }
            out.push_part(&passage, at..m.range.start);
            at = m.range.end;
            let source = passage.source(m.range.clone());
            match &self.entries[m.entry].say {
                Say::Respelling(words) => {
                    let ending = if m.possessive { POSSESSIVE } else { "" };
                    out.push_instead(&format!("{words}{ending}"), source);
                }
                Say::Ipa(ipa) => {
                    let from = out.text().len();
                    out.push_instead(&passage.text()[m.range], source);
                    out.fix_since(
                        from,
                        FixedReading::Ipa {
                            ipa: ipa.clone(),
                            possessive: m.possessive,
                        },
                    );
                }
            }
            if spoken > 0 && spoken <= at {
                out.set_spoken();
                spoken = 0;
            }
        }
        if spoken > at {
            out.push_part(&passage, at..spoken);
            out.set_spoken();
            at = spoken;
        }
        out.push_part(&passage, at..passage.text().len());
        out
    }
}

fn checked_word(word: &str) -> Result<Vec<&str>, RuleProblem> {
    let word = word.trim();
    if word.is_empty() {
        return Err(RuleProblem::EmptyWord);
    }
    if word.len() > MAX_WORD_BYTES {
        return Err(RuleProblem::LongWord);
    }
    if word.contains(|c: char| c.is_control() && !c.is_whitespace()) {
        return Err(RuleProblem::Control("word"));
    }
    if !word.contains(char::is_alphanumeric) {
        return Err(RuleProblem::NoLetters);
    }
    let parts: Vec<&str> = parts(word).into_iter().map(|range| &word[range]).collect();
    if parts.len() > MAX_WORD_PARTS {
        return Err(RuleProblem::ManyParts);
    }
    Ok(parts)
}

fn checked_say(say: &Say) -> Result<Say, RuleProblem> {
    match say {
        Say::Ipa(ipa) => {
            check_ipa(ipa)?;
            Ok(say.clone())
        }
        Say::Respelling(words) => {
            let words = words.trim();
            if words.is_empty() {
                return Err(RuleProblem::EmptyRespelling);
            }
            if words.len() > MAX_RESPELLING_BYTES {
                return Err(RuleProblem::LongRespelling);
            }
            if words.contains(|c: char| c.is_control() && !c.is_whitespace()) {
                return Err(RuleProblem::Control("pronunciation"));
            }
            if !words.contains(char::is_alphanumeric) {
                return Err(RuleProblem::SilentRespelling);
            }
            let words: Vec<Cow<'_, str>> = words.split_whitespace().map(syllables).collect();
            Ok(Say::Respelling(words.join(" ")))
        }
    }
}

/// Syllables in capitals among others are stressed ones, not initials.
fn syllables(word: &str) -> Cow<'_, str> {
    if word.contains('-') && word.contains(char::is_lowercase) {
        Cow::Owned(word.to_lowercase())
    } else {
        Cow::Borrowed(word)
    }
}

/// The parts of a text between word boundaries; white space in a row is one part.
fn parts(text: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::with_capacity(text.len() / 3);
    let mut blank = false;
    for (at, part) in text.split_word_bound_indices() {
        let this_blank = part.chars().all(char::is_whitespace);
        match out.last_mut() {
            Some(last) if blank && this_blank => last.end = at + part.len(),
            _ => out.push(at..at + part.len()),
        }
        blank = this_blank;
    }
    out
}

/// A part as keys hold it: composed characters, straight apostrophes, one blank, and small letters if case is folded.
fn key_part(part: &str, fold: bool) -> Cow<'_, str> {
    if part.starts_with(char::is_whitespace) {
        return Cow::Borrowed(" ");
    }
    if part.is_ascii() && (!fold || !part.bytes().any(|b| b.is_ascii_uppercase())) {
        return Cow::Borrowed(part);
    }
    let composed: String = part
        .nfc()
        .map(|c| if matches!(c, '’' | 'ʼ') { '\'' } else { c })
        .collect();
    Cow::Owned(if fold {
        composed.to_lowercase()
    } else {
        composed
    })
}

#[cfg(test)]
mod tests;

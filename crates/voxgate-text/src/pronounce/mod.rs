//! Words to phonemes.
//!
//! Owns the lexicon, the part-of-speech tags that choose between heteronyms (`record`, `lead`, `close`), the neural
//! guess for words in no lexicon, and letter names as the last resort: every word sounds. Does not know digits,
//! symbols or abbreviations; the normaliser has spelled them out before.
//!
//! The lexicon and its context rules are misaki's (`misaki-rs`), which Kokoro was trained with. Its own pipeline is
//! not used: it tags with a convolutional network that costs 18 ms for a sentence of 26 words, where the averaged
//! perceptron of `loqui-g2p` costs 0.2 ms and gives the same tags on all but rare words; and it parses a second
//! tagger of 5.6 MB that it never asks. Construction is half as long without both.

mod alphabet;
mod ipa;
mod token;
mod unknown;

use std::thread;

use loqui_g2p::tagger::Tagger;
use misaki_rs::lexicon::{PhonemeEntry, TokenContext};
use misaki_rs::{Lexicon, data};

use std::ops::Range;

pub(crate) use alphabet::is_sound;
pub use alphabet::{is_phoneme_symbol, to_espeak_ipa, to_espeak_words};
pub(crate) use ipa::from_ipa;
pub use ipa::{IpaError, MAX_IPA_CHARS, check_ipa};
pub(crate) use token::Given;

use crate::{Language, TextError};
use token::{Token, tag_words, tokenize};
use unknown::UnknownWords;

/// Stress that misaki adds to a word that is capitalised, or written in capitals.
const CAPITALISED_STRESS: f64 = 0.5;
const UPPERCASE_STRESS: f64 = 2.0;

/// How a line sounds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sounded {
    /// Phonemes and punctuation.
    pub(crate) phonemes: String,
    /// Each word that sounds: its first byte in the line, and its symbols of `phonemes`.
    pub(crate) words: Vec<(usize, Range<usize>)>,
}

/// The pronunciation dictionary, tagger and fallback of one language.
pub(crate) struct Pronouncer {
    lexicon: Lexicon,
    tagger: Tagger,
    unknown: UnknownWords,
}

impl Pronouncer {
    /// Reads the embedded data. Takes about 0.2 s; share the result.
    pub(crate) fn load(language: Language) -> Result<Pronouncer, TextError> {
        let british = language == Language::EnGb;
        // Both halves of the lexicon are JSON of three megabytes; parsing is all of the start-up time.
        thread::scope(|scope| {
            let gold = scope.spawn(|| {
                if british {
                    data::load_gb_gold()
                } else {
                    data::load_us_gold()
                }
            });
            let silver = if british {
                data::load_gb_silver()
            } else {
                data::load_us_silver()
            };
            let tagger =
                Tagger::english().map_err(|e| TextError::Internal(format!("tagger: {e}")))?;
            let unknown = UnknownWords::load(language)?;
            let mut golds = gold
                .join()
                .map_err(|_| TextError::Internal("the lexicon is malformed".to_owned()))?;
            if british {
                // The lexicon's British Z is the American letter.
                golds.insert("Z".to_owned(), PhonemeEntry::Simple("zˈɛd".to_owned()));
            }
            let lang = if british {
                misaki_rs::Language::EnglishGB
            } else {
                misaki_rs::Language::EnglishUS
            };
            let lexicon = Lexicon {
                lang,
                cap_stresses: (CAPITALISED_STRESS, UPPERCASE_STRESS),
                golds,
                silvers: silver,
            };
            Ok(Pronouncer {
                lexicon,
                tagger,
                unknown,
            })
        })
    }

    /// Whether the lexicon holds `word` in this very spelling.
    pub(crate) fn knows(&self, word: &str) -> bool {
        self.lexicon.golds.contains_key(word) || self.lexicon.silvers.contains_key(word)
    }

    /// Whether the curated part of the lexicon, without rare names, holds `word` in this very spelling.
    pub(crate) fn knows_well(&self, word: &str) -> bool {
        self.lexicon.golds.contains_key(word)
    }

    /// Phonemes and punctuation of `normalised`, in the alphabet Kokoro's voices know.
    ///
    /// The stretches of `given`, ascending, sound as they say.
    pub(crate) fn phonemes(&self, normalised: &str, given: &[Given<'_>]) -> Sounded {
        let tokens = tokenize(normalised, given);
        let tags = tag_words(&self.tagger, &tokens);
        // From the right, because "the", "a" and "to" depend on the sound that follows.
        let mut context = TokenContext::default();
        let mut spoken: Vec<String> = Vec::with_capacity(tokens.len());
        for (i, (token, tags)) in tokens.iter().zip(&tags).enumerate().rev() {
            let phonemes = match token {
                Token::Word { text: "A", .. } if is_letter_a(&tokens, i) => self.spell("A"),
                Token::Word { text, .. } => self.word(text, tags, &context),
                Token::Given { phonemes, .. } => (*phonemes).to_owned(),
                Token::Mark { mark, .. } => mark.to_string(),
            };
            context = context_before(&context, &phonemes, token);
            spoken.push(phonemes);
        }
        let mut out = Sounded::default();
        let mut symbols = 0;
        for (token, phonemes) in tokens.iter().zip(spoken.iter().rev()) {
            if token.follows_blank()
                && !out.phonemes.is_empty()
                && !phonemes.is_empty()
                && !out.phonemes.ends_with(' ')
            {
                out.phonemes.push(' ');
                symbols += 1;
            }
            let start = symbols;
            symbols += phonemes.chars().count();
            out.phonemes.push_str(phonemes);
            if let Token::Word { at, .. } | Token::Given { at, .. } = token
                && symbols > start
            {
                out.words.push((*at, start..symbols));
            }
        }
        out
    }

    /// Names of letters and digits one after the other, stressed as one word.
    pub(crate) fn letters(&self, word: &str) -> String {
        alphabet::to_kokoro(&self.spell(word))
    }

    /// A word with the ending "'s".
    pub(crate) fn possessive(&self, phonemes: &str) -> String {
        alphabet::to_kokoro_words(&self.lexicon.append_s(phonemes))
    }

    /// One word as written, which may be hyphenated. `tags` holds one tag per hyphenated part.
    fn word(&self, text: &str, tags: &[String], context: &TokenContext) -> String {
        let tag = |i: usize| tags.get(i).or(tags.last()).map_or("NN", String::as_str);
        if !text.contains('-') {
            return alphabet::to_kokoro(&self.part(text, tag(0), context));
        }
        if self.knows(text)
            && let Some((phonemes, _)) =
                self.lexicon
                    .get_word(text, tag(tags.len()), stress_of(text), Some(context))
        {
            return alphabet::to_kokoro(&phonemes);
        }
        let parts: Vec<&str> = text.split('-').filter(|p| !p.is_empty()).collect();
        if let Some(letters) = self.initialism(&parts) {
            return alphabet::to_kokoro(&letters);
        }
        let mut context = context.clone();
        let mut spoken: Vec<String> = Vec::with_capacity(parts.len());
        for (i, part) in parts.iter().enumerate().rev() {
            // A lone letter inside a compound is its name: X-ray, A-four.
            let phonemes = if part.len() == 1 {
                self.spell(part)
            } else {
                self.part(part, tag(i), &context)
            };
            context.future_vowel = first_sound(&phonemes).or(context.future_vowel);
            spoken.push(phonemes);
        }
        spoken.reverse();
        self.balance_stress(&parts, &mut spoken);
        alphabet::to_kokoro(&spoken.concat())
    }

    /// A word without hyphens.
    fn part(&self, word: &str, tag: &str, context: &TokenContext) -> String {
        let word = word.trim_matches('\'');
        let folded;
        // The lexicon's own rules slice bytes and must not see letters of several bytes.
        let word = if word.is_ascii() {
            word
        } else {
            folded = any_ascii::any_ascii(word);
            folded.trim_matches(|c: char| !c.is_ascii_alphanumeric())
        };
        if !word.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return String::new();
        }
        if word.bytes().any(|b| b.is_ascii_digit()) {
            return self.spell(word);
        }
        if let Some(phonemes) = self.lexicon_reading(word, tag, context) {
            return phonemes;
        }
        if let Some(stem) = word.strip_suffix("'s").or_else(|| word.strip_suffix("'S")) {
            return self.lexicon.append_s(&self.part(stem, tag, context));
        }
        // Stacked contractions: shouldn't've, who'd've, Szczepanski'll.
        for (ending, sound) in [("'ve", "əv"), ("'ll", "ᵊl"), ("'re", "əɹ"), ("'d", "d")] {
            if let Some(stem) = word.strip_suffix(ending).filter(|stem| !stem.is_empty()) {
                return self.part(stem, tag, context) + sound;
            }
        }
        self.unknown.pronounce(
            word,
            |w| self.knows_well(w),
            |w| self.part(w, tag, context),
            |w| self.spell(w),
        )
    }

    fn lexicon_reading(&self, word: &str, tag: &str, context: &TokenContext) -> Option<String> {
        if let Some(doubled) = doubled_consonant_stem(word)
            && !self.knows(word)
            && !self.knows(&word.to_ascii_lowercase())
        {
            // Sitting, blogging: misaki's port of this rule answers the spelling instead of the sound.
            let known = self
                .knows(doubled)
                .then(|| self.lexicon.lookup(doubled, tag, Some(0.5), Some(context)));
            return known
                .flatten()
                .and_then(|(stem, _)| self.lexicon.append_ing(&stem));
        }
        let (phonemes, _) = self
            .lexicon
            .get_word(word, tag, stress_of(word), Some(context))?;
        phonemes
            .chars()
            .any(|c| is_sound(c) || matches!(c, 'ɾ' | 'ʔ'))
            .then_some(phonemes)
    }

    /// Letter names for F-B-I, C-E-Os, D-V-D's. `None` if a part is more than a letter.
    fn initialism(&self, parts: &[&str]) -> Option<String> {
        let (last, head) = parts.split_last()?;
        let single = |p: &str| p.len() == 1 && p.bytes().all(|b| b.is_ascii_uppercase());
        let (letter, ending) = last.split_at_checked(1)?;
        if head.is_empty()
            || !head.iter().all(|p| single(p))
            || !single(letter)
            || !matches!(ending, "" | "s" | "'s")
        {
            return None;
        }
        let letters = self.spell(&format!("{}{letter}", head.concat()));
        Some(if ending.is_empty() {
            letters
        } else {
            self.lexicon.append_s(&letters)
        })
    }

    /// Names of letters and digits, stressed as one word: FBI → ˌɛfbˌiˈI.
    fn spell(&self, word: &str) -> String {
        let mut out = String::new();
        for c in word.chars() {
            let name = match c.to_digit(10) {
                Some(digit) => {
                    let words = crate::normalise::digit_name(digit);
                    self.lexicon
                        .get_word(words, "CD", None, None)
                        .map(|(p, _)| format!(" {p} "))
                }
                None => match self
                    .lexicon
                    .golds
                    .get(c.to_ascii_uppercase().encode_utf8(&mut [0; 4]))
                {
                    Some(PhonemeEntry::Simple(name)) => Some(name.clone()),
                    _ => None,
                },
            };
            out.push_str(&name.unwrap_or_default());
        }
        let even = out.replace('ˈ', "ˌ");
        match even.rfind('ˌ') {
            Some(last) => format!("{}ˈ{}", &even[..last], &even[last + 'ˌ'.len_utf8()..]),
            None => even,
        }
    }

    /// misaki's rule for compounds: half of the parts, the lightest first, lose their primary stress.
    fn balance_stress(&self, parts: &[&str], spoken: &mut [String]) {
        let weight = |p: &str| {
            p.chars()
                .map(|c| if "AIOQWYʤʧ".contains(c) { 2 } else { 1 })
                .sum::<usize>()
        };
        let mut order: Vec<(bool, usize, usize)> = spoken
            .iter()
            .enumerate()
            .filter(|(_, p)| !p.is_empty())
            .map(|(i, p)| (p.contains('ˈ'), weight(p), i))
            .collect();
        let primaries = order.iter().filter(|(primary, ..)| *primary).count();
        let demoted = if order.len() == 2 && parts.first().is_some_and(|p| p.len() == 1) {
            vec![order[1].2]
        } else if order.len() >= 2 && primaries > order.len().div_ceil(2) {
            order.sort_unstable();
            order
                .iter()
                .take(order.len() / 2)
                .map(|(.., i)| *i)
                .collect()
        } else {
            Vec::new()
        };
        for i in demoted {
            spoken[i] = self.lexicon.apply_stress(&spoken[i], Some(-0.5));
        }
    }
}

/// Whether the capital "A" at `i` is the letter and not the article: "vitamin A", "A B C", "Jane A Doe", but "A dog".
fn is_letter_a(tokens: &[Token<'_>], i: usize) -> bool {
    let word = |at: Option<usize>| match at.and_then(|at| tokens.get(at)) {
        Some(Token::Word { text, .. } | Token::Given { text, .. }) => Some(*text),
        _ => None,
    };
    match (word(i.checked_sub(1)), word(Some(i + 1))) {
        (_, Some(after))
            if after.len() == 1 && after != "I" && after.starts_with(char::is_uppercase) =>
        {
            true
        }
        (Some(_), None) => true,
        // Behind a word: a title in capitals ("What A Day") is rarer than an initial or a grade.
        (Some(before), Some(_)) => before.len() > 1,
        _ => false,
    }
}

/// How capitals stress a word: none, a little, or fully.
fn stress_of(word: &str) -> Option<f64> {
    if !word.chars().any(char::is_uppercase) {
        None
    } else if word.chars().any(char::is_lowercase) {
        Some(CAPITALISED_STRESS)
    } else {
        Some(UPPERCASE_STRESS)
    }
}

/// The stem of a doubled consonant before "ing": sitting → sit.
fn doubled_consonant_stem(word: &str) -> Option<&str> {
    let doubled = word.strip_suffix("ing")?;
    let stem = doubled.get(..doubled.len().checked_sub(1)?)?;
    let last = doubled.bytes().next_back()?;
    (stem.len() > 1 && stem.as_bytes().ends_with(&[last]) && b"bcdgklmnprstvxz".contains(&last))
        .then_some(stem)
}

/// Whether the first sound is a vowel; `None` where nothing sounds.
fn first_sound(phonemes: &str) -> Option<bool> {
    phonemes
        .chars()
        .find(|c| is_sound(*c) || *c == 'ɾ')
        .map(alphabet::is_vowel)
}

/// What the word to the left must know: does a vowel follow, does "to" follow. Punctuation forgets the sound.
fn context_before(after: &TokenContext, phonemes: &str, token: &Token<'_>) -> TokenContext {
    match token {
        Token::Mark { mark, .. } if !matches!(mark, '“' | '”' | '(' | ')') => {
            TokenContext::default()
        }
        Token::Mark { .. } => TokenContext {
            future_to: false,
            ..after.clone()
        },
        Token::Word { text, .. } | Token::Given { text, .. } => TokenContext {
            future_vowel: first_sound(phonemes).or(after.future_vowel),
            future_to: text.eq_ignore_ascii_case("to"),
        },
    }
}

#[cfg(test)]
mod tests;

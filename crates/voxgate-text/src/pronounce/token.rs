//! Normalised text to words and marks, and their part-of-speech tags.

use std::ops::Range;

use loqui_g2p::tagger::Tagger;

/// A word or a punctuation mark of normalised text.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// Letters with inner apostrophes and hyphens.
    Word {
        text: &'t str,
        /// Its first byte in the text.
        at: usize,
        /// Whether a blank stands before it.
        blank: bool,
    },
    /// A word whose phonemes are given.
    Given {
        text: &'t str,
        /// Its first byte in the text.
        at: usize,
        phonemes: &'t str,
        /// Whether a blank stands before it.
        blank: bool,
    },
    /// One mark of the phoneme alphabet.
    Mark {
        mark: char,
        /// Whether a blank stands before it.
        blank: bool,
    },
}

impl Token<'_> {
    pub(super) fn follows_blank(&self) -> bool {
        match self {
            Token::Word { blank, .. } | Token::Given { blank, .. } | Token::Mark { blank, .. } => {
                *blank
            }
        }
    }
}

/// A stretch of normalised text whose phonemes are given.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Given<'t> {
    /// Bytes of the text.
    pub(crate) range: Range<usize>,
    pub(crate) phonemes: &'t str,
}

/// Splits at blanks and marks. Characters that are neither letters nor known marks separate words.
/// The stretches of `given`, ascending, are words of their own.
pub(super) fn tokenize<'t>(text: &'t str, given: &[Given<'t>]) -> Vec<Token<'t>> {
    let mut tokens = Vec::new();
    let mut blank = false;
    let mut given = given.iter().peekable();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if let Some(word) = given.next_if(|g| g.range.start <= start) {
            tokens.push(Token::Given {
                text: &text[word.range.clone()],
                at: start,
                phonemes: word.phonemes,
                blank,
            });
            blank = false;
            while chars.next_if(|(at, _)| *at < word.range.end).is_some() {}
        } else if is_word_char(c) {
            let mut end = start + c.len_utf8();
            while let Some(&(at, next)) = chars.peek() {
                if !is_word_char(next) || given.peek().is_some_and(|g| g.range.start <= at) {
                    break;
                }
                end = at + next.len_utf8();
                chars.next();
            }
            let word = text[start..end].trim_matches(['-', '\'', '’']);
            if !word.is_empty() {
                tokens.push(Token::Word {
                    text: word,
                    at: start,
                    blank,
                });
                blank = false;
            }
        } else if super::is_phoneme_symbol(c) && c != ' ' {
            tokens.push(Token::Mark { mark: c, blank });
            blank = false;
        } else {
            blank = true;
        }
    }
    tokens
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c, '\'' | '-' | '’')
        || unicode_normalization::char::is_combining_mark(c)
}

/// Penn Treebank tags, one list per token: a tag for each hyphenated part of a word, none for a mark.
///
/// Contractions are tagged in the pieces the tagger was trained on (`do` + `n't`); the first piece decides.
pub(super) fn tag_words(tagger: &Tagger, tokens: &[Token<'_>]) -> Vec<Vec<String>> {
    let mut pieces: Vec<String> = Vec::with_capacity(tokens.len() + 8);
    let mut owners: Vec<Option<usize>> = Vec::with_capacity(tokens.len() + 8);
    for (i, token) in tokens.iter().enumerate() {
        match token {
            Token::Mark { mark, .. } => {
                pieces.push(match mark {
                    '“' => "``".to_owned(),
                    '”' => "''".to_owned(),
                    other => other.to_string(),
                });
                owners.push(None);
            }
            Token::Word { text, .. } | Token::Given { text, .. } => {
                for (n, part) in text.split('-').filter(|p| !p.is_empty()).enumerate() {
                    if n > 0 {
                        pieces.push("-".to_owned());
                        owners.push(None);
                    }
                    let (head, tail) = split_contraction(part);
                    pieces.push(head.to_owned());
                    owners.push(Some(i));
                    if let Some(tail) = tail {
                        pieces.push(tail.to_owned());
                        owners.push(None);
                    }
                }
            }
        }
    }
    let words: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let mut tags = vec![Vec::new(); tokens.len()];
    for (tag, owner) in tagger.tag(&words).into_iter().zip(owners) {
        if let Some(owner) = owner {
            tags[owner].push(tag);
        }
    }
    tags
}

/// `don't` → `do` + `n't`, `she'll` → `she` + `'ll`.
fn split_contraction(word: &str) -> (&str, Option<&str>) {
    for ending in ["n't", "'ll", "'re", "'ve", "'s", "'d", "'m"] {
        if word.len() > ending.len() && word.ends_with(ending) {
            let (head, tail) = word.split_at(word.len() - ending.len());
            return (head, Some(tail));
        }
    }
    (word, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_marks_and_blanks() {
        let word = |text, at, blank| Token::Word { text, at, blank };
        let mark = |mark, blank| Token::Mark { mark, blank };
        assert_eq!(
            tokenize("“Well-known, don't” \u{7} x…", &[]),
            vec![
                mark('“', false),
                word("Well-known", 3, false),
                mark(',', false),
                word("don't", 15, true),
                mark('”', false),
                word("x", 26, true),
                mark('…', false),
            ]
        );
        assert_eq!(tokenize("' - --", &[]), vec![]);
    }

    #[test]
    fn contractions_split_for_the_tagger() {
        assert_eq!(split_contraction("don't"), ("do", Some("n't")));
        assert_eq!(split_contraction("she'll"), ("she", Some("'ll")));
        assert_eq!(split_contraction("'s"), ("'s", None));
        assert_eq!(split_contraction("plain"), ("plain", None));
    }
}

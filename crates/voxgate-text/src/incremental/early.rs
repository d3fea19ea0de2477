//! Where a sentence that is still coming may be spoken up to.
//!
//! At a comma, semicolon, colon or dash between words, where the words before it are read the same whatever follows and
//! the words behind it are read the same with them as context: not inside quotes or brackets, not before a number
//! ("March 14, 2026"), not behind an abbreviation's stop, not while everything is in capitals.

/// The first such place behind at least `needed` words: the byte behind the mark. Depends on nothing behind the first
/// character of the next word.
pub(super) fn cut(sentence: &str, needed: usize) -> Option<usize> {
    let mut state = State::default();
    let mut previous = ' ';
    for (at, c) in sentence.char_indices() {
        if matches!(c, ',' | ';' | ':' | '—')
            && state.words_before(previous) >= needed
            && state.may_end(c, previous)
        {
            let rest = &sentence[at + c.len_utf8()..];
            let next = rest.trim_start();
            let apart = next.len() < rest.len();
            // A list, a quotation or a sign may go on with what was before; a word does not.
            if apart && next.starts_with(char::is_alphabetic) {
                return Some(at + c.len_utf8());
            }
        }
        state.take(c, previous);
        previous = c;
    }
    None
}

/// What was seen of a sentence.
#[derive(Default)]
struct State {
    /// Words that a blank ended.
    words: usize,
    /// Whether the word that is being seen holds a letter or digit.
    in_word: bool,
    /// Brackets and quotes that are open.
    depth: i32,
    straight_quotes: usize,
    tags: usize,
    /// Whether a word of several letters had a small one.
    small_letters: bool,
}

impl State {
    fn take(&mut self, c: char, previous: char) {
        match c {
            '(' | '[' | '{' | '“' | '«' | '「' | '『' => self.depth += 1,
            ')' | ']' | '}' | '”' | '»' | '」' | '』' => self.depth -= 1,
            '"' => self.straight_quotes += 1,
            '<' | '>' => self.tags += 1,
            _ => {}
        }
        if c.is_whitespace() {
            self.words += usize::from(self.in_word);
            self.in_word = false;
        } else if c.is_alphanumeric() {
            self.in_word = true;
        }
        if c.is_alphabetic() && previous.is_alphabetic() {
            self.small_letters |= c.is_lowercase() || previous.is_lowercase();
        }
    }

    fn words_before(&self, previous: char) -> usize {
        // A dash stands behind a blank.
        self.words + usize::from(self.in_word && !previous.is_whitespace())
    }

    fn may_end(&self, mark: char, previous: char) -> bool {
        let behind_word = previous.is_alphanumeric() || mark == '—' && previous == ' ';
        let any = self.words > 0 || self.in_word;
        any && behind_word
            && self.depth == 0
            && self.straight_quotes.is_multiple_of(2)
            && self.tags == 0
            && self.small_letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        for (sentence, needed, expected) in [
            ("Well, I think so", 1, Some("Well,")),
            ("Well, I think so, maybe", 3, Some("Well, I think so,")),
            ("We met — you and I", 2, Some("We met —")),
            ("Note: this is it", 1, Some("Note:")),
            ("On March 14, 2026, we met", 1, Some("On March 14, 2026,")),
            ("paper, etc., and so", 2, None),
            ("It is 1,000 now", 1, None),
            ("He said \"well, no\", then left", 1, None),
            ("He (well, no) left, then", 1, Some("He (well, no) left,")),
            ("GET OUT, NOW, I say", 1, None),
            ("Well,", 1, None),
            ("Well, ", 1, None),
            ("Well,I", 1, None),
            (", a", 0, None),
            ("a <b title=\"x, y\">, c", 1, None),
        ] {
            assert_eq!(
                cut(sentence, needed).map(|at| &sentence[..at]),
                expected,
                "{sentence}"
            );
        }
    }

    #[test]
    fn what_follows_does_not_change_the_place() {
        let sentence = "Well, I (think) so, maybe — or not: see 5, 6, and \"seven, eight\", nine";
        for needed in 0..8 {
            let whole = cut(sentence, needed);
            for end in (0..sentence.len()).filter(|e| sentence.is_char_boundary(*e)) {
                let found = cut(&sentence[..end], needed);
                assert!(found.is_none() || found == whole, "{}", &sentence[..end]);
            }
        }
    }
}

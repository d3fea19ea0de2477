//! Any Unicode to a small alphabet the token classes understand, with a way back to the caller's bytes.
//!
//! After cleaning a sentence holds Latin letters, ASCII digits and punctuation, single blanks, and the few signs that
//! have a reading (`°`, `²`, `€` …). Owns compatibility folding (NFKC), invisible characters, typographic variants,
//! transliteration and emoji; markup is in [`super::markup`].

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

use super::{emoji, markup};
use crate::passage::Fixed;

/// Stand for a stretch with a given reading, so that what is around it sees a word there. Letters of a script that is
/// transliterated, so nothing else ever is one of them.
const GIVEN_CAPITAL: &str = "Ꭰ";
const GIVEN_SMALL: &str = "ꭰ";

/// Signs that pass as they are, because a token class reads them.
const SIGNS: &str = "°µ×÷±≈≠≤≥∞√²³§€£¥₹¢₩₽₺₪₫₴₦₱฿₿–—“”′″•→";

/// A cleaned sentence and where each part of it came from.
#[derive(Debug, Default)]
pub(super) struct Cleaned {
    pub(super) text: String,
    /// (first byte in `text`, source bytes), ascending.
    origins: Vec<(usize, Range<usize>)>,
    last_emoji: Option<(&'static str, usize)>,
    /// Bytes of `text` that stand for each stretch with a given reading.
    pub(super) given: Vec<Range<usize>>,
}

impl Cleaned {
    /// The source bytes behind a range of the cleaned text.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let first = self
            .origins
            .partition_point(|(at, _)| *at <= range.start)
            .saturating_sub(1);
        let last = self
            .origins
            .partition_point(|(at, _)| *at < range.end)
            .saturating_sub(1);
        match (self.origins.get(first), self.origins.get(last)) {
            (Some((_, a)), Some((_, b))) => a.start..b.end.max(a.start),
            _ => 0..0,
        }
    }

    /// The first byte of the cleaned text that came from byte `source` or behind it.
    pub(super) fn position(&self, source: usize) -> usize {
        let i = self.origins.partition_point(|(_, s)| s.start < source);
        self.origins.get(i).map_or(self.text.len(), |(at, _)| *at)
    }

    /// A word in the place of a stretch with a given reading.
    fn given(&mut self, written: &str, source: &Range<usize>) {
        if self.text.ends_with(|c: char| !c.is_ascii_punctuation()) {
            self.blank(source);
        }
        let at = self.text.len();
        let capital = written.starts_with(char::is_uppercase);
        self.push(if capital { GIVEN_CAPITAL } else { GIVEN_SMALL }, source);
        self.given.push(at..self.text.len());
    }

    fn push(&mut self, text: &str, source: &Range<usize>) {
        if !text.is_empty() {
            self.origins.push((self.text.len(), source.clone()));
            self.text.push_str(text);
        }
    }

    fn blank(&mut self, source: &Range<usize>) {
        if !self.text.is_empty() && !self.text.ends_with(' ') {
            self.push(" ", source);
        }
    }

    /// `text` as words of its own.
    fn apart(&mut self, text: &str, source: &Range<usize>) {
        self.blank(source);
        self.push(text, source);
        self.blank(source);
    }

    fn cluster(
        &mut self,
        cluster: &str,
        source: &Range<usize>,
        neighbours: (Option<char>, Option<char>),
    ) {
        let mut chars = cluster.chars();
        let only = chars.next().filter(|_| chars.next().is_none());
        if let Some(c) = only {
            if c.is_ascii_graphic() {
                return self.push(cluster, source);
            }
            if self.single(c, source, neighbours) {
                return;
            }
        }
        if let Some(name) = emoji::name(cluster) {
            // A row of the same emoji is read once.
            let again = self.last_emoji.is_some_and(|(last, at)| {
                last == name && self.text[at..].trim_matches([' ', ',']).is_empty()
            });
            if !again {
                self.push(", ", source);
                self.push(&emoji::spoken(name), source);
                self.push(", ", source);
            }
            self.last_emoji = Some((name, self.text.len()));
            return;
        }
        let folded: String = cluster.nfkc().collect();
        if folded.contains('\u{2044}') {
            // ½ behind a digit is a mixed number: 3½.
            if self.text.ends_with(|c: char| c.is_ascii_digit()) {
                self.blank(source);
            }
            return self.push(&folded.replace('\u{2044}', "/"), source);
        }
        for c in folded.chars() {
            self.folded(c, source, neighbours);
        }
    }

    /// Characters that compatibility folding would garble. Answers whether `c` was one.
    fn single(
        &mut self,
        c: char,
        source: &Range<usize>,
        neighbours: (Option<char>, Option<char>),
    ) -> bool {
        match c {
            '‘' | '’' | '‛' | 'ʼ' | '＇' | '`' | '´' => self.push("'", source),
            '„' | '‟' | '«' | '»' | '「' | '」' | '『' | '』' => {
                self.push(
                    if matches!(c, '»' | '」' | '』') {
                        "”"
                    } else {
                        "“"
                    },
                    source,
                );
            }
            '™' => self.apart("trademark", source),
            '©' => self.apart("copyright", source),
            '®' => self.apart("registered", source),
            '№' => self.push("No. ", source),
            '−' | '‐' | '‑' | '⁃' => self.push("-", source),
            '‒' => self.push("–", source),
            '―' => self.push("—", source),
            'μ' | 'µ' if neighbours.1.is_some_and(|n| n.is_ascii_alphabetic()) => {
                self.push("µ", source)
            }
            'Ω' | 'Ω'
                if neighbours
                    .0
                    .is_some_and(|p| p.is_ascii_alphanumeric() || p == ' ') =>
            {
                self.apart_if_digit("ohm", source)
            }
            '、' => self.push(", ", source),
            '。' | '｡' => self.push(". ", source),
            '·' | '‣' | '▪' | '●' => self.push("•", source),
            '⇒' | '➔' | '➜' => self.push("→", source),
            c if SIGNS.contains(c) => self.push(c.encode_utf8(&mut [0; 4]), source),
            _ => return false,
        }
        true
    }

    /// "5kΩ" keeps its prefix: the unit class reads `kohm`.
    fn apart_if_digit(&mut self, word: &str, source: &Range<usize>) {
        if self.text.ends_with(|c: char| c.is_ascii_digit()) {
            self.blank(source);
        }
        self.push(word, source);
    }

    /// One character after compatibility folding.
    fn folded(&mut self, c: char, source: &Range<usize>, neighbours: (Option<char>, Option<char>)) {
        if c.is_ascii_graphic() || SIGNS.contains(c) {
            self.push(c.encode_utf8(&mut [0; 4]), source);
        } else if c.is_whitespace() {
            self.blank(source);
        } else if is_invisible(c) {
        } else if c.is_alphabetic() {
            self.letter(c, source, neighbours);
        } else if c.is_numeric() {
            self.push(any_ascii::any_ascii_char(c), source);
        } else if !is_combining_mark(c) {
            let ascii = any_ascii::any_ascii_char(c);
            // Only punctuation: any_ascii also draws pictures ("(c)", "->", ":heart:").
            if ascii.len() == 1 && ascii.bytes().all(|b| b",.;:!?'\"()-/".contains(&b)) {
                self.push(ascii, source);
            } else {
                self.blank(source);
            }
        }
    }

    fn letter(&mut self, c: char, source: &Range<usize>, neighbours: (Option<char>, Option<char>)) {
        let script = c.script();
        let greek = |n: Option<char>| n.is_some_and(|n| n.script() == Script::Greek);
        match script {
            Script::Latin => self.push(c.encode_utf8(&mut [0; 4]), source),
            Script::Greek if !greek(neighbours.0) && !greek(neighbours.1) => match greek_name(c) {
                Some(name) => self.apart(name, source),
                None => self.push(any_ascii::any_ascii_char(c), source),
            },
            Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul => {
                self.apart(&any_ascii::any_ascii_char(c).to_lowercase(), source);
            }
            _ => {
                let ascii: String = any_ascii::any_ascii_char(c)
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric())
                    .collect();
                self.push(&ascii, source);
            }
        }
    }
}

/// Cleans one sentence. The stretches of `fixed` become one placeholder each.
pub(super) fn clean(sentence: &str, fixed: &[Fixed]) -> Cleaned {
    let mut out = Cleaned {
        text: String::with_capacity(sentence.len() + 16),
        ..Cleaned::default()
    };
    let mut at = 0;
    let mut previous = None;
    let mut fixed = fixed.iter().map(|f| f.range.clone()).peekable();
    let mut limit = fixed.peek().map_or(sentence.len(), |r| r.start);
    while at < sentence.len() {
        if at >= limit
            && let Some(range) = fixed.next()
        {
            limit = fixed.peek().map_or(sentence.len(), |r| r.start);
            out.given(&sentence[range.clone()], &range);
            at = range.end;
            previous = None;
            if sentence[at..].starts_with(char::is_alphanumeric) {
                out.blank(&range);
            }
            continue;
        }
        let rest = &sentence[at..limit];
        if let Some(found) = markup::at_start(rest) {
            let source = at..at + found.len;
            match found.stands_for {
                Some(c) => out.folded(c, &source, (previous, None)),
                None => out.blank(&source),
            }
            previous = None;
            at += found.len;
            continue;
        }
        let bytes = rest.as_bytes();
        let len = if bytes[0].is_ascii() && bytes.get(1).is_none_or(u8::is_ascii) {
            1
        } else {
            rest.graphemes(true).next().map_or(1, str::len)
        };
        let (cluster, after) = rest.split_at(len);
        let source = at..at + len;
        if cluster.len() == 1 && cluster.as_bytes()[0].is_ascii_whitespace() {
            out.blank(&source);
        } else {
            out.cluster(cluster, &source, (previous, after.chars().next()));
        }
        previous = cluster.chars().next();
        at += len;
    }
    // The breath behind an emoji needs something to follow.
    if out.last_emoji.is_some_and(|(_, at)| at == out.text.len()) {
        out.text
            .truncate(out.text.trim_end_matches([' ', ',']).len());
    }
    out
}

/// Control, format and selector characters: no width, no reading.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
        )
}

fn greek_name(c: char) -> Option<&'static str> {
    const NAMES: [&str; 24] = [
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
        "lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi",
        "chi", "psi", "omega",
    ];
    let lower = c.to_lowercase().next()?;
    let index = match lower {
        'α'..='ρ' => lower as usize - 'α' as usize,
        'ς' => 17,
        'σ'..='ω' => lower as usize - 'α' as usize - 1,
        _ => return None,
    };
    NAMES.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_to_the_clean_alphabet() {
        for (raw, expected) in [
            ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
            ("𝓗𝓮𝓵𝓵𝓸 𝟏𝟐", "Hello 12"),
            ("a\u{200b}b\u{0}c\u{feff}", "abc"),
            ("“quoted” ‘it’s’", "“quoted” 'it's'"),
            ("3½ cups", "3 1/2 cups"),
            ("m² and x³", "m² and x³"),
            ("ﬁne ①", "fine 1"),
            ("cafe\u{301} naïve", "café naïve"),
            ("Z̷̢͝a̸l̶g̵o", "Zalgo"),
            ("мир 北京", "mir bei jing "),
            ("π r²", "pi r²"),
            ("tab\tand\nline  gap", "tab and line gap"),
            ("٣٤", "34"),
            ("5 µm, 10 kΩ", "5 µm, 10 kohm"),
            ("AT&amp;T &lt;b&gt; <b>x</b>", "AT&T <b> x "),
        ] {
            assert_eq!(clean(raw, &[]).text, expected, "{raw}");
        }
    }

    #[test]
    fn emoji_are_named_once() {
        assert_eq!(
            clean("Hi 😀😀 😀!", &[]).text.trim(),
            "Hi , grinning face, !"
        );
        assert_eq!(clean("👍🏽", &[]).text.trim(), ", thumbs up");
    }

    #[test]
    fn every_part_knows_its_source() {
        let raw = "é &amp; 😀 ok";
        let cleaned = clean(raw, &[]);
        let ok = cleaned.text.rfind("ok").unwrap();
        assert_eq!(&raw[cleaned.source(ok..ok + 2)], "ok");
        let amp = cleaned.text.find('&').unwrap();
        assert_eq!(&raw[cleaned.source(amp..amp + 1)], "&amp;");
        let face = cleaned.text.find("grinning").unwrap();
        assert_eq!(&raw[cleaned.source(face..face + 8)], "😀");
    }
}

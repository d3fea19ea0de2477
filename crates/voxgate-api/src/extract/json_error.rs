//! Says where a text stops being JSON, in the words and counting of Python's decoder.
//!
//! Clients of the reference see its `json_invalid` items, whose place is a character offset. Parsing is
//! `serde_json`'s; this module only looks for the offence in a text that `serde_json` has already refused,
//! so it builds no values and its answer never decides whether a body is accepted.

/// Deepest nesting looked into; the parser gives up at the same depth.
const MAX_DEPTH: usize = 128;

/// The decoder's message and the number of characters before the offence.
pub fn locate(text: &str) -> (&'static str, usize) {
    if text.starts_with('\u{feff}') {
        return ("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0);
    }
    let (message, byte) = match (Scanner {
        bytes: text.as_bytes(),
    })
    .document()
    {
        Err(offence) => offence,
        // JSON by the letter, yet refused: a lone surrogate or a number beyond all range.
        Ok(()) => ("Value cannot be represented", 0),
    };
    let end = text.len().min(byte);
    let characters = text.char_indices().take_while(|(at, _)| *at < end).count();
    (message, characters)
}

type Scan = Result<usize, (&'static str, usize)>;

struct Scanner<'a> {
    bytes: &'a [u8],
}

/// What must come next inside a container.
#[derive(Clone, Copy, PartialEq)]
enum Inside {
    Array,
    Object,
}

impl Scanner<'_> {
    fn document(&self) -> Result<(), (&'static str, usize)> {
        let end = self.value(self.blank(0))?;
        let rest = self.blank(end);
        if rest < self.bytes.len() {
            Err(("Extra data", rest))
        } else {
            Ok(())
        }
    }

    /// Walks one value with an own stack, so that nesting cannot exhaust the thread's.
    fn value(&self, start: usize) -> Scan {
        let mut open: Vec<Inside> = Vec::new();
        let mut at = start;
        loop {
            at = match self.bytes.get(at) {
                Some(b'[') | Some(b'{') if open.len() >= MAX_DEPTH => {
                    return Err(("Document is nested too deeply", at));
                }
                Some(b'[') => {
                    let next = self.blank(at + 1);
                    if self.bytes.get(next) == Some(&b']') {
                        next + 1
                    } else {
                        open.push(Inside::Array);
                        at = next;
                        continue;
                    }
                }
                Some(b'{') => {
                    let next = self.blank(at + 1);
                    if self.bytes.get(next) == Some(&b'}') {
                        next + 1
                    } else {
                        open.push(Inside::Object);
                        at = self.key(next)?;
                        continue;
                    }
                }
                _ => self.scalar(at)?,
            };
            // A value has ended: close what ends with it, or step to the next one.
            loop {
                let Some(inside) = open.last().copied() else {
                    return Ok(at);
                };
                at = self.blank(at);
                match (self.bytes.get(at), inside) {
                    (Some(b']'), Inside::Array) | (Some(b'}'), Inside::Object) => {
                        open.pop();
                        at += 1;
                    }
                    (Some(b','), Inside::Array) => {
                        at = self.blank(at + 1);
                        break;
                    }
                    (Some(b','), Inside::Object) => {
                        at = self.key(self.blank(at + 1))?;
                        break;
                    }
                    _ => return Err(("Expecting ',' delimiter", at)),
                }
            }
        }
    }

    /// A property name and its colon; answers where the value starts.
    fn key(&self, at: usize) -> Scan {
        if self.bytes.get(at) != Some(&b'"') {
            return Err(("Expecting property name enclosed in double quotes", at));
        }
        let colon = self.blank(self.string(at)?);
        if self.bytes.get(colon) != Some(&b':') {
            return Err(("Expecting ':' delimiter", colon));
        }
        Ok(self.blank(colon + 1))
    }

    fn scalar(&self, at: usize) -> Scan {
        let rest = self.bytes.get(at..).unwrap_or_default();
        if rest.first() == Some(&b'"') {
            return self.string(at);
        }
        for word in ["true", "false", "null"] {
            if rest.starts_with(word.as_bytes()) {
                return Ok(at + word.len());
            }
        }
        // Python's decoder knows these; they are not JSON and are refused here by name.
        for word in ["NaN", "Infinity", "-Infinity"] {
            if rest.starts_with(word.as_bytes()) {
                return Err(("Not a finite number", at));
            }
        }
        self.number(at)
    }

    fn number(&self, start: usize) -> Scan {
        let digits = |from: usize| {
            let run = self.bytes.get(from..).unwrap_or_default();
            from + run.iter().take_while(|byte| byte.is_ascii_digit()).count()
        };
        let whole = if self.bytes.get(start) == Some(&b'-') {
            start + 1
        } else {
            start
        };
        let mut end = match self.bytes.get(whole) {
            Some(b'0') => whole + 1,
            Some(byte) if byte.is_ascii_digit() => digits(whole),
            _ => return Err(("Expecting value", start)),
        };
        if self.bytes.get(end) == Some(&b'.') && digits(end + 1) > end + 1 {
            end = digits(end + 1);
        }
        if matches!(self.bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            let from = end + 1 + sign;
            if digits(from) > from {
                end = digits(from);
            }
        }
        Ok(end)
    }

    fn string(&self, start: usize) -> Scan {
        let unterminated = Err(("Unterminated string starting at", start));
        let mut at = start + 1;
        loop {
            match self.bytes.get(at) {
                None => return unterminated,
                Some(b'"') => return Ok(at + 1),
                Some(byte) if *byte < 0x20 => return Err(("Invalid control character at", at)),
                Some(b'\\') => match self.bytes.get(at + 1) {
                    None => return unterminated,
                    Some(b'u') => {
                        let digits = self.bytes.get(at + 2..at + 6).unwrap_or_default();
                        if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                            return Err(("Invalid \\uXXXX escape", at + 1));
                        }
                        at += 6;
                    }
                    Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at += 2,
                    Some(_) => return Err(("Invalid \\escape", at)),
                },
                Some(_) => at += 1,
            }
        }
    }

    fn blank(&self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs recorded from Python 3.11's decoder.
    #[test]
    fn agrees_with_pythons_decoder() {
        let cases: &[(&str, &str, usize)] = &[
            ("", "Expecting value", 0),
            ("{", "Expecting property name enclosed in double quotes", 1),
            ("[", "Expecting value", 1),
            ("{\"a\"", "Expecting ':' delimiter", 4),
            ("{\"a\":", "Expecting value", 5),
            ("{\"a\":1", "Expecting ',' delimiter", 6),
            (
                "{\"a\":1,",
                "Expecting property name enclosed in double quotes",
                7,
            ),
            (
                "{\"a\":1,}",
                "Expecting property name enclosed in double quotes",
                7,
            ),
            (
                "{a:1}",
                "Expecting property name enclosed in double quotes",
                1,
            ),
            ("[1,", "Expecting value", 3),
            ("[1,]", "Expecting value", 3),
            ("[1 2]", "Expecting ',' delimiter", 3),
            ("nul", "Expecting value", 0),
            ("1.", "Extra data", 1),
            ("1e", "Extra data", 1),
            ("-", "Expecting value", 0),
            ("01", "Extra data", 1),
            ("{} {}", "Extra data", 3),
            ("\"abc", "Unterminated string starting at", 0),
            ("\"a\nb\"", "Invalid control character at", 2),
            ("\"\\x\"", "Invalid \\escape", 1),
            ("\"\\u12\"", "Invalid \\uXXXX escape", 2),
            ("\"\\u12g4\"", "Invalid \\uXXXX escape", 2),
            ("{\"a\" 1}", "Expecting ':' delimiter", 5),
            ("{\"a\":1 \"b\":2}", "Expecting ',' delimiter", 7),
            ("[1}", "Expecting ',' delimiter", 2),
            ("'a'", "Expecting value", 0),
            (
                "\u{feff}{}",
                "Unexpected UTF-8 BOM (decode using utf-8-sig)",
                0,
            ),
            ("{\"é\":\"ü\" x}", "Expecting ',' delimiter", 9),
            ("  ", "Expecting value", 2),
            ("{\"a\":tru}", "Expecting value", 5),
            ("[\"a\",", "Expecting value", 5),
            ("{\"a\":\"b", "Unterminated string starting at", 5),
            ("\"\\", "Unterminated string starting at", 0),
            ("\"abc\\\"", "Unterminated string starting at", 0),
            (
                "{,}",
                "Expecting property name enclosed in double quotes",
                1,
            ),
            (
                "{\"a\":1,,}",
                "Expecting property name enclosed in double quotes",
                7,
            ),
            ("\"\\ud800", "Unterminated string starting at", 0),
            ("{\"a\":[1,2,{\"b\":}]}", "Expecting value", 15),
            ("{\"a\":1}x", "Extra data", 7),
            ("[1,2", "Expecting ',' delimiter", 4),
            ("{\"a\":.5}", "Expecting value", 5),
            ("0x10", "Extra data", 1),
            ("{\"a\":01}", "Expecting ',' delimiter", 6),
        ];
        for (text, message, offset) in cases {
            assert_eq!(locate(text), (*message, *offset), "{text:?}");
        }
    }

    #[test]
    fn what_python_reads_and_json_does_not_know_is_named() {
        assert_eq!(locate("[NaN]"), ("Not a finite number", 1));
        assert_eq!(locate("[1e400]"), ("Value cannot be represented", 0));
        assert_eq!(locate("\"\\ud800\""), ("Value cannot be represented", 0));
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(
            locate(&"[".repeat(100_000)).0,
            "Document is nested too deeply"
        );
        assert_eq!(
            locate(&"{\"a\":".repeat(100_000)).0,
            "Document is nested too deeply"
        );
    }
}

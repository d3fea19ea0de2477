//! Web addresses, e-mail addresses, domains and file names, read part by part.

use std::sync::LazyLock;

use regex::Regex;

use super::{Cursor, Reading, identifier};

/// Longer addresses are read up to here as an address, then on as words.
const MAX_CHARS: usize = 400;
/// Top-level domains said as words; all others are spelled.
const SPOKEN_TLDS: &[&str] = &[
    "com", "net", "org", "gov", "info", "dev", "app", "shop", "store", "blog", "cloud", "online",
    "site", "tech", "biz", "email", "name", "page", "space", "live", "news", "world", "mil",
];
const TLDS: &str = "com|net|org|gov|edu|mil|int|info|biz|name|dev|app|shop|store|blog|cloud|online|site|tech|xyz|page|space|live|news|world|email|io|ai|co|me|tv|us|uk|de|fr|es|it|nl|be|ch|at|pl|se|no|dk|fi|ie|pt|cz|eu|ru|cn|jp|kr|in|au|nz|ca|br|mx|za|rs|sh|gg|ly|fm|to";
const EXTENSIONS: &str = "txt|pdf|doc|docx|xls|xlsx|ppt|pptx|csv|json|toml|yaml|yml|xml|html|htm|css|js|ts|tsx|jsx|py|rs|go|c|h|cpp|java|rb|php|sh|md|sql|log|zip|tar|gz|exe|dll|so|jpg|jpeg|png|gif|svg|webp|mp3|mp4|wav|ogg|flac|mov|avi|onnx|bin|ini|conf|lock|env|cfg|bak";

struct Patterns {
    email: Regex,
    url: Regex,
    domain: Regex,
    file: Regex,
    dotted: Regex,
    path: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let re = |pattern: &str| Regex::new(&format!(r"\A(?:{pattern})")).expect("a literal pattern");
    // Latin letters by range: the Unicode classes would make these patterns megabytes.
    let host = r"[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ-]*(?:\.[A-Za-z0-9À-ɏ][A-Za-z0-9À-ɏ-]*)*";
    Patterns {
        email: re(&format!(
            r"(?:mailto:)?(?P<a>[A-Za-z0-9][A-Za-z0-9._%+-]*@{host}\.[A-Za-z]+)"
        )),
        url: re(r"(?:(?i:https?|ftps?|wss?|file)://|www\.)[^ <>“”]+"),
        domain: re(&format!(
            r"{host}\.(?:{TLDS})(?P<path>(?::[0-9]{{2,5}})?/[^ <>“”]*)?"
        )),
        file: re(&format!(
            r"[A-Za-z0-9_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+){{0,3}}\.(?:{EXTENSIONS})"
        )),
        dotted: re(r"[a-z][a-z0-9_]+(?:\.[a-z][a-z0-9_]+){1,6}"),
        path: re(r"(?:~|\.{1,2})?(?:/[A-Za-z0-9._-]+){2,12}/?|[A-Z]:(?:\\[A-Za-z0-9._ -]+){1,10}"),
    }
});

pub(super) fn read(c: &Cursor<'_>) -> Option<Reading> {
    let text = c.rest();
    let first = text.chars().next()?;
    if !c.at_word_start() {
        return None;
    }
    let p = &*PATTERNS;
    if matches!(first, '/' | '~' | '.') {
        let found = p
            .path
            .find(text)
            .filter(|_| c.previous_char().is_none_or(|p| p == ' ' || p == '('))?;
        let written = trim_end(found.as_str());
        return Reading::new(written.len(), address(written, c));
    }
    if !first.is_alphanumeric() {
        return None;
    }
    // Everything below holds one of these near its start; most words do not.
    let run = text
        .find(char::is_whitespace)
        .unwrap_or(text.len())
        .min(text.len());
    if !text[..run].contains(['.', '@', '\\']) && !text[..run].contains("://") {
        return None;
    }
    if let Some(found) = p.email.captures(text)
        && let Some(a) = found.name("a")
    {
        let written = trim_end(a.as_str());
        return Reading::new(a.start() + written.len(), address(written, c));
    }
    if let Some(found) = p.url.find(text) {
        let written = trim_end(found.as_str());
        let said = written.split_once("://").map_or(written, |(_, rest)| rest);
        return Reading::new(written.len(), address(said, c)).filter(|r| !r.words.is_empty());
    }
    if let Some(found) = p.domain.captures(text) {
        let written = trim_end(found.get(0)?.as_str());
        let rest = &text[written.len()..];
        if !rest.starts_with(|n: char| n.is_alphanumeric() || n == '@') && !is_prose(written, rest)
        {
            return Reading::new(written.len(), address(written, c));
        }
    }
    for pattern in [&p.file, &p.dotted, &p.path] {
        if let Some(found) = pattern.find(text) {
            let written = trim_end(found.as_str());
            let rest = &text[written.len()..];
            let inside = rest.starts_with(|n: char| n.is_alphanumeric() || n == '_')
                || !written.contains(['.', '\\', '/']);
            if !inside
                && !written.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                && !is_abbreviation(written)
            {
                return Reading::new(written.len(), address(written, c));
            }
        }
    }
    None
}

/// "Stop.In" is two sentences, not a domain.
fn is_prose(written: &str, rest: &str) -> bool {
    let tld = written.rsplit('.').next().unwrap_or_default();
    tld.starts_with(char::is_uppercase)
        || matches!(
            tld,
            "in" | "it" | "to" | "me" | "no" | "us" | "at" | "be" | "so"
        ) && written.split('.').count() == 2
            && rest.starts_with(' ')
            && written.starts_with(char::is_uppercase)
}

/// "e.g", "a.m", "i.e": letters and stops, no name.
fn is_abbreviation(written: &str) -> bool {
    written.split('.').all(|p| p.len() <= 1)
}

/// Punctuation at the end belongs to the sentence; a bracket only if it was opened inside.
fn trim_end(written: &str) -> &str {
    let mut end: &str = &written[..written
        .char_indices()
        .nth(MAX_CHARS)
        .map_or(written.len(), |(i, _)| i)];
    while let Some(last) = end.chars().next_back() {
        let dangling = matches!(
            last,
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '"' | '…' | '*'
        ) || last == ')' && !end.contains('(')
            || last == ']' && !end.contains('[');
        if !dangling {
            break;
        }
        end = &end[..end.len() - last.len_utf8()];
    }
    end
}

/// An address as words.
fn address(written: &str, c: &Cursor<'_>) -> String {
    let host_end = written.find('/').unwrap_or(written.len());
    let tld_at = written[..host_end].rfind('.').map(|i| i + 1);
    let mut words: Vec<String> = Vec::new();
    let mut start = 0;
    let flush = |from: usize, to: usize, words: &mut Vec<String>| {
        let part = &written[from..to];
        if part.is_empty() {
            return;
        }
        if part == "www" {
            words.push("W-W-W".to_owned());
        } else if Some(from) == tld_at
            && part.len() <= 3
            && part.bytes().all(|b| b.is_ascii_alphabetic())
            && !SPOKEN_TLDS.contains(&part.to_lowercase().as_str())
            && !c.lexicon.knows_well(part)
            || part.len() == 2 && part.bytes().all(|b| b.is_ascii_lowercase()) && from > 0
        {
            let letters: Vec<String> = part.chars().map(|c| c.to_uppercase().collect()).collect();
            words.push(letters.join("-"));
        } else {
            words.push(identifier::spoken(part, c));
        }
    };
    for (i, sign) in written.char_indices() {
        let name = match sign {
            '.' => "dot",
            '/' => "slash",
            '\\' => "backslash",
            '@' => "at",
            '-' => "dash",
            '_' => "underscore",
            ':' => "colon",
            '?' => "question mark",
            '=' => "equals",
            '&' => "and",
            '#' => "hash",
            '%' => "percent",
            '+' => "plus",
            '~' => "tilde",
            c if c.is_alphanumeric() => continue,
            _ => "",
        };
        flush(start, i, &mut words);
        start = i + sign.len_utf8();
        // A slash at the very end says nothing.
        let trailing_slash = sign == '/' && start == written.len();
        if !name.is_empty() && !trailing_slash {
            words.push(name.to_owned());
        }
    }
    flush(start, written.len(), &mut words);
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::table::us;

    #[test]
    fn addresses() {
        us(&[
            (
                "Visit https://www.example.com.",
                "Visit W-W-W dot example dot com.",
            ),
            (
                "see example.com/docs/a-b",
                "see example dot com slash docs slash a dash b",
            ),
            (
                "jane.doe@example.co.uk",
                "jane dot doe at example dot C-O dot U-K",
            ),
            (
                "http://localhost:8080/v1?x=1",
                "localhost colon eight zero eight zero slash V one question mark x equals one",
            ),
            ("open config.toml now", "open config dot toml now"),
            ("docs.rs", "docs dot R-S"),
            ("It ended.Then more", "It ended. Then more"),
            ("(see example.org)", "(see example dot org)"),
        ]);
    }
}

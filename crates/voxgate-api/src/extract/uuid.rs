//! UUID text, with the sentences pydantic 2.11 gives for what is wrong.
//!
//! The parser is the `uuid` crate's; its newer releases word their errors differently from the one
//! the reference stack carried, so the wording lives here.

use uuid::Uuid;

/// Lengths of the five groups of the hyphenated form.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// Reads a UUID with or without hyphens, in braces, or as a URN.
///
/// # Errors
/// The tail of the message, beginning with `invalid`.
pub fn parse(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text).map_err(|_| explain(text))
}

fn explain(text: &str) -> String {
    let (inner, shift, simple) =
        if let Some(inner) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            (inner, 1, false)
        } else if let Some(inner) = text.strip_prefix("urn:uuid:") {
            (inner, 9, false)
        } else {
            (text, 0, true)
        };
    let stray = inner
        .char_indices()
        .find(|(_, c)| *c != '-' && !c.is_ascii_hexdigit());
    if let Some((at, found)) = stray {
        return format!(
            "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `{found}` at {}",
            at + shift + 1
        );
    }
    let groups: Vec<usize> = inner.split('-').map(str::len).collect();
    if groups.len() == 1 && simple {
        return format!(
            "invalid length: expected length 32 for simple format, found {}",
            text.len()
        );
    }
    if groups.len() != GROUPS.len() {
        return format!("invalid group count: expected 5, found {}", groups.len());
    }
    let wrong = groups
        .iter()
        .zip(GROUPS)
        .position(|(found, expected)| *found != expected);
    let group = wrong.unwrap_or(4);
    format!(
        "invalid group length in group {group}: expected {}, found {}",
        GROUPS[group], groups[group]
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_spellings_are_one_id() {
        let id = parse("67e55044-10b1-426f-9247-bb680e5fe0c8").unwrap();
        assert_eq!(parse("67e5504410b1426f9247bb680e5fe0c8").unwrap(), id);
        assert_eq!(
            parse("urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8").unwrap(),
            id
        );
    }

    #[test]
    fn wording_is_that_of_the_reference() {
        let cases = [
            (
                "abc",
                "invalid length: expected length 32 for simple format, found 3",
            ),
            (
                "",
                "invalid length: expected length 32 for simple format, found 0",
            ),
            (
                "not-a-uuid",
                "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], found `n` at 1",
            ),
            ("a-b", "invalid group count: expected 5, found 2"),
            (
                "67e55044-10b1-426f-9247-bb680e5fe0c",
                "invalid group length in group 4: expected 12, found 11",
            ),
            (
                "67e5504-10b1-426f-9247-bb680e5fe0c8",
                "invalid group length in group 0: expected 8, found 7",
            ),
        ];
        for (text, tail) in cases {
            assert_eq!(parse(text).unwrap_err(), tail, "{text:?}");
        }
    }
}

//! Emoji by their Unicode names.

/// The name of the emoji that `cluster` (one grapheme) is, without its skin tone.
pub(super) fn name(cluster: &str) -> Option<&'static str> {
    // Digits, `#` and `*` are emoji bases; only with their keycap are they emoji.
    if cluster.len() < 2 {
        return None;
    }
    let found = emojis::get(cluster).or_else(|| {
        // The text form without the variation selector, or a skin tone the table does not list.
        let plain: String = cluster
            .chars()
            .filter(|c| !matches!(c, '\u{fe0f}' | '\u{fe0e}' | '\u{1f3fb}'..='\u{1f3ff}'))
            .collect();
        emojis::get(&plain)
    })?;
    let base = found
        .with_skin_tone(emojis::SkinTone::Default)
        .unwrap_or(found);
    Some(base.name())
}

/// A name as words: no colons, quotes or brackets. Keycaps are their digit.
pub(super) fn spoken(name: &str) -> String {
    let name = name.strip_prefix("keycap: ").unwrap_or(name);
    let spaced: String = name
        .chars()
        .map(|c| match c {
            '&' => '&',
            c if c.is_alphanumeric() || matches!(c, '-' | '\'' | '’' | '.' | '#' | '*') => c,
            _ => ' ',
        })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (emoji, expected) in [
            ("😀", "grinning face"),
            ("❤️", "red heart"),
            ("👍🏿", "thumbs up"),
            ("🇺🇸", "flag United States"),
            ("👨‍👩‍👧", "family man woman girl"),
            ("5️⃣", "5"),
        ] {
            assert_eq!(
                name(emoji).map(spoken).as_deref(),
                Some(expected),
                "{emoji}"
            );
        }
        assert_eq!(name("5"), None);
        assert_eq!(name("é"), None);
    }
}

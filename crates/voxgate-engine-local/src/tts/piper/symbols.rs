//! Text or phonemes to a Piper voice's input ids.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

const PAD: &str = "_";
const BEGIN: &str = "^";
const END: &str = "$";

/// The voice's alphabet.
pub(super) struct Symbols {
    ids: HashMap<char, Vec<i32>>,
    pad: Vec<i32>,
    begin: Vec<i32>,
    end: Vec<i32>,
}

impl Symbols {
    /// From the `phoneme_id_map`; entries of several characters are of no use to a reader of single symbols.
    pub(super) fn new(map: &HashMap<String, Vec<i32>>) -> Result<Self, String> {
        let special = |name: &str| {
            map.get(name)
                .cloned()
                .ok_or_else(|| format!("its phoneme_id_map lacks {name:?}"))
        };
        let ids = map
            .iter()
            .filter(|(symbol, _)| ![PAD, BEGIN, END].contains(&symbol.as_str()))
            .filter_map(|(symbol, ids)| {
                let mut characters = symbol.chars();
                let first = characters.next()?;
                characters.next().is_none().then(|| (first, ids.clone()))
            })
            .collect();
        Ok(Self {
            ids,
            pad: special(PAD)?,
            begin: special(BEGIN)?,
            end: special(END)?,
        })
    }

    /// The voice's reading of `text` as ids, with the pad Piper was trained with after each symbol, and how many
    /// symbols it knew. Compatibility forms are decomposed; a letter the voice knows only in lower case is read so;
    /// unknown symbols are skipped, as Piper does.
    pub(super) fn encode(&self, text: &str) -> (Vec<i32>, u32) {
        let mut out = Vec::with_capacity(text.len() * 2 + 3);
        out.extend(&self.begin);
        out.extend(&self.pad);
        let mut known = 0;
        for symbol in text.nfd() {
            if let Some(ids) = self.lookup(symbol) {
                out.extend(ids);
                out.extend(&self.pad);
                known += 1;
            }
        }
        out.extend(&self.end);
        (out, known)
    }

    /// Whether the voice has a sound for any letter or digit of `text`.
    pub(super) fn can_read(&self, text: &str) -> bool {
        text.nfd()
            .any(|symbol| symbol.is_alphanumeric() && self.lookup(symbol).is_some())
    }

    fn lookup(&self, symbol: char) -> Option<&Vec<i32>> {
        self.ids.get(&symbol).or_else(|| {
            let mut lower = symbol.to_lowercase();
            let first = lower.next()?;
            lower
                .next()
                .is_none()
                .then(|| self.ids.get(&first))
                .flatten()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn symbols() -> Symbols {
        let map = [
            ("_", 0),
            ("^", 1),
            ("$", 2),
            (" ", 3),
            ("a", 14),
            ("b", 15),
            ("\u{301}", 16),
        ]
        .into_iter()
        .map(|(symbol, id)| (symbol.to_owned(), vec![id]))
        .collect();
        Symbols::new(&map).unwrap()
    }

    #[test]
    fn pads_stand_between_all_symbols_as_in_training() {
        assert_eq!(symbols().encode("ab"), (vec![1, 0, 14, 0, 15, 0, 2], 2));
    }

    #[test]
    fn unknown_symbols_are_skipped_and_letters_folded() {
        assert_eq!(
            symbols().encode("A\u{1F600}b"),
            (vec![1, 0, 14, 0, 15, 0, 2], 2)
        );
        assert_eq!(symbols().encode("á"), (vec![1, 0, 14, 0, 16, 0, 2], 2));
        assert!(symbols().can_read("xyz a"));
        assert!(!symbols().can_read("xyz ^_"));
    }

    #[test]
    fn a_map_without_the_special_symbols_is_refused() {
        assert!(Symbols::new(&HashMap::new()).is_err());
    }
}

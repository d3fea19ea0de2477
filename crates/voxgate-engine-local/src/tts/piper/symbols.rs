//! Text or phonemes to a Piper voice's input ids.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use crate::tts::SymbolTimes;

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

/// A text as a voice reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Encoded {
    /// What the model takes.
    pub(super) ids: Vec<i32>,
    /// The symbols that the voice knows.
    pub(super) read: String,
    /// Ids before the first symbol.
    pub(super) lead: usize,
    /// Ids of each character of `read`, with its pad.
    pub(super) counts: Vec<usize>,
}

impl Encoded {
    /// The symbols' times, from the length of each id in samples; `None` when there is not one for each id.
    pub(super) fn times(self, id_lengths: &[u64]) -> Option<SymbolTimes> {
        if id_lengths.len() != self.ids.len() {
            return None;
        }
        let (lead, mut rest) = id_lengths.split_at_checked(self.lead)?;
        let mut lengths = Vec::with_capacity(self.counts.len());
        for count in self.counts {
            let (symbol, behind) = rest.split_at_checked(count)?;
            lengths.push(symbol.iter().sum());
            rest = behind;
        }
        Some(SymbolTimes {
            symbols: self.read,
            lead: lead.iter().sum(),
            lengths,
        })
    }
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

    /// The voice's reading of `text` as ids, with the pad Piper was trained with after each symbol. Compatibility forms
    /// are decomposed; a letter the voice knows only in lower case is read so; unknown symbols are skipped, as Piper does.
    pub(super) fn encode(&self, text: &str) -> Encoded {
        let mut ids = Vec::with_capacity(text.len() * 2 + 3);
        ids.extend(&self.begin);
        ids.extend(&self.pad);
        let lead = ids.len();
        let mut read = String::with_capacity(text.len());
        let mut counts = Vec::with_capacity(text.len());
        for symbol in text.nfd() {
            if let Some(symbol_ids) = self.lookup(symbol) {
                ids.extend(symbol_ids);
                ids.extend(&self.pad);
                read.push(symbol);
                counts.push(symbol_ids.len() + self.pad.len());
            }
        }
        ids.extend(&self.end);
        Encoded {
            ids,
            read,
            lead,
            counts,
        }
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
        let encoded = symbols().encode("ab");
        assert_eq!(encoded.ids, [1, 0, 14, 0, 15, 0, 2]);
        assert_eq!((encoded.lead, encoded.counts), (2, vec![2, 2]));
    }

    #[test]
    fn unknown_symbols_are_skipped_and_letters_folded() {
        let encoded = symbols().encode("A\u{1F600}b");
        assert_eq!(encoded.ids, [1, 0, 14, 0, 15, 0, 2]);
        assert_eq!(encoded.read, "Ab");
        assert_eq!(symbols().encode("á").ids, [1, 0, 14, 0, 16, 0, 2]);
        assert!(symbols().can_read("xyz a"));
        assert!(!symbols().can_read("xyz ^_"));
    }

    #[test]
    fn each_symbol_lasts_as_long_as_its_ids() {
        let lengths = [3, 4, 10, 1, 20, 2, 7];
        let times = symbols().encode("a\u{1F600}b").times(&lengths).unwrap();
        assert_eq!((times.symbols.as_str(), times.lead), ("ab", 7));
        assert_eq!(times.lengths, [11, 22]);
        assert!(symbols().encode("ab").times(&lengths[1..]).is_none());
    }

    #[test]
    fn a_map_without_the_special_symbols_is_refused() {
        assert!(Symbols::new(&HashMap::new()).is_err());
    }
}

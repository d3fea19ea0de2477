//! Money: whole micro-credits, prices per unit, and what a request costs.

use std::fmt;
use std::str::FromStr;

use crate::{Quantities, Service};

/// An amount in millionths of a credit; negative only in statements and sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Micros(i64);

impl Micros {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount of one transfer: a billion credits.
    pub const MAX_TRANSFER: Self = Self(1_000_000_000_000_000);

    /// From millionths of a credit.
    #[must_use]
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// Millionths of a credit.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, where it can be represented.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, where it can be represented.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Micros {
    /// In credits, with as many of six decimals as are needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (
            self.0.unsigned_abs() / 1_000_000,
            self.0.unsigned_abs() % 1_000_000,
        );
        if part == 0 {
            write!(f, "{sign}{whole}")
        } else {
            let decimals = format!("{part:06}");
            write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
        }
    }
}

/// What a price is charged per.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PriceUnit {
    /// Each request.
    Request,
    /// Each character of text to be spoken.
    Character,
    /// Each word of text to be spoken.
    Word,
    /// Each token that comes in.
    TokenIn,
    /// Each token that goes out.
    TokenOut,
    /// Each second of audio that comes in, to the millisecond, the sum rounded up.
    AudioSecondIn,
    /// Each second of audio that goes out, likewise.
    AudioSecondOut,
}

/// A text that names no [`PriceUnit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown unit; use request, character, word, token_in, token_out, audio_second_in or audio_second_out"
)]
pub struct UnknownPriceUnit;

impl PriceUnit {
    /// Every unit.
    pub const ALL: [Self; 7] = [
        Self::Request,
        Self::Character,
        Self::Word,
        Self::TokenIn,
        Self::TokenOut,
        Self::AudioSecondIn,
        Self::AudioSecondOut,
    ];

    /// The name used in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Character => "character",
            Self::Word => "word",
            Self::TokenIn => "token_in",
            Self::TokenOut => "token_out",
            Self::AudioSecondIn => "audio_second_in",
            Self::AudioSecondOut => "audio_second_out",
        }
    }

    /// How much of it `quantities` hold: the count, and what one unit is in the count.
    const fn count(self, quantities: &Quantities) -> (u64, u64) {
        match self {
            Self::Request => (1, 1),
            Self::Character => (quantities.characters, 1),
            Self::Word => (quantities.words, 1),
            Self::TokenIn => (quantities.tokens_in, 1),
            Self::TokenOut => (quantities.tokens_out, 1),
            Self::AudioSecondIn => (quantities.audio_ms_in, 1000),
            Self::AudioSecondOut => (quantities.audio_ms_out, 1000),
        }
    }
}

impl FromStr for PriceUnit {
    type Err = UnknownPriceUnit;

    fn from_str(text: &str) -> Result<Self, UnknownPriceUnit> {
        Self::ALL
            .into_iter()
            .find(|unit| unit.as_str() == text)
            .ok_or(UnknownPriceUnit)
    }
}

/// One line of the price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// What is sold.
    pub service: Service,
    /// Which model or engine; `None` for all that have no line of their own.
    pub model: Option<String>,
    /// Per what.
    pub unit: PriceUnit,
    /// Millionths of a credit per unit; not negative.
    pub micros: Micros,
}

/// The prices that hold for an organisation: those of its plan, or the general ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceList(Vec<Price>);

impl PriceList {
    /// From lines in any order.
    #[must_use]
    pub fn new(lines: Vec<Price>) -> Self {
        Self(lines)
    }

    /// Whether nothing costs anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Price] {
        &self.0
    }

    /// What `quantities` of a service cost. Where the model has lines of its own, they replace the general lines of that
    /// service altogether. Each line is rounded up to a whole micro-credit; a sum too large to represent is held at
    /// [`Micros::MAX_TRANSFER`].
    #[must_use]
    pub fn cost(&self, service: Service, model: &str, quantities: &Quantities) -> Micros {
        let own =
            |price: &&Price| price.service == service && price.model.as_deref() == Some(model);
        let general = |price: &&Price| price.service == service && price.model.is_none();
        let has_own = self.0.iter().any(|price| own(&price));
        let total = self
            .0
            .iter()
            .filter(|price| if has_own { own(price) } else { general(price) })
            .map(|price| {
                let (count, per) = price.unit.count(quantities);
                let micros = u128::from(price.micros.get().max(0).unsigned_abs());
                (u128::from(count) * micros).div_ceil(u128::from(per))
            })
            .fold(0_u128, u128::saturating_add);
        i64::try_from(total).map_or(Micros::MAX_TRANSFER, |total| {
            Micros(total.min(Micros::MAX_TRANSFER.0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(model: Option<&str>, unit: PriceUnit, micros: i64) -> Price {
        Price {
            service: Service::Tts,
            model: model.map(Into::into),
            unit,
            micros: Micros::new(micros),
        }
    }

    #[test]
    fn amounts_read_as_credits() {
        for (micros, text) in [
            (0, "0"),
            (1_000_000, "1"),
            (1_500_000, "1.5"),
            (-1, "-0.000001"),
            (i64::MIN, "-9223372036854.775808"),
        ] {
            assert_eq!(Micros::new(micros).to_string(), text);
        }
    }

    #[test]
    fn own_lines_of_a_model_replace_the_general_ones() {
        let list = PriceList::new(vec![
            price(None, PriceUnit::Request, 100),
            price(None, PriceUnit::Character, 10),
            price(Some("kokoro"), PriceUnit::AudioSecondOut, 1500),
        ]);
        let text = Quantities {
            audio_ms_out: 1001,
            ..Quantities::of_text("four")
        };
        assert_eq!(list.cost(Service::Tts, "piper", &text), Micros::new(140));
        // 1.001 s at 1500 a second, rounded up.
        assert_eq!(list.cost(Service::Tts, "kokoro", &text), Micros::new(1502));
        assert_eq!(list.cost(Service::Stt, "kokoro", &text), Micros::ZERO);
    }

    #[test]
    fn a_sum_beyond_measure_is_held() {
        let list = PriceList::new(vec![price(None, PriceUnit::Character, i64::MAX)]);
        let huge = Quantities {
            characters: u64::MAX,
            ..Quantities::default()
        };
        assert_eq!(list.cost(Service::Tts, "", &huge), Micros::MAX_TRANSFER);
    }

    proptest! {
        #[test]
        fn more_never_costs_less(micros in 0_i64..1_000_000, a in 0_u64..1_000_000, b in 0_u64..1_000_000) {
            let list = PriceList::new(vec![price(None, PriceUnit::AudioSecondOut, micros), price(None, PriceUnit::Word, micros)]);
            let of = |amount| Quantities { words: amount, audio_ms_out: amount, ..Quantities::default() };
            let (less, more) = (a.min(b), a.max(b));
            prop_assert!(list.cost(Service::Tts, "x", &of(less)) <= list.cost(Service::Tts, "x", &of(more)));
        }
    }
}

//! Lists in pieces.

/// Which piece of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The most entries to return.
    pub limit: u32,
    /// How many entries to skip first.
    pub offset: u64,
}

impl Page {
    /// The most entries any list returns at once.
    pub const MAX_LIMIT: u32 = 100;

    /// A page with `limit` held between 1 and [`Page::MAX_LIMIT`].
    #[must_use]
    pub fn new(limit: u32, offset: u64) -> Self {
        Self {
            limit: limit.clamp(1, Self::MAX_LIMIT),
            offset,
        }
    }
}

impl Default for Page {
    /// The first 50 entries.
    fn default() -> Self {
        Self {
            limit: 50,
            offset: 0,
        }
    }
}

/// One piece of a list and how long the whole is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The entries of this piece.
    pub items: Vec<T>,
    /// How many entries the whole list has under the same filters.
    pub total: u64,
}

impl<T> Paged<T> {
    /// The same piece with every entry converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Paged<U> {
        Paged {
            items: self.items.into_iter().map(convert).collect(),
            total: self.total,
        }
    }
}

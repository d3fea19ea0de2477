//! The three things a client can say about a field when it changes a resource.

/// Absent, null, or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// The field was not mentioned: leave it.
    #[default]
    Keep,
    /// The field was set to null: empty it.
    Clear,
    /// The field was given a value.
    Set(T),
}

impl<T> Patch<T> {
    /// What the field holds afterwards.
    pub fn apply(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The value, where one was given.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Whether the field was mentioned at all.
    pub fn is_mentioned(&self) -> bool {
        !matches!(self, Self::Keep)
    }
}

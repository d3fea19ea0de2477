//! The nouns and rules of the product: ids, roles, words, limits, time. No I/O.

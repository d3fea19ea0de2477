//! What the pronouncer says, word by word.

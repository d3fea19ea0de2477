//! Real models behind the engine traits.

//! Vendors' wire formats, one folder each. A dialect knows services and the shared extractors, never another dialect.

pub mod aethex;

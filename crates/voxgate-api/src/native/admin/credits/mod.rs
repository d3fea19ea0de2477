//! Credits of organisations.

pub mod balance;
pub mod change;
pub mod statement;

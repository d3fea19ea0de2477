//! Kinds of value that only our own API reads: limits by name, services, sets of names, networks, moments, prices.

mod limits;
mod moment;
mod organization;
mod prices;
mod scopes;

pub use limits::{Amounts, Limits, OwnLimits, limits, own_limits, quantities};
pub use moment::{Moment, moment, parse_moment};
pub use organization::{OrgName, OrgRef, org_name};
pub use prices::{Prices, price, prices};
pub use scopes::{Names, Networks, Services, names, network, networks, services};

use crate::extract::fault::Problem;

/// The most names, networks or price lines in one request.
const MAX_ENTRIES: usize = 1000;
/// The longest name of a voice or a model in characters.
const MAX_NAME: usize = 200;

fn wrong(reason: impl Into<String>) -> Problem {
    Problem::value_error(reason)
}

/// Reads a value as a request would have it read; the reason where it is refused.
#[cfg(test)]
fn read_for_test<K: crate::extract::kinds::Kind>(
    kind: &K,
    value: &serde_json::Value,
) -> Result<K::Out, String> {
    kind.check(value, &crate::extract::DecodeOptions::default())
        .map_err(|problem| problem.message)
}

//! Price lists: the general one, and those of plans.

pub mod preview;
pub mod read;
pub mod read_of_plan;
pub mod replace;
pub mod replace_of_plan;

use voxgate_domain::Price;

use crate::extract::kinds::required;
use crate::extract::{Style, input};
use crate::native::kinds::prices;

input! {
    /// A whole price list.
    pub struct PriceList as "AdminPriceListReplace", Style::Strict; {
        /// Its lines; empty for none. Where a model has lines of its own, the general lines of that service do not hold for
        /// it.
        prices: Vec<Price> = required(prices()),
    }
}

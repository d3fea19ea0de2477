//! Which piece of a list a request asks for.

use voxgate_domain::Page;

/// The largest whole number every JSON client can hold.
pub const MAX_OFFSET: i64 = 9_007_199_254_740_991;

/// A page from numbers that were checked to be in range.
pub fn page(limit: i64, offset: i64) -> Page {
    Page::new(
        u32::try_from(limit).unwrap_or(Page::MAX_LIMIT),
        u64::try_from(offset).unwrap_or(0),
    )
}

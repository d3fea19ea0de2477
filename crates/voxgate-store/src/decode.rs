//! Columns that hold a domain type as text or as a number.

use std::str::FromStr;

use voxgate_domain::{Micros, Timestamp};

use crate::{Row, StoreError};

/// Reads a text column as an id, a role, a status.
pub(crate) fn parsed<T: FromStr>(row: &Row<'_>, i: usize) -> Result<T, StoreError> {
    parse(&row.get::<String>(i)?, i)
}

/// As [`parsed`], for a column that may be null.
pub(crate) fn parsed_opt<T: FromStr>(row: &Row<'_>, i: usize) -> Result<Option<T>, StoreError> {
    row.get::<Option<String>>(i)?
        .map(|text| parse(&text, i))
        .transpose()
}

/// Reads a column of microseconds.
pub(crate) fn time(row: &Row<'_>, i: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(row.get(i)?))
}

/// As [`time`], for a column that may be null.
pub(crate) fn time_opt(row: &Row<'_>, i: usize) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.get::<Option<i64>>(i)?.map(Timestamp::from_micros))
}

/// Reads a column of millionths of a credit.
pub(crate) fn micros(row: &Row<'_>, i: usize) -> Result<Micros, StoreError> {
    Ok(Micros::new(row.get(i)?))
}

/// As [`micros`], for a column that may be null.
pub(crate) fn micros_opt(row: &Row<'_>, i: usize) -> Result<Option<Micros>, StoreError> {
    Ok(row.get::<Option<i64>>(i)?.map(Micros::new))
}

/// An unsigned count as the database holds it. Counts stay far below the end of the range.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Reads text of a column as an id, a role, a status.
pub(crate) fn parse<T: FromStr>(text: &str, i: usize) -> Result<T, StoreError> {
    text.parse()
        .map_err(|_| StoreError::Corrupt(format!("column {i}: unknown value")))
}

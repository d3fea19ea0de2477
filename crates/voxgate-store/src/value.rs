//! Values that go into statements and rows that come out of them, the same for both databases. Owns the conversions;
//! knows nothing of connections.

use rusqlite::types::ValueRef;

use crate::error::StoreError;
use crate::postgres;

/// One bound parameter or one column of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// `TEXT`.
    Text(String),
    /// `BIGINT`.
    Int(i64),
    /// `DOUBLE PRECISION`.
    Real(f64),
    /// `BLOB` in SQLite, `BYTEA` in Postgres.
    Blob(Vec<u8>),
}

impl Value {
    /// The name of the kind, for messages; never the content.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Text(_) => "TEXT",
            Self::Int(_) => "BIGINT",
            Self::Real(_) => "DOUBLE PRECISION",
            Self::Blob(_) => "BLOB",
        }
    }
}

/// Postgres cannot hold U+0000 in `TEXT`, SQLite can: both store U+FFFD instead, so that one input has one outcome.
fn storable_text(text: String) -> String {
    if text.as_bytes().contains(&0) {
        text.replace('\0', "\u{FFFD}")
    } else {
        text
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(storable_text(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::from(value.clone())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Blob(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Blob(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! value_from_int {
    ($($int:ty),+) => {$(
        impl From<$int> for Value {
            fn from(value: $int) -> Self {
                Self::Int(i64::from(value))
            }
        }
    )+};
}
value_from_int!(i64, i32, i16, u32, u16, u8);

/// Makes the parameter list of a statement: `params![id, now, name]`, bound to `$1`, `$2`, `$3`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        ::std::vec![$($crate::Value::from($value)),*]
    };
}

/// A type that one column can be read as.
pub trait FromValue: Sized {
    /// Converts, or says in words why the value does not fit.
    ///
    /// # Errors
    /// A short text without the value itself, for example `NULL in a column that is never null`.
    fn from_value(value: Value) -> Result<Self, String>;
}

fn misfit<T>(value: &Value, wanted: &str) -> Result<T, String> {
    Err(format!("found {}, expected {wanted}", value.kind()))
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, String> {
        Ok(value)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Text(text) => Ok(text),
            other => misfit(&other, "TEXT"),
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Int(int) => Ok(int),
            other => misfit(&other, "BIGINT"),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            Value::Int(_) => {
                Err("found a number other than 0 and 1, expected a truth value".to_owned())
            }
            other => misfit(&other, "BIGINT 0 or 1"),
        }
    }
}

impl FromValue for f64 {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Real(real) => Ok(real),
            // SQLite answers `0` where a sum or an expression happens to be integral. Counts and sums stay far below 2^53.
            #[allow(clippy::cast_precision_loss)]
            Value::Int(int) => Ok(int as f64),
            other => misfit(&other, "DOUBLE PRECISION"),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Blob(bytes) => Ok(bytes),
            other => misfit(&other, "BLOB"),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, String> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

macro_rules! from_value_int {
    ($($int:ty),+) => {$(
        impl FromValue for $int {
            fn from_value(value: Value) -> Result<Self, String> {
                let int = i64::from_value(value)?;
                Self::try_from(int).map_err(|_| concat!("found a number outside ", stringify!($int)).to_owned())
            }
        }
    )+};
}
from_value_int!(u64, u32, u16, u8, i32, i16, usize);

/// One row of an answer, valid while it is being decoded.
pub struct Row<'r>(pub(crate) RowRef<'r>);

pub(crate) enum RowRef<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// Reads column `i`, counted from 0.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where the column does not exist or does not hold such a value.
    pub fn get<T: FromValue>(&self, i: usize) -> Result<T, StoreError> {
        T::from_value(self.value(i)?).map_err(|why| misread(i, &why))
    }

    /// Column `i` as it is stored; apart from `get`, so that it is compiled once and not for every type.
    fn value(&self, i: usize) -> Result<Value, StoreError> {
        let row = match &self.0 {
            RowRef::Sqlite(row) => row,
            RowRef::Postgres(row) => return postgres::column_value(row, i),
        };
        Ok(match row.get_ref(i) {
            Ok(ValueRef::Null) => Value::Null,
            Ok(ValueRef::Integer(int)) => Value::Int(int),
            Ok(ValueRef::Real(real)) => Value::Real(real),
            Ok(ValueRef::Text(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Value::Text(text.to_owned()),
                Err(_) => return Err(misread(i, "text is not UTF-8")),
            },
            Ok(ValueRef::Blob(bytes)) => Value::Blob(bytes.to_vec()),
            Err(error) => return Err(misread(i, &error.to_string())),
        })
    }
}

fn misread(column: usize, why: &str) -> StoreError {
    StoreError::Corrupt(format!("column {column}: {why}"))
}

/// What takes the rows of an answer, whatever their type.
pub(crate) trait Rows: Send {
    /// Takes the next row.
    fn take(&mut self, row: &Row<'_>) -> Result<(), StoreError>;
    /// Forgets what it has taken: the rows come (again) from the first.
    fn restart(&mut self);
}

/// Takes no row.
pub(crate) struct NoRows;

impl Rows for NoRows {
    fn take(&mut self, _row: &Row<'_>) -> Result<(), StoreError> {
        Ok(())
    }

    fn restart(&mut self) {}
}

/// Takes the first.
impl<T: FromRow> Rows for Option<T> {
    fn take(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        if self.is_none() {
            *self = Some(T::from_row(row)?);
        }
        Ok(())
    }

    fn restart(&mut self) {
        *self = None;
    }
}

/// Takes them all.
impl<T: FromRow> Rows for Vec<T> {
    fn take(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        self.push(T::from_row(row)?);
        Ok(())
    }

    fn restart(&mut self) {
        self.clear();
    }
}

/// A type that a whole row can be read as. Implemented for tuples of up to 16 columns.
pub trait FromRow: Sized + Send + 'static {
    /// Decodes one row.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] where a column is missing or of another type.
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError>;
}

macro_rules! from_row_tuple {
    ($($column:ident $i:tt),+) => {
        impl<$($column: FromValue + Send + 'static),+> FromRow for ($($column,)+) {
            fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
                Ok(($(row.get::<$column>($i)?,)+))
            }
        }
    };
}
from_row_tuple!(A 0);
from_row_tuple!(A 0, B 1);
from_row_tuple!(A 0, B 1, C 2);
from_row_tuple!(A 0, B 1, C 2, D 3);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14);
from_row_tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11, M 12, N 13, O 14, P 15);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn parameters_take_the_usual_types() {
        let name: Option<&str> = None;
        let values = params![
            "a",
            String::from("b"),
            3_i64,
            4_u32,
            true,
            0.5,
            vec![1_u8],
            name
        ];
        assert_eq!(
            values,
            vec![
                Value::Text("a".into()),
                Value::Text("b".into()),
                Value::Int(3),
                Value::Int(4),
                Value::Int(1),
                Value::Real(0.5),
                Value::Blob(vec![1]),
                Value::Null,
            ]
        );
    }

    #[test]
    fn text_without_a_place_in_postgres_is_made_storable() {
        assert_eq!(Value::from("a\0b"), Value::Text("a\u{FFFD}b".into()));
    }

    #[test]
    fn numbers_outside_the_wanted_type_are_refused() {
        assert_eq!(u64::from_value(Value::Int(7)).unwrap(), 7);
        assert!(u64::from_value(Value::Int(-1)).is_err());
        assert!(bool::from_value(Value::Int(2)).is_err());
        assert!(
            String::from_value(Value::Null)
                .unwrap_err()
                .contains("NULL")
        );
        assert_eq!(Option::<String>::from_value(Value::Null).unwrap(), None);
    }
}

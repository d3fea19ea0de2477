//! Runs one statement on one SQLite connection: binding, stepping, decoding.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql};

use super::errors::translate;
use crate::error::StoreError;
use crate::value::{Row, RowRef, Rows, Value};

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Int(int) => ValueRef::Integer(*int),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Compiles the statement (or takes it from the cache) and binds `$n` to the n-th value.
///
/// SQLite takes `$1` for a *name* and numbers names by first appearance, so `SET a = $2 WHERE id = $1` must not be bound by
/// position.
fn prepare<'c>(
    connection: &'c Connection,
    sql: &str,
    params: &[Value],
) -> Result<CachedStatement<'c>, StoreError> {
    let mut statement = connection
        .prepare_cached(sql)
        .map_err(|error| translate(connection, &error))?;
    let places = statement.parameter_count();
    if places != params.len() {
        return Err(wrong_parameters(sql, places, params.len()));
    }
    for place in 1..=places {
        let number = statement
            .parameter_name(place)
            .and_then(|name| name.strip_prefix('$'))
            .and_then(|digits| digits.parse::<usize>().ok());
        let value = number
            .and_then(|number| params.get(number.checked_sub(1)?))
            .ok_or_else(|| wrong_parameters(sql, places, params.len()))?;
        statement
            .raw_bind_parameter(place, value)
            .map_err(|error| translate(connection, &error))?;
    }
    Ok(statement)
}

fn wrong_parameters(sql: &str, places: usize, given: usize) -> StoreError {
    StoreError::Corrupt(format!(
        "a statement wants the parameters $1 to ${places}, each at least once, and got {given} values: {sql}"
    ))
}

/// Runs a statement to its end, so that `INSERT … RETURNING` is done, giving each row to `answer`; answers how many rows it
/// changed.
pub(crate) fn run(
    connection: &Connection,
    sql: &str,
    params: &[Value],
    answer: &mut dyn Rows,
) -> Result<u64, StoreError> {
    let mut statement = prepare(connection, sql, params)?;
    let writes = !statement.readonly();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|error| translate(connection, &error))? {
        answer.take(&Row(RowRef::Sqlite(row)))?;
    }
    drop(rows);
    Ok(if writes { connection.changes() } else { 0 })
}

//! Our values in Postgres' binary format, chosen by the type that the statement gives each parameter and column.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::error::StoreError;
use crate::value::Value;

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Text(text), &(Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN)) => {
                text.to_sql(ty, out)
            }
            (Self::Int(int), &Type::INT8) => int.to_sql(ty, out),
            (Self::Int(int), &Type::INT4) => i32::try_from(*int)?.to_sql(ty, out),
            (Self::Int(int), &Type::INT2) => i16::try_from(*int)?.to_sql(ty, out),
            (Self::Int(int), &Type::BOOL) => (*int != 0).to_sql(ty, out),
            #[allow(clippy::cast_precision_loss)]
            (Self::Int(int), &Type::FLOAT8) => (*int as f64).to_sql(ty, out),
            (Self::Real(real), &Type::FLOAT8) => real.to_sql(ty, out),
            (Self::Blob(bytes), &Type::BYTEA) => bytes.to_sql(ty, out),
            (value, ty) => Err(format!(
                "the statement takes this parameter for {ty} and got {}; name its type with CAST($n AS …)",
                value.kind()
            )
            .into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Which value fits is known only with the value at hand.
        true
    }

    to_sql_checked!();
}

/// Reads column `i` of a row.
pub(crate) fn column_value(row: &Row, i: usize) -> Result<Value, StoreError> {
    let Some(column) = row.columns().get(i) else {
        return Err(StoreError::Corrupt(format!("column {i} does not exist")));
    };
    match *column.type_() {
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
            read(row, i, Value::Text)
        }
        Type::INT8 => read(row, i, Value::Int),
        Type::INT4 => read(row, i, |int: i32| Value::Int(int.into())),
        Type::INT2 => read(row, i, |int: i16| Value::Int(int.into())),
        Type::BOOL => read(row, i, |truth: bool| Value::Int(truth.into())),
        Type::FLOAT8 => read(row, i, Value::Real),
        Type::FLOAT4 => read(row, i, |real: f32| Value::Real(real.into())),
        Type::BYTEA => read(row, i, Value::Blob),
        ref other => Err(StoreError::Corrupt(format!(
            "column {i} ({}) is {other}; the statement must CAST it, for example AS BIGINT",
            column.name()
        ))),
    }
}

fn read<'r, T: FromSql<'r>>(
    row: &'r Row,
    i: usize,
    wrap: impl Fn(T) -> Value,
) -> Result<Value, StoreError> {
    match row.try_get::<_, Option<T>>(i) {
        Ok(value) => Ok(value.map_or(Value::Null, wrap)),
        Err(error) => Err(StoreError::Corrupt(format!("column {i}: {error}"))),
    }
}

/// Whether a column of that type can be read.
pub(crate) fn readable(ty: &Type) -> bool {
    matches!(
        *ty,
        Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::UNKNOWN
            | Type::INT8
            | Type::INT4
            | Type::INT2
            | Type::BOOL
            | Type::FLOAT8
            | Type::FLOAT4
            | Type::BYTEA
    )
}

/// Whether a parameter of that type can be bound.
pub(crate) fn bindable(ty: &Type) -> bool {
    readable(ty) && *ty != Type::FLOAT4
}

//! What SQLite's errors mean to us, and the names of the constraints behind its messages.

use rusqlite::{Connection, Error, ErrorCode, ffi};

use crate::error::StoreError;

/// Turns a driver error into ours. Looks the violated index up in the schema, hence the connection.
pub(crate) fn translate(connection: &Connection, error: &Error) -> StoreError {
    let Error::SqliteFailure(code, message) = error else {
        return match error {
            Error::SqlInputError { msg, sql, .. } => StoreError::Corrupt(format!("{msg}: {sql}")),
            other => StoreError::Corrupt(other.to_string()),
        };
    };
    let message = message.clone().unwrap_or_else(|| code.to_string());
    match code.code {
        ErrorCode::ConstraintViolation => {
            StoreError::conflict(constraint(connection, code.extended_code, &message))
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy,
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::Unknown
        | ErrorCode::TypeMismatch => StoreError::Corrupt(message),
        _ => StoreError::Unavailable(message),
    }
}

fn constraint(connection: &Connection, extended: i32, message: &str) -> String {
    // "UNIQUE constraint failed: users.email", "… : orgs.domain, orgs.name", "… : index 'ux_users_email'".
    let subject = message
        .split_once(": ")
        .map_or(message, |(_, subject)| subject);
    match extended {
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "foreign_key".to_owned(),
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => unique_name(connection, subject),
        ffi::SQLITE_CONSTRAINT_NOTNULL => format!("{}_not_null", subject.replace('.', "_")),
        _ => subject.to_owned(),
    }
}

/// The name of the unique index over the columns that SQLite names.
fn unique_name(connection: &Connection, subject: &str) -> String {
    if let Some(index) = subject.strip_prefix("index '") {
        return index.trim_end_matches('\'').to_owned();
    }
    let columns: Vec<&str> = subject
        .split(", ")
        .filter_map(|part| part.split_once('.').map(|(_, c)| c))
        .collect();
    let Some((table, _)) = subject.split_once('.') else {
        return subject.to_owned();
    };
    let found = lookup(connection, table, &columns).ok().flatten();
    found.unwrap_or_else(|| format!("{table}_pkey"))
}

/// Finds the unique index with exactly these columns. Where none is found, it is the table's row id, its primary key.
fn lookup(
    connection: &Connection,
    table: &str,
    columns: &[&str],
) -> rusqlite::Result<Option<String>> {
    let mut indexes = connection.prepare_cached(
        "SELECT i.name, i.origin, (SELECT group_concat(c.name, ',') FROM pragma_index_info(i.name) AS c) \
         FROM pragma_index_list($1) AS i WHERE i.\"unique\" ORDER BY i.seq",
    )?;
    let mut rows = indexes.query([table])?;
    while let Some(row) = rows.next()? {
        let (name, origin): (String, String) = (row.get(0)?, row.get(1)?);
        let of: Option<String> = row.get(2)?;
        if of.is_some_and(|of| of.split(',').eq(columns.iter().copied())) {
            return Ok(Some(match origin.as_str() {
                "pk" => format!("{table}_pkey"),
                // Declared inline: the name that Postgres makes up for it.
                "u" => format!("{table}_{}_key", columns.join("_")),
                _ => name,
            }));
        }
    }
    Ok(None)
}

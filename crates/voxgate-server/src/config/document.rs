//! Layers of configuration as TOML documents: merging, environment overrides, unknown keys.
//!
//! Owns the mechanics only. The compiled-in default document names every key with its type, so it serves as the
//! schema: a key it does not hold is unknown, and an environment value is read as the type it has there.

use toml::{Table, Value};

/// Prefix of environment variables that override a key: `VOXGATE__SECTION__KEY`.
pub const ENV_PREFIX: &str = "VOXGATE__";

/// Tables whose keys are the user's own names and therefore are not checked against the defaults.
const FREE_TABLES: &[&str] = &["voices.aliases"];

/// What is wrong with a configuration layer; each message says what to change.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DocumentError {
    /// The text is not TOML.
    #[error("{origin} is not valid TOML: {message}")]
    Syntax {
        /// Where the layer came from.
        origin: String,
        /// The parser's message, with line and column.
        message: String,
    },
    /// A key that the product does not know.
    #[error("{origin} sets `{key}`, which is not a configuration key{}", suggestion.as_ref().map(|s| format!("; did you mean `{s}`?")).unwrap_or_default())]
    UnknownKey {
        /// Where the layer came from.
        origin: String,
        /// Dotted path of the key.
        key: String,
        /// The nearest key that exists, if one is near.
        suggestion: Option<String>,
    },
    /// A value of the wrong type.
    #[error("{origin} sets `{key}` to {found}, but {expected} is needed")]
    WrongType {
        /// Where the layer came from.
        origin: String,
        /// Dotted path of the key.
        key: String,
        /// What stands there.
        found: String,
        /// What should stand there.
        expected: &'static str,
    },
}

/// Parses a layer.
///
/// # Errors
/// [`DocumentError::Syntax`] if the text is not TOML.
pub(super) fn parse(text: &str, origin: &str) -> Result<Table, DocumentError> {
    text.parse::<Table>().map_err(|e| DocumentError::Syntax {
        origin: origin.to_owned(),
        message: e.to_string().trim().replace('\n', " "),
    })
}

/// Lays `layer` over `base`, checking each key of `layer` against `schema` (the default document).
///
/// # Errors
/// Unknown keys and values of another type than the default's.
pub(super) fn merge(
    base: &mut Table,
    layer: Table,
    schema: &Table,
    origin: &str,
) -> Result<(), DocumentError> {
    merge_at(base, layer, schema, schema, origin, "")
}

fn merge_at(
    base: &mut Table,
    layer: Table,
    schema: &Table,
    root: &Table,
    origin: &str,
    path: &str,
) -> Result<(), DocumentError> {
    for (key, value) in layer {
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        if FREE_TABLES.contains(&path) {
            base.insert(key, value);
            continue;
        }
        let Some(expected) = schema.get(&key) else {
            return Err(DocumentError::UnknownKey {
                origin: origin.to_owned(),
                suggestion: nearest(&full, root),
                key: full,
            });
        };
        match (expected, value) {
            (Value::Table(expected), Value::Table(inner)) => {
                let slot = base
                    .entry(key)
                    .or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(slot) = slot {
                    merge_at(slot, inner, expected, root, origin, &full)?;
                }
            }
            (expected, value) => {
                let value = coerce(expected, value, origin, &full)?;
                base.insert(key, value);
            }
        }
    }
    Ok(())
}

/// An integer is welcome where the default is a float; everything else must have the default's type.
fn coerce(expected: &Value, value: Value, origin: &str, key: &str) -> Result<Value, DocumentError> {
    match (expected, value) {
        #[allow(clippy::cast_precision_loss)]
        (Value::Float(_), Value::Integer(i)) => Ok(Value::Float(i as f64)),
        (expected, value) if expected.same_type(&value) => Ok(value),
        (expected, value) => Err(DocumentError::WrongType {
            origin: origin.to_owned(),
            key: key.to_owned(),
            found: format!("a {}", value.type_str()),
            expected: type_phrase(expected),
        }),
    }
}

fn type_phrase(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date and time",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// The layer that environment variables make. Variables are `(name, value)`; those without [`ENV_PREFIX`] are ignored.
///
/// Lists may be given as TOML (`["a", "b"]`) or as comma-separated words.
///
/// # Errors
/// Unknown keys and values that cannot be read as the default's type.
pub(super) fn from_env(
    variables: impl Iterator<Item = (String, String)>,
    schema: &Table,
) -> Result<Table, DocumentError> {
    let mut layer = Table::new();
    for (name, raw) in variables {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else {
            continue;
        };
        let parts: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
        let key = parts.join(".");
        let origin = format!("environment variable {name}");
        let value = match lookup(schema, &parts) {
            Some(Value::Table(_)) | None => {
                let (table, free) = key.rsplit_once('.').unwrap_or(("", &key));
                if !FREE_TABLES.contains(&table) || free.is_empty() {
                    return Err(DocumentError::UnknownKey {
                        origin,
                        suggestion: nearest(&key, schema),
                        key,
                    });
                }
                Value::String(raw)
            }
            Some(expected) => read_as(expected, &raw).ok_or_else(|| DocumentError::WrongType {
                origin: origin.clone(),
                key: key.clone(),
                found: format!("{raw:?}"),
                expected: type_phrase(expected),
            })?,
        };
        insert(&mut layer, &parts, value);
    }
    Ok(layer)
}

fn read_as(expected: &Value, raw: &str) -> Option<Value> {
    let raw = raw.trim();
    match expected {
        Value::String(_) => Some(Value::String(raw.to_owned())),
        Value::Integer(_) => raw.parse().ok().map(Value::Integer),
        Value::Float(_) => raw.parse().ok().map(Value::Float),
        Value::Boolean(_) => match raw.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(Value::Boolean(true)),
            "false" | "0" | "no" | "off" => Some(Value::Boolean(false)),
            _ => None,
        },
        Value::Array(_) if raw.starts_with('[') => format!("v = {raw}")
            .parse::<Table>()
            .ok()
            .and_then(|mut t| t.remove("v"))
            .filter(Value::is_array),
        Value::Array(_) => Some(Value::Array(
            raw.split(',')
                .map(str::trim)
                .filter(|s| !s.is_empty())
                .map(|s| Value::String(s.to_owned()))
                .collect(),
        )),
        Value::Datetime(_) | Value::Table(_) => None,
    }
}

fn lookup<'t>(table: &'t Table, parts: &[String]) -> Option<&'t Value> {
    let (first, rest) = parts.split_first()?;
    let value = table.get(first)?;
    match (value, rest) {
        (value, []) => Some(value),
        (Value::Table(inner), rest) => lookup(inner, rest),
        _ => None,
    }
}

fn insert(table: &mut Table, parts: &[String], value: Value) {
    match parts {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let slot = table
                .entry(first.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = slot {
                insert(inner, rest, value);
            }
        }
    }
}

/// The existing key nearest to `wanted`, if it is near enough to be what was meant.
fn nearest(wanted: &str, schema: &Table) -> Option<String> {
    let mut keys = Vec::new();
    collect_keys(schema, "", &mut keys);
    let last = |k: &str| k.rsplit('.').next().unwrap_or(k).to_owned();
    keys.into_iter()
        .map(|k| {
            let whole = strsim::normalized_damerau_levenshtein(wanted, &k);
            // The right name in the wrong section is a common slip.
            let name = strsim::normalized_damerau_levenshtein(&last(wanted), &last(&k)) * 0.95;
            (whole.max(name), k)
        })
        .filter(|(score, _)| *score >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

fn collect_keys(table: &Table, path: &str, into: &mut Vec<String>) {
    for (key, value) in table {
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match value {
            Value::Table(inner) => {
                into.push(full.clone());
                collect_keys(inner, &full, into);
            }
            _ => into.push(full),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn schema() -> Table {
        parse(
            "[server]\nlisten = \"x\"\nmax_connections = 5\nratio = 1.0\norigins = []\nflag = false\n[voices]\ndefault = \"\"\n[voices.aliases]\na = \"b\"\n",
            "defaults",
        )
        .unwrap()
    }

    fn env(pairs: &[(&str, &str)]) -> Result<Table, DocumentError> {
        from_env(
            pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned())),
            &schema(),
        )
    }

    #[test]
    fn unknown_key_names_the_nearest() {
        let mut base = schema();
        let layer = parse("[server]\nlisten_ = \"y\"", "a.toml").unwrap();
        let error = merge(&mut base, layer, &schema(), "a.toml").unwrap_err();
        assert_eq!(
            error.to_string(),
            "a.toml sets `server.listen_`, which is not a configuration key; did you mean `server.listen`?"
        );
        let layer = parse("max_conections = 3", "a.toml").unwrap();
        let error = merge(&mut base, layer, &schema(), "a.toml").unwrap_err();
        assert!(
            error.to_string().contains("`server.max_connections`"),
            "{error}"
        );
        let layer = parse("[zzz]\nqq = 3", "a.toml").unwrap();
        let error = merge(&mut base, layer, &schema(), "a.toml").unwrap_err();
        assert_eq!(
            error.to_string(),
            "a.toml sets `zzz`, which is not a configuration key"
        );
    }

    #[test]
    fn layers_override_and_types_hold() {
        let mut base = schema();
        let layer = parse(
            "[server]\nmax_connections = 7\nratio = 2\n[voices.aliases]\nnew = \"v\"",
            "f",
        )
        .unwrap();
        merge(&mut base, layer, &schema(), "f").unwrap();
        assert_eq!(base["server"]["max_connections"].as_integer(), Some(7));
        assert_eq!(base["server"]["ratio"].as_float(), Some(2.0));
        assert_eq!(base["voices"]["aliases"]["new"].as_str(), Some("v"));
        assert_eq!(base["voices"]["aliases"]["a"].as_str(), Some("b"));
        let layer = parse("[server]\nmax_connections = \"7\"", "f").unwrap();
        let error = merge(&mut base, layer, &schema(), "f").unwrap_err();
        assert_eq!(
            error.to_string(),
            "f sets `server.max_connections` to a string, but a whole number is needed"
        );
    }

    #[test]
    fn environment_is_read_by_the_defaults_types() {
        let layer = env(&[
            ("VOXGATE__SERVER__MAX_CONNECTIONS", "9"),
            ("VOXGATE__SERVER__FLAG", "on"),
            ("VOXGATE__SERVER__ORIGINS", "https://a, https://b"),
            ("VOXGATE__VOICES__ALIASES__MAGNUS", "am_adam"),
            ("PATH", "/bin"),
        ])
        .unwrap();
        assert_eq!(layer["server"]["max_connections"].as_integer(), Some(9));
        assert_eq!(layer["server"]["flag"].as_bool(), Some(true));
        assert_eq!(layer["server"]["origins"].as_array().unwrap().len(), 2);
        assert_eq!(
            layer["voices"]["aliases"]["magnus"].as_str(),
            Some("am_adam")
        );
        assert!(env(&[("VOXGATE__SERVER__MAX_CONNECTIONS", "many")]).is_err());
        assert!(
            env(&[("VOXGATE__SERVER__LISTN", "x")])
                .unwrap_err()
                .to_string()
                .contains("server.listen")
        );
        assert!(env(&[("VOXGATE__SERVER", "x")]).is_err());
    }

    #[test]
    fn syntax_errors_name_the_file() {
        let error = parse("[server\nlisten = 1", "my.toml").unwrap_err();
        assert!(
            error.to_string().starts_with("my.toml is not valid TOML"),
            "{error}"
        );
    }
}

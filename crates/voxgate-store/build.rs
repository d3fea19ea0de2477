//! Lists the migration files for embedding, and stops the build where a pair is incomplete: a migration that exists for one
//! database only would leave the other one behind without a word.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

// A build script's input is the environment that cargo sets.
#[allow(clippy::disallowed_methods)]
fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("migrations");
    println!("cargo:rerun-if-changed={}", root.display());
    let sqlite = list(&root.join("sqlite"))?;
    let postgres = list(&root.join("postgres"))?;
    let mut source = String::from("&[\n");
    for (expected, (stem, path)) in (1..).zip(&sqlite) {
        let (version, name) = stem
            .split_once('_')
            .ok_or_else(|| format!("{stem}: expected NNNN_name.sql"))?;
        if version.len() != 4 || version.parse() != Ok(expected) {
            return Err(format!("migration {stem}: expected number {expected:04}").into());
        }
        let other = postgres
            .get(stem)
            .ok_or_else(|| format!("migration {stem} has no file for Postgres"))?;
        writeln!(
            source,
            "    Pair {{ version: {expected}, name: {name:?}, sqlite: include_str!({path:?}), postgres: include_str!({other:?}) }},"
        )?;
    }
    if let Some(stem) = postgres.keys().find(|stem| !sqlite.contains_key(*stem)) {
        return Err(format!("migration {stem} has no file for SQLite").into());
    }
    source.push_str("]\n");
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("migrations.rs"),
        source,
    )?;
    Ok(())
}

/// The `.sql` files of a folder by name without extension, in order.
fn list(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Box<dyn Error>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let stem = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .ok_or("a migration's name is not UTF-8")?;
            files.insert(stem.to_owned(), path);
        }
    }
    Ok(files)
}

//! A consistent copy of the SQLite file while the server works. Owns the copy until it is checked and in place.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rusqlite::{Connection, OpenFlags};

use crate::config::SqliteOptions;
use crate::error::StoreError;
use crate::sqlite::errors::translate;
use crate::sqlite::{blocking, create_private, open_reader};

/// Copies the database at `source` to `target`.
///
/// `VACUUM INTO` reads one snapshot, so writers go on meanwhile, and the copy is compact. It is made beside the target under
/// another name, flushed, checked and renamed: at no time does `target` name half a copy.
pub(crate) async fn copy(source: &Path, target: &Path) -> Result<(), StoreError> {
    let (source, target) = (source.to_owned(), target.to_owned());
    blocking(move || {
        let started = Instant::now();
        refuse_live_target(&target)?;
        let unfinished = Unfinished::beside(&target)?;
        create_private(&unfinished.0)?;
        let connection = open_reader(&source, &SqliteOptions::default())?;
        let name = unfinished
            .0
            .to_str()
            .ok_or_else(|| refused(&target, &"the path is not UTF-8"))?;
        connection
            .execute("VACUUM INTO ?1", [name])
            .map_err(|error| translate(&connection, &error))?;
        File::open(&unfinished.0)
            .and_then(|file| file.sync_all())
            .map_err(|error| refused(&target, &error))?;
        check(&unfinished.0)?;
        unfinished
            .put(&target)
            .map_err(|error| refused(&target, &error))?;
        tracing::info!(
            backup.path = %target.display(),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "database copied"
        );
        Ok(())
    })
    .await
}

fn refused(target: &Path, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("backup to {}: {why}", target.display()))
}

/// A log beside the target belongs to a database in use there (this one, perhaps). Renaming a copy under it would mix the two,
/// because SQLite would play that log into the copy.
fn refuse_live_target(target: &Path) -> Result<(), StoreError> {
    let mut log = target.as_os_str().to_owned();
    log.push("-wal");
    let log = PathBuf::from(log);
    if log.exists() {
        return Err(refused(
            target,
            &format!(
                "{} shows that a database is in use there; choose another path, or stop the server that uses it",
                log.display()
            ),
        ));
    }
    Ok(())
}

/// Lets SQLite check the whole copy.
fn check(path: &Path) -> Result<(), StoreError> {
    let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    let verdict: String = copy
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(|error| translate(&copy, &error))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::Corrupt(format!(
            "the copy is damaged: {verdict}"
        )))
    }
}

/// A file that is removed unless it was put in place.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(target: &Path) -> Result<Self, StoreError> {
        let name = target
            .file_name()
            .ok_or_else(|| refused(target, &"not the name of a file"))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.unfinished", std::process::id()));
        let path = target.with_file_name(hidden);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(target, &error)),
        }
        Ok(Self(path))
    }

    /// Renames it, and makes the new name survive a loss of power.
    fn put(self, target: &Path) -> io::Result<()> {
        fs::rename(&self.0, target)?;
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already where it was put in place.
        let _ = fs::remove_file(&self.0);
    }
}

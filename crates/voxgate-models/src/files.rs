//! Files on disk: judging, copying, flushing, renaming. Everything here blocks and is called off the async threads.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use crate::{catalogue::ModelFile, error::ModelError};

/// How a file on disk compares with the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileCondition {
    /// Size and hash are right.
    Intact,
    /// There is no such file.
    Missing,
    /// It has another size.
    WrongSize,
    /// The size is right and the hash is not.
    Corrupt,
}

pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ModelError + '_ {
    move |source| ModelError::Io {
        path: path.to_path_buf(),
        source,
    }
}

/// Whether a file of the right size is there.
pub(crate) fn is_present(path: &Path, file: &ModelFile) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.len() == file.bytes)
}

/// Reads the whole file.
pub(crate) fn judge(path: &Path, file: &ModelFile) -> io::Result<FileCondition> {
    let mut opened = match File::open(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FileCondition::Missing),
        Err(error) => return Err(error),
    };
    if opened.metadata()?.len() != file.bytes {
        return Ok(FileCondition::WrongSize);
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = opened.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let digest: String = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok(if digest == file.sha256 {
        FileCondition::Intact
    } else {
        FileCondition::Corrupt
    })
}

/// Appends at most `limit` bytes of `from` to `to`; more is an error.
pub(crate) fn copy_capped(from: &mut dyn Read, to: &mut dyn Write, limit: u64) -> io::Result<u64> {
    let copied = io::copy(&mut from.take(limit.saturating_add(1)), to)?;
    if copied > limit {
        Err(io::Error::other(format!("it is longer than {limit} bytes")))
    } else {
        Ok(copied)
    }
}

/// Moves a verified file to its place so that it is there whole or not at all, also after a power cut.
pub(crate) fn install(staged: &Path, place: &Path) -> io::Result<()> {
    let folder = place
        .parent()
        .ok_or_else(|| io::Error::other("no folder"))?;
    std::fs::create_dir_all(folder)?;
    File::open(staged)?.sync_all()?;
    std::fs::rename(staged, place)?;
    sync_folder(folder)?;
    folder.parent().map_or(Ok(()), sync_folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

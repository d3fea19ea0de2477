//! Per-purpose secrets of an installation: random, made once, kept in files only the owner may read.
//!
//! One secret per purpose, so that a token made for one use never verifies for another, and one can be replaced alone.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rand::TryRng as _;

/// Bytes of each secret.
const LENGTH: usize = 32;

/// What can go wrong with the secrets folder.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file cannot be read, made or written.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A secret is not what was written once; using it would be weak or would invalidate every key.
    #[error("{} does not hold {LENGTH} bytes; restore it from a backup, or remove it to make a new one, which ends all sessions or keys made with it", .0.display())]
    Damaged(PathBuf),
    /// Others may read a secret.
    #[error("{} is readable by other users; run: chmod 600 {}", .0.display(), .0.display())]
    Exposed(PathBuf),
    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    NoEntropy(String),
}

/// The folder of secrets of one data directory.
#[derive(Debug)]
pub struct SecretFiles {
    dir: PathBuf,
}

impl SecretFiles {
    /// Opens the folder, making it (mode 0700) if it is not there.
    ///
    /// # Errors
    /// If the folder can be neither found nor made.
    pub fn open(dir: &Path) -> Result<SecretFiles, SecretError> {
        let dir = dir.to_owned();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|source| SecretError::File {
                action: "create",
                path: dir.clone(),
                source,
            })?;
        Ok(SecretFiles { dir })
    }

    /// The secret for `purpose`, made on first use. Written to a temporary name, synced and linked into place, so two
    /// processes that start together agree on one secret and a crash leaves none half-written.
    ///
    /// # Errors
    /// A file that cannot be read or made, has the wrong size, or that others may read.
    pub fn get_or_create(&self, purpose: &str) -> Result<[u8; LENGTH], SecretError> {
        let path = self.dir.join(format!("{purpose}.key"));
        if let Some(secret) = Self::read(&path)? {
            return Ok(secret);
        }
        let mut fresh = [0u8; LENGTH];
        rand::rngs::SysRng
            .try_fill_bytes(&mut fresh)
            .map_err(|e| SecretError::NoEntropy(e.to_string()))?;
        let mut suffix = [0u8; 8];
        rand::rngs::SysRng
            .try_fill_bytes(&mut suffix)
            .map_err(|e| SecretError::NoEntropy(e.to_string()))?;
        let temporary = self
            .dir
            .join(format!(".{purpose}.{:016x}", u64::from_ne_bytes(suffix)));
        let file_error = |action| {
            let path = path.clone();
            move |source| SecretError::File {
                action,
                path,
                source,
            }
        };
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(file_error("create"))?;
        file.write_all(&fresh).map_err(file_error("write"))?;
        file.sync_all().map_err(file_error("sync"))?;
        // A hard link fails if another process was first; then its secret is the one.
        let linked = std::fs::hard_link(&temporary, &path);
        let _ = std::fs::remove_file(&temporary);
        match linked {
            Ok(()) => Ok(fresh),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                Self::read(&path)?.ok_or(SecretError::Damaged(path))
            }
            Err(source) => Err(SecretError::File {
                action: "create",
                path,
                source,
            }),
        }
    }

    fn read(path: &Path) -> Result<Option<[u8; LENGTH]>, SecretError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                return Err(SecretError::File {
                    action: "read",
                    path: path.to_owned(),
                    source,
                });
            }
        };
        let mode = std::fs::metadata(path)
            .map_err(|source| SecretError::File {
                action: "inspect",
                path: path.to_owned(),
                source,
            })?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            return Err(SecretError::Exposed(path.to_owned()));
        }
        let secret: [u8; LENGTH] = bytes
            .try_into()
            .map_err(|_| SecretError::Damaged(path.to_owned()))?;
        if secret == [0; LENGTH] {
            return Err(SecretError::Damaged(path.to_owned()));
        }
        Ok(Some(secret))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn made_once_per_purpose_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let files = SecretFiles::open(&dir.path().join("secrets")).unwrap();
        let jwt = files.get_or_create("jwt").unwrap();
        assert_eq!(files.get_or_create("jwt").unwrap(), jwt);
        assert_ne!(files.get_or_create("reset").unwrap(), jwt);
        let path = dir.path().join("secrets/jwt.key");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(dir.path().join("secrets"))
                .unwrap()
                .count(),
            2
        );
    }

    #[test]
    fn weak_or_exposed_secrets_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let files = SecretFiles::open(&dir.path().join("secrets")).unwrap();
        files.get_or_create("jwt").unwrap();
        let path = dir.path().join("secrets/jwt.key");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            files.get_or_create("jwt"),
            Err(SecretError::Exposed(_))
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, [0u8; LENGTH]).unwrap();
        assert!(matches!(
            files.get_or_create("jwt"),
            Err(SecretError::Damaged(_))
        ));
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(
            files.get_or_create("jwt"),
            Err(SecretError::Damaged(_))
        ));
    }

    #[test]
    fn parallel_starts_agree() {
        let dir = tempfile::tempdir().unwrap();
        let files = SecretFiles::open(&dir.path().join("secrets")).unwrap();
        let all: Vec<_> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| files.get_or_create("k").unwrap()))
                .collect();
            handles.into_iter().map(|h| h.join().unwrap()).collect()
        });
        let on_disk = files.get_or_create("k").unwrap();
        assert!(all.iter().all(|secret| *secret == on_disk));
    }
}

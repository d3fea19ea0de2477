//! Why a model could not be listed, fetched or removed.

use std::{fmt, io, path::PathBuf};

/// One place that was asked for a file, and why it did not provide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The place, such as a URL or a package with its version.
    pub source: String,
    /// What went wrong there.
    pub reason: String,
}

/// A failure of the catalogue or the store. Messages are for operators and say what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A catalogue file cannot be read or breaks a rule of the format.
    #[error("the model catalogue {origin} is not valid: {detail}")]
    Catalogue {
        /// The file, or "built in".
        origin: String,
        /// The rule broken.
        detail: String,
    },
    /// The catalogue has no model of that name.
    #[error("there is no model {name:?}{}; `voxgate models list` shows all", Hint(.nearest))]
    Unknown {
        /// The name asked for.
        name: String,
        /// The most similar name there is.
        nearest: Option<String>,
    },
    /// No source provided a file.
    #[error("{model}/{file} could not be fetched.{} Put the file into a folder as {model}/{file} and name the folder in models.local_folder, or name a mirror that serves it in models.mirror_url", Attempts(.attempts))]
    Unobtainable {
        /// The model.
        model: String,
        /// The first file that is missing.
        file: String,
        /// Every source tried, in order.
        attempts: Vec<Attempt>,
    },
    /// The disk failed.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file or folder concerned.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The outbound client cannot be set up.
    #[error("models cannot be fetched over HTTP: {0}")]
    Http(String),
}

struct Hint<'a>(&'a Option<String>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .as_ref()
            .map_or(Ok(()), |nearest| write!(f, " (did you mean {nearest:?}?)"))
    }
}

struct Attempts<'a>(&'a [Attempt]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(" No source may be used while offline.");
        }
        f.write_str(" Tried:")?;
        for (index, attempt) in self.0.iter().enumerate() {
            write!(
                f,
                "{} {} ({})",
                if index == 0 { "" } else { ";" },
                attempt.source,
                attempt.reason
            )?;
        }
        f.write_str(".")
    }
}

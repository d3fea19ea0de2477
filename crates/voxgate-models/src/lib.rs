//! Models on disk: which there are, where their bytes can be had, fetching and verifying them.
//!
//! A [`Catalogue`] says what each model consists of, with sizes and SHA-256. A [`ModelStore`] keeps a folder of them as
//! `<dir>/<model>/<file>`, which several servers may share. A file appears there only once it is whole and right: it is
//! fetched into a staging folder on the same file system, verified, flushed to disk and renamed.
//!
//! The crate does not load models and knows nothing of engines.

mod catalogue;
mod error;
mod files;
mod http;
mod packages;
mod progress;
mod pull;
mod store;

pub use catalogue::{Catalogue, Model, ModelFile, ModelKind, Part, Source};
pub use error::{Attempt, ModelError};
pub use files::FileCondition;
pub use progress::{Event, Progress, Silent};
pub use store::{InstallState, ModelStatus, ModelStore, PullOptions, Verification};

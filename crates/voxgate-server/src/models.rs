//! The model store by configuration.

use std::path::PathBuf;

use voxgate_models::{Catalogue, ModelError, ModelStore, PullOptions};

use crate::config::Config;

/// The store of models that `config` describes.
///
/// # Errors
/// A catalogue file or mirror URL that cannot be used.
pub fn store(config: &Config) -> Result<ModelStore, ModelError> {
    let models = &config.models;
    let set = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut catalogue = Catalogue::builtin();
    if let Some(file) = set(&models.catalogue_file) {
        catalogue = catalogue.with_file(&PathBuf::from(file))?;
    }
    ModelStore::new(
        config.models_dir(),
        catalogue,
        PullOptions {
            mirror_url: set(&models.mirror_url),
            allow_private: models.mirror_allow_private,
            local_folder: set(&models.local_folder).map(PathBuf::from),
            prefer_packages: models.prefer_packages,
            offline: models.offline,
            ..PullOptions::default()
        },
    )
}

/// The configured default models that are not wholly installed.
///
/// # Errors
/// A default that the catalogue does not know, or a store that cannot be made.
pub fn missing_defaults(config: &Config) -> Result<Vec<String>, ModelError> {
    let store = store(config)?;
    let mut missing = Vec::new();
    for name in &config.models.defaults {
        if !store.is_installed(name)? {
            missing.push(name.clone());
        }
    }
    Ok(missing)
}

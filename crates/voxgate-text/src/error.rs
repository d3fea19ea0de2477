//! What can go wrong in the text front end.

use thiserror::Error;

/// Why a text cannot be turned into phonemes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// Most letters belong to a script that this language has no reading for.
    #[error("text is written in {script}, which a {language} voice cannot read")]
    UnsupportedScript {
        /// Unicode name of the script, for example `Han` or `Cyrillic`.
        script: String,
        /// BCP-47 tag of the front end's language.
        language: String,
    },
    /// Embedded data could not be read. A build defect, never the caller's fault.
    #[error("text front end failed: {0}")]
    Internal(String),
}

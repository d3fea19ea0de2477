//! Reads the letters that a server without SMTP writes into its outbox, as the person would who gets them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// A folder of letters.
#[derive(Debug, Clone)]
pub struct Outbox(PathBuf);

/// One letter, with its encoding undone.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Headers and bodies as readable text.
    pub text: String,
}

impl Letter {
    /// Reads a message as it goes over the wire.
    #[must_use]
    pub fn parse(message: &[u8]) -> Self {
        // Bodies are plain or quoted-printable; the latter's decoder leaves the former as it is, but for `=`, which only
        // stands before digits where it was encoded.
        let text = if String::from_utf8_lossy(message)
            .to_lowercase()
            .contains("quoted-printable")
        {
            quoted_printable::decode(message, quoted_printable::ParseMode::Robust)
                .unwrap_or_else(|_| message.to_vec())
        } else {
            message.to_vec()
        };
        Self {
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    /// Whether a header line with that name holds that text, ignoring letter case.
    #[must_use]
    pub fn header_contains(&self, name: &str, text: &str) -> bool {
        let (name, text) = (format!("{}:", name.to_lowercase()), text.to_lowercase());
        self.text
            .lines()
            .take_while(|line| !line.is_empty())
            .any(|line| {
                line.to_lowercase().starts_with(&name) && line.to_lowercase().contains(&text)
            })
    }

    /// The first link.
    ///
    /// # Errors
    /// Where there is none.
    pub fn link(&self) -> Result<&str> {
        let start = self
            .text
            .find("http://")
            .or_else(|| self.text.find("https://"))
            .context("a letter without a link")?;
        let link = &self.text[start..];
        let end = link
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>'))
            .unwrap_or(link.len());
        Ok(&link[..end])
    }

    /// The secret in the link: of `…/invitations/{token}/accept` or `…?token={token}`.
    ///
    /// # Errors
    /// Where the link has neither form.
    pub fn token(&self) -> Result<String> {
        let link = self.link()?;
        let token = match link.split_once("token=") {
            Some((_, token)) => token,
            None => link
                .split_once("/invitations/")
                .map(|(_, rest)| rest.trim_end_matches("/accept"))
                .with_context(|| format!("no token in {link}"))?,
        };
        Ok(token.to_owned())
    }
}

impl Outbox {
    /// The outbox in that folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The letters' files, newest first: their names begin with the time.
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.0)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort();
        files.reverse();
        files
    }

    /// All letters, newest first; each is read when it is asked for.
    pub fn letters(&self) -> impl Iterator<Item = Letter> {
        self.files()
            .into_iter()
            .filter_map(|file| fs::read(file).ok())
            .map(|message| Letter::parse(&message))
    }

    /// The newest letter to that address, if one has come.
    #[must_use]
    pub fn newest_to(&self, address: &str) -> Option<Letter> {
        self.letters()
            .find(|letter| letter.header_contains("to", address))
    }

    /// Waits for a letter to that address.
    ///
    /// # Errors
    /// Where none comes within ten seconds.
    pub async fn wait_for(&self, address: &str) -> Result<Letter> {
        let begun = Instant::now();
        loop {
            if let Some(letter) = self.newest_to(address) {
                return Ok(letter);
            }
            anyhow::ensure!(
                begun.elapsed() < Duration::from_secs(10),
                "no letter to {address}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

//! The first start: what an empty installation is made ready with, and how its secrets are shown once.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;
use serde::Serialize;
use voxgate_services::Services;
use voxgate_services::bootstrap::{BootstrapCommand, BootstrapError, Bootstrapped};

use crate::config::Config;

/// Why the first start failed.
#[derive(Debug, thiserror::Error)]
pub enum FirstRunError {
    /// The administrator or the organisation cannot be made.
    #[error("cannot make the administrator: {0}")]
    Bootstrap(#[from] BootstrapError),
    /// `--bootstrap-file` cannot be written. Checked before anything is made, so nothing is lost.
    #[error("cannot write --bootstrap-file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What `--bootstrap-file` receives.
#[derive(Serialize)]
struct BootstrapFile<'a> {
    base_url: &'a str,
    /// gRPC is served once a dialect that speaks it is; until then there is no address.
    grpc_url: Option<&'a str>,
    admin_email: &'a str,
    admin_password: &'a str,
    organization_id: String,
    api_key: &'a str,
}

/// Makes an empty installation ready; `None` if it was ready already. Writes `bootstrap_file` (mode 0600) if named.
///
/// # Errors
/// [`FirstRunError`]; with an unwritable file nothing has been made.
pub async fn prepare(
    services: &Services,
    config: &Config,
    base_url: &str,
    bootstrap_file: Option<&Path>,
) -> Result<Option<Bootstrapped>, FirstRunError> {
    // The secrets are shown once, so the place they go to is opened before they exist.
    let mut file = bootstrap_file
        .map(|path| {
            std::fs::File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(path)
                .map(|file| (path, file))
                .map_err(|source| FirstRunError::File {
                    path: path.to_owned(),
                    source,
                })
        })
        .transpose()?;
    let made = services
        .bootstrap()
        .run(BootstrapCommand {
            admin_email: config.bootstrap.admin_email.clone(),
            admin_password: None,
            organization_name: config.bootstrap.organization.clone(),
        })
        .await?;
    if let (Some((path, file)), Some(made)) = (&mut file, &made) {
        let content = BootstrapFile {
            base_url,
            grpc_url: None,
            admin_email: &made.admin_email,
            admin_password: made.admin_password.expose_secret(),
            organization_id: made.organization_id.to_string(),
            api_key: made.api_key.expose_secret(),
        };
        write_json(file, &content).map_err(|source| FirstRunError::File {
            path: path.to_path_buf(),
            source,
        })?;
    }
    Ok(made)
}

fn write_json(file: &mut std::fs::File, content: &BootstrapFile<'_>) -> std::io::Result<()> {
    let mut text = serde_json::to_string_pretty(content)?;
    text.push('\n');
    // A file that was there keeps neither its old content nor its old, perhaps wider, mode.
    file.set_len(0)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What the terminal shows after the first start.
#[must_use]
pub fn welcome(made: &Bootstrapped, base_url: &str, self_signed: bool) -> String {
    let key = made.api_key.expose_secret();
    let insecure = if self_signed { " -k" } else { "" };
    let mut text = String::new();
    let rule = "─".repeat(78);
    let _ = write!(
        text,
        "\n{rule}\n  Voxgate is ready. This is shown once:\n\n  \
         Console        {base_url}/\n  \
         Documentation  {base_url}/docs\n  \
         Administrator  {}\n  \
         Password       {}\n  \
         Organisation   {}\n  \
         API key        {key}\n\n  \
         Try it:\n\n\
         curl -sS{insecure} {base_url}/tts/tts \\\n  \
         -H 'Authorization: Bearer {key}' \\\n  \
         -H 'Content-Type: application/json' \\\n  \
         -d '{{\"text\": \"Hello from my own machine.\"}}' \\\n  \
         -o speech.mp3\n{rule}\n",
        made.admin_email,
        made.admin_password.expose_secret(),
        made.organization_id,
    );
    text
}

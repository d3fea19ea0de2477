//! How a message leaves: to an SMTP server, or into a file.

use std::path::{Path, PathBuf};

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::ExposeSecret as _;
use voxgate_store::mail::ClaimedMail;

use crate::config::{MailConfig, MailTransport, SmtpConfig, SmtpSecurity};

/// A sender that is set up.
pub(crate) struct Transport {
    from: Mailbox,
    way: Way,
}

enum Way {
    Directory(PathBuf),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

/// What became of one attempt that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// Trying again may help.
    #[error("{0}")]
    Temporary(String),
    /// The server said no, or the message cannot be written; trying again is pointless.
    #[error("{0}")]
    Permanent(String),
}

impl Transport {
    pub(crate) fn new(config: &MailConfig) -> Result<Self, String> {
        let from = config
            .from
            .parse()
            .map_err(|error| format!("sender {:?}: {error}", config.from))?;
        let way = match &config.transport {
            MailTransport::Directory(path) => Way::Directory(path.clone()),
            MailTransport::Smtp(smtp) => Way::Smtp(connect(smtp)?),
        };
        Ok(Self { from, way })
    }

    /// Sends a message once. Repeating it with the same message is harmless for files: they have the same name.
    pub(crate) async fn send(&self, mail: &ClaimedMail) -> Result<(), SendError> {
        let message = self.message(mail)?;
        match &self.way {
            Way::Smtp(smtp) => match smtp.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(SendError::Permanent(error.to_string())),
                Err(error) => Err(SendError::Temporary(error.to_string())),
            },
            Way::Directory(directory) => {
                let path = directory.join(file_name(mail));
                let bytes = message.formatted();
                let written = {
                    let path = path.clone();
                    tokio::task::spawn_blocking(move || write_whole(&path, &bytes)).await
                };
                match written {
                    Ok(Ok(())) => {
                        tracing::info!(mail.kind = %mail.kind, path = %path.display(), "message written to the outbox: no SMTP server is configured");
                        Ok(())
                    }
                    Ok(Err(error)) => {
                        Err(SendError::Temporary(format!("{}: {error}", path.display())))
                    }
                    Err(error) => Err(SendError::Temporary(error.to_string())),
                }
            }
        }
    }

    fn message(&self, mail: &ClaimedMail) -> Result<Message, SendError> {
        let permanent = |error: String| SendError::Permanent(error);
        let to: Mailbox = mail
            .recipient
            .parse()
            .map_err(|error: lettre::address::AddressError| permanent(error.to_string()))?;
        let host = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&mail.subject)
            .message_id(Some(format!("<{}@{host}>", mail.id)))
            .multipart(MultiPart::alternative_plain_html(
                mail.text_body.clone(),
                mail.html_body.clone(),
            ))
            .map_err(|error| permanent(error.to_string()))
    }
}

fn connect(config: &SmtpConfig) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    type Smtp = AsyncSmtpTransport<Tokio1Executor>;
    let mut builder = match config.security {
        SmtpSecurity::Tls => Smtp::relay(&config.host).map_err(|error| error.to_string())?,
        SmtpSecurity::StartTls => {
            Smtp::starttls_relay(&config.host).map_err(|error| error.to_string())?
        }
        SmtpSecurity::None => Smtp::builder_dangerous(&config.host),
    };
    if let Some(port) = config.port {
        builder = builder.port(port);
    }
    if let Some((user, password)) = &config.credentials {
        let password = password.expose_secret().to_owned();
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    Ok(builder.timeout(Some(config.timeout)).build())
}

/// `<time>-<kind>-<id>.eml`, so that a listing is in order; without characters that file systems dislike.
fn file_name(mail: &ClaimedMail) -> String {
    let time: String = mail
        .created_at
        .to_iso_millis()
        .chars()
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    format!("{time}-{}-{}.eml", mail.kind, mail.id)
}

/// Writes the file under another name first: nobody ever sees half a message. Readable by its owner only, because the
/// link inside opens a door.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let unfinished = path.with_extension("eml.part");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use voxgate_domain::{MailId, Timestamp};

    fn mail(subject: &str) -> ClaimedMail {
        ClaimedMail {
            id: MailId::generate(),
            kind: "verify".into(),
            recipient: "new@example.com".into(),
            subject: subject.into(),
            text_body: "text".into(),
            html_body: "<p>text</p>".into(),
            attempt: 1,
            created_at: Timestamp::from_secs(1_800_000_000),
        }
    }

    #[tokio::test]
    async fn a_message_becomes_one_file_however_often_it_is_sent() {
        let directory = tempfile::tempdir().unwrap();
        let transport = Transport::new(&MailConfig {
            transport: MailTransport::Directory(directory.path().join("outbox")),
            ..MailConfig::default()
        })
        .unwrap();
        let mail = mail("Hello\r\nBcc: everybody@example.com");
        transport.send(&mail).await.unwrap();
        transport.send(&mail).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(directory.path().join("outbox"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .collect();
        assert_eq!(files.len(), 1);
        let name = files[0].file_name().into_string().unwrap();
        assert_eq!(name, format!("20270115T080000.000Z-verify-{}.eml", mail.id));
        let text = std::fs::read_to_string(files[0].path()).unwrap();
        assert!(text.contains("To: new@example.com\r\n"), "{text}");
        assert!(
            text.contains("text/plain") && text.contains("text/html"),
            "{text}"
        );
        // A line break in the subject must not become a header.
        assert!(!text.contains("\r\nBcc:"), "{text}");
    }
}

//! What the messages say.

use voxgate_domain::{MailId, Timestamp};
use voxgate_store::mail::{self, NewMail};
use voxgate_store::{StoreError, Tx};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LetterKind {
    Invitation,
    Verify,
    Reset,
}

impl LetterKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Verify => "verify",
            Self::Reset => "reset",
        }
    }
}

/// A message before it is queued.
#[derive(Debug, Clone)]
pub(crate) struct Letter(NewMail);

impl Letter {
    /// An invitation into an organisation.
    pub(crate) fn invitation(
        base: &str,
        to: &str,
        organization: &str,
        token: &str,
        ends_at: Timestamp,
    ) -> Self {
        compose(&Content {
            kind: LetterKind::Invitation,
            to,
            subject: &format!("You are invited to join {organization}"),
            opening: &format!(
                "You are invited to join {organization}. Open this link to choose a password:"
            ),
            link: &format!("{base}/invitations/{token}/accept"),
            ends_at,
            closing: "If you did not expect this, you can ignore this message.",
        })
    }

    /// A link that verifies an address.
    pub(crate) fn verify(base: &str, to: &str, token: &str, ends_at: Timestamp) -> Self {
        compose(&Content {
            kind: LetterKind::Verify,
            to,
            subject: "Please verify your e-mail address",
            opening: "Open this link to verify your e-mail address:",
            link: &format!("{base}/auth/verify?token={token}"),
            ends_at,
            closing: "If you did not ask for this, you can ignore this message.",
        })
    }

    /// A link that resets a password.
    pub(crate) fn reset(base: &str, to: &str, token: &str, ends_at: Timestamp) -> Self {
        compose(&Content {
            kind: LetterKind::Reset,
            to,
            subject: "Reset your password",
            opening: "Open this link to choose a new password:",
            link: &format!("{base}/auth/reset-password?token={token}"),
            ends_at,
            closing: "If you did not ask for this, you can ignore this message; your password stays as it is.",
        })
    }

    /// Queues the message in the transaction of the change that caused it.
    pub(crate) async fn queue(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        mail::insert(tx, &self.0, now).await
    }
}

struct Content<'a> {
    kind: LetterKind,
    to: &'a str,
    subject: &'a str,
    opening: &'a str,
    link: &'a str,
    ends_at: Timestamp,
    closing: &'a str,
}

fn compose(content: &Content<'_>) -> Letter {
    let Content {
        kind,
        to,
        subject,
        opening,
        link,
        ends_at,
        closing,
    } = content;
    let until = ends_at.to_iso_millis();
    let until = format!("{} {} UTC", &until[..10], &until[11..16]);
    let text_body =
        format!("Hello,\n\n{opening}\n\n{link}\n\nThe link works until {until}. {closing}\n");
    let html_body = format!(
        "<!doctype html>\n<html lang=\"en\"><body style=\"font-family:sans-serif;line-height:1.5\">\n<p>Hello,</p>\n\
         <p>{}</p>\n<p><a href=\"{}\">{}</a></p>\n<p>The link works until {until}. {}</p>\n</body></html>\n",
        escaped(opening),
        escaped(link),
        escaped(link),
        escaped(closing),
    );
    Letter(NewMail {
        id: MailId::generate(),
        kind: kind.as_str(),
        recipient: (*to).to_owned(),
        subject: (*subject).to_owned(),
        text_body,
        html_body,
    })
}

/// The five characters that mean something in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_smuggle_markup_into_the_page() {
        let letter = Letter::invitation(
            "https://api.example.com",
            "new@example.com",
            "<script>alert(1)</script> & Co",
            "tok-en_1",
            Timestamp::from_secs(1_800_000_000),
        );
        assert!(!letter.0.html_body.contains("<script>"));
        assert!(letter.0.html_body.contains("&lt;script&gt;"));
        let link = "https://api.example.com/invitations/tok-en_1/accept";
        assert!(letter.0.text_body.contains(link));
        assert!(letter.0.text_body.contains("2027-01-15 08:00 UTC"));
    }
}

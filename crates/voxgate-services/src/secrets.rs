//! The keys this installation signs and hashes with.

use secrecy::{ExposeSecret as _, SecretBox};

/// One secret per purpose, so that what signs a session can never sign a password reset.
#[derive(Debug)]
pub struct Secrets {
    /// Signs sessions (HS256).
    pub jwt: SecretBox<Vec<u8>>,
    /// Signs links that verify an address.
    pub verify: SecretBox<Vec<u8>>,
    /// Signs links that reset a password.
    pub reset: SecretBox<Vec<u8>>,
    /// Keys the hashes under which API keys, invitations and revoked sessions are stored.
    pub api_key_pepper: SecretBox<Vec<u8>>,
}

impl Secrets {
    /// Fewer bytes than this are refused at start.
    pub const MIN_BYTES: usize = 32;

    /// The first purpose whose secret is too short, or the same as another's.
    #[must_use]
    pub fn weakness(&self) -> Option<&'static str> {
        let all = [
            ("jwt", &self.jwt),
            ("verify", &self.verify),
            ("reset", &self.reset),
            ("api_key_pepper", &self.api_key_pepper),
        ];
        for (at, (name, secret)) in all.iter().enumerate() {
            let repeated = all[..at]
                .iter()
                .any(|(_, other)| other.expose_secret() == secret.expose_secret());
            if secret.expose_secret().len() < Self::MIN_BYTES || repeated {
                return Some(name);
            }
        }
        None
    }
}

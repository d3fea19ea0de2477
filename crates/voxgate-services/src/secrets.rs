//! The keys this installation signs and hashes with, and the secrets it makes.

use std::hash::{Hash, Hasher};

use rand::distr::{Alphanumeric, SampleString as _};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
use subtle::ConstantTimeEq as _;

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

    /// The first purpose whose secret is too short, the same as another's, or one that others would guess: a single
    /// character over and over, or a text from an example such as `change-me`.
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
            let secret = secret.expose_secret();
            if secret.len() < Self::MIN_BYTES || repeated || is_guessable(secret) {
                return Some(name);
            }
        }
        None
    }
}

impl Secrets {
    /// Tells whether two processes have the same secrets, and nothing about them.
    pub(crate) fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("voxgate 2026-11 secrets fingerprint");
        for secret in [&self.jwt, &self.verify, &self.reset, &self.api_key_pepper] {
            let secret = secret.expose_secret();
            hasher.update(&(secret.len() as u64).to_le_bytes());
            hasher.update(secret);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// What secrets in examples and forgotten settings hold, in lower case.
const EXAMPLES: [&str; 8] = [
    "changeme",
    "change-me",
    "change_me",
    "change this",
    "your-secret",
    "your_secret",
    "placeholder",
    "default",
];

/// Whether a secret was typed rather than drawn by lot. Of random secrets less than one in 10^12 is
/// taken for a typed one.
fn is_guessable(secret: &[u8]) -> bool {
    let one_over_and_over = secret
        .first()
        .is_some_and(|first| secret.iter().all(|byte| byte == first))
        && secret
            .iter()
            .all(|&byte| byte == 0 || byte.is_ascii_graphic() || byte == b' ');
    let text = String::from_utf8_lossy(secret).to_ascii_lowercase();
    one_over_and_over || EXAMPLES.iter().any(|example| text.contains(example))
}

/// Keyed hashes of secrets that are stored or compared, one key per purpose, all derived from the pepper. The secrets
/// are long and random (or, for the throttle, no secrets at all), so a fast hash is the right one.
pub(crate) struct Hashes {
    api_key: [u8; 32],
    invitation: [u8; 32],
    session: [u8; 32],
    throttle: [u8; 32],
    password_state: [u8; 32],
}

impl Hashes {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        let key = |context| blake3::derive_key(context, secrets.api_key_pepper.expose_secret());
        Self {
            api_key: key("voxgate 2026-11 api key hash"),
            invitation: key("voxgate 2026-11 invitation token hash"),
            session: key("voxgate 2026-11 session token hash"),
            throttle: key("voxgate 2026-11 throttle subject hash"),
            password_state: key("voxgate 2026-11 password fingerprint"),
        }
    }

    pub(crate) fn api_key(&self, secret: &str) -> KeyHash {
        KeyHash(*blake3::keyed_hash(&self.api_key, secret.as_bytes()).as_bytes())
    }

    pub(crate) fn invitation(&self, token: &str) -> Vec<u8> {
        keyed(&self.invitation, token)
    }

    pub(crate) fn session(&self, token: &str) -> Vec<u8> {
        keyed(&self.session, token)
    }

    /// Parts are joined by a character that no part contains.
    pub(crate) fn throttle(&self, parts: &[&str]) -> Vec<u8> {
        keyed(&self.throttle, &parts.join("\u{1F}"))
    }

    /// Changes when the stored password hash does; tells nothing about it.
    pub(crate) fn password_fingerprint(&self, password_hash: &str) -> String {
        blake3::keyed_hash(&self.password_state, password_hash.as_bytes())
            .to_hex()
            .to_string()
    }
}

/// The keyed hash of an API key's secret, compared as a whole and in constant time.
#[derive(Clone, Copy, Eq)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    #[cfg(test)]
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the stored hash.
    pub(crate) fn is(&self, stored: &[u8]) -> bool {
        bool::from(self.0.ct_eq(stored))
    }

    /// Picks a shard, by bytes that do not pick the place in a table.
    pub(crate) fn shard(&self) -> usize {
        usize::from(self.0[31])
    }
}

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Hash for KeyHash {
    /// Only picks the place in a table; equality is decided by all bytes.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        state.write_u64(u64::from_le_bytes(first));
    }
}

fn keyed(key: &[u8; 32], text: &str) -> Vec<u8> {
    blake3::keyed_hash(key, text.as_bytes()).as_bytes().to_vec()
}

/// 32 random bytes in URL-safe base64 (43 characters).
pub(crate) fn random_token() -> String {
    use base64::Engine as _;
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// A password for a person to copy: 20 letters and digits, about 119 bits.
pub(crate) fn random_password() -> SecretString {
    Alphanumeric.sample_string(&mut rand::rng(), 20).into()
}

/// What every API key begins with.
pub(crate) const API_KEY_PREFIX: &str = "vg_";
const API_KEY_RANDOM: usize = 43;
const API_KEY_CHECK: usize = 6;
/// How long every API key is, in bytes.
pub(crate) const API_KEY_BYTES: usize = API_KEY_PREFIX.len() + API_KEY_RANDOM + API_KEY_CHECK;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `vg_`, 43 random base62 characters (256 bits), 6 check characters.
pub(crate) fn random_api_key() -> SecretString {
    let body = Alphanumeric.sample_string(&mut rand::rng(), API_KEY_RANDOM);
    let check = api_key_check(&body);
    format!("{API_KEY_PREFIX}{body}{check}").into()
}

/// Whether a text could be one of our keys: right length, right alphabet, right check characters. A typing error is told
/// apart from an unknown key without asking the database.
pub(crate) fn is_well_formed_api_key(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(API_KEY_PREFIX) else {
        return false;
    };
    rest.len() == API_KEY_RANDOM + API_KEY_CHECK
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && api_key_check(&rest[..API_KEY_RANDOM]) == rest[API_KEY_RANDOM..]
}

fn api_key_check(body: &str) -> String {
    let digest = blake3::hash(body.as_bytes());
    let mut number = digest
        .as_bytes()
        .iter()
        .take(4)
        .fold(0_u32, |number, &byte| (number << 8) | u32::from(byte));
    let mut check = String::with_capacity(API_KEY_CHECK);
    for _ in 0..API_KEY_CHECK {
        check.push(char::from(BASE62[(number % 62) as usize]));
        number /= 62;
    }
    check
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn secret(byte: u8, len: usize) -> SecretBox<Vec<u8>> {
        SecretBox::new(Box::new(vec![byte; len]))
    }

    #[test]
    fn short_and_shared_secrets_are_refused() {
        let with = |reset| Secrets {
            jwt: secret(1, 32),
            verify: secret(2, 32),
            reset,
            api_key_pepper: secret(4, 64),
        };
        assert_eq!(with(secret(3, 32)).weakness(), None);
        assert_eq!(with(secret(3, 31)).weakness(), Some("reset"));
        assert_eq!(with(secret(1, 32)).weakness(), Some("reset"));
    }

    #[test]
    fn empty_and_example_secrets_are_refused() {
        let with = |jwt: &[u8]| Secrets {
            jwt: SecretBox::new(Box::new(jwt.to_vec())),
            verify: secret(2, 32),
            reset: secret(3, 32),
            api_key_pepper: secret(4, 32),
        };
        for weak in [
            &b""[..],
            &[0; 64],
            &[b'a'; 64],
            b"ChangeMe-ChangeMe-ChangeMe-ChangeMe",
            b"this is your-secret-key, replace it please",
            b"default-default-default-default-default",
        ] {
            assert_eq!(with(weak).weakness(), Some("jwt"), "{weak:?}");
        }
        for _ in 0..1000 {
            let mut random = [0; 32];
            rand::fill(&mut random);
            assert_eq!(with(&random).weakness(), None);
        }
    }

    #[test]
    fn a_typing_error_in_a_key_is_seen() {
        let key = random_api_key();
        let key = key.expose_secret();
        assert!(is_well_formed_api_key(key), "{key}");
        for at in 3..key.len() {
            let mut wrong: Vec<char> = key.chars().collect();
            wrong[at] = if wrong[at] == 'a' { 'b' } else { 'a' };
            let wrong: String = wrong.into_iter().collect();
            assert!(!is_well_formed_api_key(&wrong), "{wrong} from {key}");
        }
        assert!(!is_well_formed_api_key("vg_"));
        assert!(!is_well_formed_api_key(&key[..key.len() - 1]));
        assert!(!is_well_formed_api_key(&key.replace("vg_", "vx_")));
    }

    #[test]
    fn hashes_differ_by_purpose() {
        let hashes = Hashes::new(&Secrets {
            jwt: secret(1, 32),
            verify: secret(2, 32),
            reset: secret(3, 32),
            api_key_pepper: secret(4, 32),
        });
        assert!(!hashes.api_key("x").is(&hashes.invitation("x")));
        assert!(hashes.api_key("x").is(hashes.api_key("x").as_bytes()));
        assert!(
            !hashes
                .api_key("x")
                .is(&hashes.api_key("x").as_bytes()[..31])
        );
        assert_ne!(hashes.session("x"), hashes.throttle(&["x"]));
        assert_ne!(hashes.throttle(&["a", "bc"]), hashes.throttle(&["ab", "c"]));
    }
}

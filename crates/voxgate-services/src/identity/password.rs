//! Keeping passwords: Argon2id in PHC strings, a few at a time, off the async threads.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::ConfigError;
use crate::{Argon2Config, Fault, IdentityConfig};

/// The hashing desk: `hash_concurrency` at work, `hash_queue` in line, everybody else is told to come back.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    config: Argon2Config,
    /// Verified against when there is no account, so that a login takes as long as for a wrong password.
    decoy: String,
    line: Arc<Semaphore>,
    desk: Arc<Semaphore>,
}

/// A place at the desk; while it is held, one hash may be computed.
pub(crate) struct Place {
    _line: OwnedSemaphorePermit,
    _desk: OwnedSemaphorePermit,
}

/// The line is full.
#[derive(Debug)]
pub(crate) struct LineFull;

/// What came of comparing a password with a hash.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Wrong,
    Right,
    /// Right, and the hash was made with other parameters than today's: here is a new one.
    Upgraded(String),
}

impl Passwords {
    /// Computes one hash, so it takes a moment.
    pub(crate) fn new(config: &IdentityConfig) -> Result<Self, ConfigError> {
        let bad = |problem: String| ConfigError {
            setting: "identity.argon2",
            problem,
        };
        let Argon2Config {
            memory_kib,
            iterations,
            parallelism,
        } = config.argon2;
        let params = Params::new(memory_kib, iterations, parallelism, None)
            .map_err(|error| bad(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, crate::secrets::random_password().expose_secret())
            .map_err(|error| bad(error.to_string()))?;
        Ok(Self {
            argon2,
            config: config.argon2,
            decoy,
            line: Arc::new(Semaphore::new(config.hash_concurrency + config.hash_queue)),
            desk: Arc::new(Semaphore::new(config.hash_concurrency)),
        })
    }

    /// Waits for a place at the desk, unless the line is full.
    pub(crate) async fn place(&self) -> Result<Place, LineFull> {
        let line = Arc::clone(&self.line)
            .try_acquire_owned()
            .map_err(|_| LineFull)?;
        let desk = Arc::clone(&self.desk)
            .acquire_owned()
            .await
            .map_err(|_| LineFull)?;
        Ok(Place {
            _line: line,
            _desk: desk,
        })
    }

    /// Hashes a new password.
    pub(crate) async fn hash(
        &self,
        place: Place,
        password: &SecretString,
    ) -> Result<String, Fault> {
        let (argon2, password) = (self.argon2.clone(), password.clone());
        blocking(move || {
            // The place moves in: a caller that goes away does not let another one in beside the running hash.
            let hashed = hash(&argon2, password.expose_secret());
            drop(place);
            hashed
        })
        .await?
    }

    /// Compares a password with a stored hash, or with the decoy where there is none. The same work either way. The place
    /// comes back, so that what follows from the verdict can be recorded before the next comparison begins.
    pub(crate) async fn verify(
        &self,
        place: Place,
        password: &SecretString,
        stored: Option<&str>,
    ) -> Result<(Place, Verdict), Fault> {
        let (argon2, config) = (self.argon2.clone(), self.config);
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let password = password.clone();
        blocking(move || {
            let right = matches(&stored, password.expose_secret());
            if !(right && known) {
                return Ok((place, Verdict::Wrong));
            }
            if is_current(&stored, config) {
                return Ok((place, Verdict::Right));
            }
            let upgraded = hash(&argon2, password.expose_secret())?;
            Ok((place, Verdict::Upgraded(upgraded)))
        })
        .await?
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Fault::Internal(format!("password hashing ended early: {error}")))
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<String, Fault> {
    let hashed: PasswordHash = argon2
        .hash_password(password.as_bytes())
        .map_err(|error| Fault::Internal(format!("password hashing: {error}")))?;
    Ok(hashed.to_string())
}

fn matches(stored: &str, password: &str) -> bool {
    if is_bcrypt(stored) {
        return bcrypt::verify(password, stored).unwrap_or(false);
    }
    PasswordHash::new(stored).is_ok_and(|stored| {
        Argon2::default()
            .verify_password(password.as_bytes(), &stored)
            .is_ok()
    })
}

/// `$2a$`, `$2b$`, `$2y$`: brought along from elsewhere, accepted, and replaced at the next login.
fn is_bcrypt(stored: &str) -> bool {
    stored.starts_with("$2")
}

fn is_current(stored: &str, config: Argon2Config) -> bool {
    let Ok(stored) = PasswordHash::new(stored) else {
        return false;
    };
    stored.algorithm.as_str() == "argon2id"
        && Params::try_from(&stored).is_ok_and(|params| {
            params.m_cost() == config.memory_kib
                && params.t_cost() == config.iterations
                && params.p_cost() == config.parallelism
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn config(iterations: u32) -> IdentityConfig {
        IdentityConfig {
            argon2: Argon2Config {
                memory_kib: 64,
                iterations,
                parallelism: 1,
            },
            hash_concurrency: 1,
            hash_queue: 1,
            ..IdentityConfig::default()
        }
    }

    async fn verdict(passwords: &Passwords, password: &str, stored: Option<&str>) -> Verdict {
        let place = passwords.place().await.ok().unwrap();
        passwords
            .verify(place, &password.to_owned().into(), stored)
            .await
            .unwrap()
            .1
    }

    #[tokio::test]
    async fn hashes_verify_and_old_ones_are_replaced() {
        let old = Passwords::new(&config(1)).unwrap();
        let secret: SecretString = "correct horse".to_owned().into();
        let stored = old
            .hash(old.place().await.ok().unwrap(), &secret)
            .await
            .unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"),
            "{stored}"
        );
        assert_eq!(
            verdict(&old, "correct horse", Some(&stored)).await,
            Verdict::Right
        );
        assert_eq!(
            verdict(&old, "wrong horse", Some(&stored)).await,
            Verdict::Wrong
        );
        assert_eq!(verdict(&old, "correct horse", None).await, Verdict::Wrong);

        let new = Passwords::new(&config(2)).unwrap();
        let Verdict::Upgraded(upgraded) = verdict(&new, "correct horse", Some(&stored)).await
        else {
            panic!("an old hash must be replaced");
        };
        assert!(upgraded.contains("t=2"), "{upgraded}");
        assert_eq!(
            verdict(&new, "correct horse", Some(&upgraded)).await,
            Verdict::Right
        );
    }

    #[tokio::test]
    async fn bcrypt_hashes_are_accepted_and_replaced() {
        let passwords = Passwords::new(&config(1)).unwrap();
        let stored = bcrypt::hash("correct horse", 4).unwrap();
        assert!(matches!(
            verdict(&passwords, "correct horse", Some(&stored)).await,
            Verdict::Upgraded(hash) if hash.starts_with("$argon2id$")
        ));
        assert_eq!(
            verdict(&passwords, "wrong", Some(&stored)).await,
            Verdict::Wrong
        );
    }

    #[tokio::test]
    async fn the_line_has_an_end() {
        let passwords = Arc::new(Passwords::new(&config(1)).unwrap());
        let at_desk = passwords.place().await.ok().unwrap();
        let in_line = tokio::spawn({
            let passwords = Arc::clone(&passwords);
            async move { passwords.place().await.is_ok() }
        });
        tokio::task::yield_now().await;
        while passwords.line.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(passwords.place().await.is_err());
        drop(at_desk);
        assert!(in_line.await.unwrap());
    }
}

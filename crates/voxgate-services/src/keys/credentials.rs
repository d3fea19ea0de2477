//! What recent look-ups of API keys found, so that a busy key does not ask the database on every request.
//!
//! Owns how long a finding may be believed: [`MAX_AGE`] from before the database was asked, and no longer than the next
//! change made through this process ([`Credentials::forget_all`]). A change made elsewhere therefore holds here within
//! two seconds. Only findings that open the door are kept: an unknown key asks the database every time, and a key that was
//! just made works at once.
//!
//! Findings are kept under the whole keyed hash of the secret; two secrets that begin alike have nothing in common.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use voxgate_domain::{Refusal, Refuse, Timestamp};

use crate::Principal;
use crate::identity::AuthError;
use crate::secrets::KeyHash;

/// How long a finding is believed, counted from before the database was asked.
pub(crate) const MAX_AGE: Duration = Duration::from_millis(1500);
/// From this age on, the next use has the finding renewed in the background, so that a busy key never waits for it.
const RENEW_AGE: Duration = Duration::from_millis(750);
const SHARDS: usize = 64;
/// The most findings in one shard; 32,768 in all, some 25 MB.
const SHARD_CAPACITY: usize = 512;

/// One good key, as the database knew it.
pub(crate) struct Known {
    /// The caller, without an address.
    pub(crate) principal: Principal,
    /// Whether there is any address from which it may be used.
    pub(crate) usable_somewhere: bool,
    /// When the key, the presented secret or a key that made it ends, whichever is first.
    pub(crate) ends_at: Option<Timestamp>,
    /// When it was last used, as far as that was noted.
    pub(crate) last_used_at: Option<Timestamp>,
}

impl Known {
    /// The caller, if the key is still good at this moment and may be used from there.
    pub(crate) fn admit(
        &self,
        address: Option<IpAddr>,
        now: impl FnOnce() -> Timestamp,
    ) -> Result<Principal, AuthError> {
        if self.ends_at.is_some_and(|end| end <= now()) {
            return Err(AuthError::ExpiredKey);
        }
        if !(self.usable_somewhere && self.principal.rights.admits_address(address)) {
            return Err(AuthError::AddressNotAllowed);
        }
        Ok(Principal {
            address,
            ..self.principal.clone()
        })
    }
}

/// What must be noted before the database is asked.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    epoch: u64,
    asked_at: Duration,
}

/// What a look-up in memory says.
pub(crate) struct Hit {
    pub(crate) verdict: Result<Principal, AuthError>,
    /// Whether the caller is the one who should have the finding renewed.
    pub(crate) renew: bool,
}

struct Entry {
    ticket: Ticket,
    renewing: AtomicBool,
    known: Arc<Known>,
}

type Shard = HashMap<KeyHash, Entry, BuildHasherDefault<AlreadyHashed>>;

/// The findings. All methods return at once.
pub(crate) struct Credentials {
    shards: Box<[RwLock<Shard>]>,
    /// Moves on with every change that could touch a right; findings of an earlier epoch are void.
    epoch: AtomicU64,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            epoch: AtomicU64::new(0),
        }
    }
}

impl Credentials {
    /// Voids every finding, also those whose look-up is under way. Call it after each change of a key, an account, an
    /// organisation or a plan, when it is committed and before anybody is told.
    pub(crate) fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Voids every finding unless the change certainly did not happen.
    pub(crate) fn forget_after<T, E: Refuse>(&self, change: &Result<T, E>) {
        let happened = match change {
            Ok(_) => true,
            Err(error) => matches!(
                error.refusal(),
                Refusal::Internal | Refusal::Unavailable | Refusal::Busy { .. }
            ),
        };
        if happened {
            self.forget_all();
        }
    }

    /// To be taken before the database is asked; `monotonic` is the time of asking.
    pub(crate) fn ticket(&self, monotonic: Duration) -> Ticket {
        Ticket {
            epoch: self.epoch.load(Ordering::Acquire),
            asked_at: monotonic,
        }
    }

    /// What is known of a key, if that is recent enough; expiry and network are checked on each use.
    pub(crate) fn get(
        &self,
        hash: &KeyHash,
        address: Option<IpAddr>,
        monotonic: Duration,
        now: impl FnOnce() -> Timestamp,
    ) -> Option<Hit> {
        let shard = self.read(hash);
        let entry = shard.get(hash)?;
        let age = self.age(entry, monotonic)?;
        let verdict = entry.known.admit(address, now);
        Some(Hit {
            renew: age >= RENEW_AGE
                && verdict.is_ok()
                && !entry.renewing.load(Ordering::Relaxed)
                && !entry.renewing.swap(true, Ordering::Relaxed),
            verdict,
        })
    }

    /// Keeps a finding.
    pub(crate) fn put(&self, hash: KeyHash, ticket: Ticket, known: Arc<Known>) {
        let mut shard = self.write(&hash);
        if shard.len() >= SHARD_CAPACITY && !shard.contains_key(&hash) {
            shard.retain(|_, entry| self.age(entry, ticket.asked_at).is_some());
            if shard.len() >= SHARD_CAPACITY {
                shard.clear();
            }
        }
        let entry = Entry {
            ticket,
            renewing: AtomicBool::new(false),
            known,
        };
        shard.insert(hash, entry);
    }

    /// How old a finding is; `None` where it is void.
    fn age(&self, entry: &Entry, monotonic: Duration) -> Option<Duration> {
        let age = monotonic.saturating_sub(entry.ticket.asked_at);
        (entry.ticket.epoch == self.epoch.load(Ordering::Acquire) && age < MAX_AGE).then_some(age)
    }

    fn shard(&self, hash: &KeyHash) -> &RwLock<Shard> {
        &self.shards[hash.shard() % SHARDS]
    }

    fn read(&self, hash: &KeyHash) -> RwLockReadGuard<'_, Shard> {
        self.shard(hash)
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, hash: &KeyHash) -> RwLockWriteGuard<'_, Shard> {
        self.shard(hash)
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a number that is random already as the hash: a keyed BLAKE3 hash cannot be steered from outside.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_800_014_400);

    fn known(ends_at: Option<Timestamp>) -> Arc<Known> {
        Arc::new(Known {
            principal: Principal::operator(),
            usable_somewhere: true,
            ends_at,
            last_used_at: None,
        })
    }

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn finds(cache: &Credentials, hash: &KeyHash, at: Duration) -> bool {
        cache.get(hash, None, at, || NOON).is_some()
    }

    #[test]
    fn findings_age_from_before_the_question() {
        let cache = Credentials::default();
        let hash = KeyHash::new([7; 32]);
        let ticket = cache.ticket(secs(10.0));
        // The answer took a whole second.
        cache.put(hash, ticket, known(None));
        assert!(finds(&cache, &hash, secs(11.0)));
        assert!(finds(&cache, &hash, secs(11.499)));
        assert!(!finds(&cache, &hash, secs(11.5)));
    }

    #[test]
    fn a_change_voids_what_is_known_and_what_is_being_asked() {
        let cache = Credentials::default();
        let hash = KeyHash::new([7; 32]);
        let early = cache.ticket(secs(1.0));
        cache.put(hash, early, known(None));
        cache.forget_all();
        assert!(!finds(&cache, &hash, secs(1.0)));
        cache.put(hash, early, known(None));
        assert!(!finds(&cache, &hash, secs(1.0)), "asked before the change");
        cache.put(hash, cache.ticket(secs(1.0)), known(None));
        assert!(finds(&cache, &hash, secs(1.0)));
    }

    #[test]
    fn the_whole_hash_counts() {
        let cache = Credentials::default();
        let hash = KeyHash::new([7; 32]);
        cache.put(hash, cache.ticket(secs(0.0)), known(None));
        for at in 0..32 {
            let mut other = [7; 32];
            other[at] ^= 1;
            assert!(
                !finds(&cache, &KeyHash::new(other), secs(0.0)),
                "byte {at} was not compared"
            );
        }
    }

    #[test]
    fn the_end_is_checked_on_each_use() {
        let cache = Credentials::default();
        let hash = KeyHash::new([7; 32]);
        cache.put(hash, cache.ticket(secs(0.0)), known(Some(NOON)));
        let at = |now| {
            cache
                .get(&hash, None, secs(0.0), || now)
                .unwrap()
                .verdict
                .is_ok()
        };
        assert!(at(NOON.saturating_sub(Duration::from_micros(1))));
        assert!(!at(NOON));
    }

    #[test]
    fn one_use_has_an_old_finding_renewed() {
        let cache = Credentials::default();
        let hash = KeyHash::new([7; 32]);
        cache.put(hash, cache.ticket(secs(0.0)), known(None));
        let renews = |at| cache.get(&hash, None, secs(at), || NOON).unwrap().renew;
        assert!(!renews(0.7));
        assert!(renews(0.8));
        assert!(!renews(0.9));
    }

    #[test]
    fn memory_is_bounded() {
        let cache = Credentials::default();
        for number in 0..u32::try_from(SHARDS * SHARD_CAPACITY * 3).unwrap() {
            let hash = KeyHash::new(*blake3::hash(&number.to_le_bytes()).as_bytes());
            cache.put(hash, cache.ticket(secs(0.0)), known(None));
        }
        let kept: usize = cache.shards.iter().map(|s| s.read().unwrap().len()).sum();
        assert!(kept <= SHARDS * SHARD_CAPACITY, "{kept}");
    }
}

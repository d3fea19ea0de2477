//! A map by id that forgets the idle: memory is bounded by twice the largest number that was busy within a minute.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Below this many nobody is forgotten.
const KEEP_AT_LEAST: usize = 16;
/// Odd, with its bits well spread: the golden ratio.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Something that can be forgotten once it is idle.
pub(crate) trait Resident: Default {
    /// Whether forgetting it would change no answer.
    fn is_idle(&self, now_ms: u64) -> bool;
}

/// Residents by id. Whoever knocks is let in; the idle are shown out whenever their number may have doubled, so that the
/// cost of looking at everyone is spread over as many arrivals.
#[derive(Debug)]
pub(crate) struct Roster<V> {
    by_id: HashMap<u128, V, BuildHasherDefault<IdHasher>>,
    sweep_at: usize,
}

impl<V> Default for Roster<V> {
    fn default() -> Self {
        Self {
            by_id: HashMap::default(),
            sweep_at: KEEP_AT_LEAST,
        }
    }
}

impl<V: Resident> Roster<V> {
    #[inline]
    pub(crate) fn get_or_admit(&mut self, id: u128, now_ms: u64) -> &mut V {
        if self.by_id.len() >= self.sweep_at && !self.by_id.contains_key(&id) {
            self.sweep(now_ms);
        }
        self.by_id.entry(id).or_default()
    }

    #[inline]
    pub(crate) fn get(&mut self, id: u128) -> Option<&mut V> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &V> {
        self.by_id.values()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    #[cold]
    fn sweep(&mut self, now_ms: u64) {
        self.by_id.retain(|_, resident| !resident.is_idle(now_ms));
        self.sweep_at = (self.by_id.len() * 2).max(KEEP_AT_LEAST);
        self.by_id.shrink_to(self.sweep_at);
    }
}

/// Hashes ids. They are made by the product, from random bits, so nobody can choose them to collide; one multiplication
/// spreads them.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(SPREAD);
        }
    }

    #[inline]
    fn write_u128(&mut self, id: u128) {
        let product = u128::from(halves(id)) * u128::from(SPREAD);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

/// Which lock an id belongs to. From other bits of the product than the map beneath uses, so that the ids of one shard still
/// spread.
#[inline]
pub(crate) fn shard_of(id: u128) -> usize {
    (halves(id).wrapping_mul(SPREAD).rotate_left(23) >> 32) as usize
}

#[inline]
fn halves(id: u128) -> u64 {
    // The halves are turned against each other, so that two ids which differ alike in both do not meet.
    (id >> 64) as u64 ^ (id as u64).rotate_left(32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use voxgate_domain::OrgId;

    #[derive(Default)]
    struct Guest {
        busy_until: u64,
    }

    impl Resident for Guest {
        fn is_idle(&self, now_ms: u64) -> bool {
            self.busy_until <= now_ms
        }
    }

    #[test]
    fn only_the_idle_are_forgotten() {
        let mut roster = Roster::<Guest>::default();
        roster.get_or_admit(u128::MAX, 0).busy_until = u64::MAX;
        for id in 0..100_000_u128 {
            roster.get_or_admit(id, id as u64).busy_until = id as u64 + 100;
            assert!(roster.len() <= 2 * 101 + KEEP_AT_LEAST, "{id}");
        }
        assert!(roster.get(u128::MAX).is_some());
        assert!(roster.get(99_999).is_some());
        assert!(roster.get(0).is_none());
    }

    #[test]
    fn ids_spread_over_shards_and_hashes() {
        let ids: Vec<u128> = (0..4096)
            .map(|_| OrgId::generate().as_uuid().as_u128())
            .collect();
        let mut shards = [0_u32; 256];
        let mut hashes = HashSet::new();
        for &id in &ids {
            shards[shard_of(id) % 256] += 1;
            let mut hasher = IdHasher::default();
            hasher.write_u128(id);
            hashes.insert(hasher.finish());
        }
        assert_eq!(hashes.len(), ids.len());
        // 16 expected in each; 48 is eight standard deviations away.
        assert!(shards.iter().all(|count| *count < 48), "{shards:?}");
    }
}

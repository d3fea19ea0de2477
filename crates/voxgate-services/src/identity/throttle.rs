//! Brakes on guessing passwords. A pause that grows with each failure, per account and client address and per client
//! address; the arithmetic is pure, the counts live in the database and so hold over restarts and processes.

use std::net::IpAddr;
use std::time::Duration;

use voxgate_domain::{LimitKind, LimitRefusal, LimitScope, Timestamp};
use voxgate_store::throttle::{self, Failures};
use voxgate_store::{Db, StoreError, Tx};

use crate::ThrottleConfig;
use crate::secrets::Hashes;

/// What one attempt is counted under, and how many failures each forgives.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    account: Vec<u8>,
    address: Option<Vec<u8>>,
}

impl Subjects {
    /// A loopback address says nothing about who is calling (a proxy on the same machine, the operator), so it is not
    /// braked as an address; accounts seen through it are.
    pub(crate) fn new(hashes: &Hashes, email_key: &str, client: Option<IpAddr>) -> Self {
        let client = client.map(|address| address.to_canonical());
        let name = client.map_or_else(String::new, network_of);
        Self {
            account: hashes.throttle(&["account", email_key, &name]),
            address: client
                .filter(|address| !address.is_loopback())
                .map(|_| hashes.throttle(&["address", &name])),
        }
    }

    fn with_allowance(&self, config: &ThrottleConfig) -> impl Iterator<Item = (&[u8], u32)> {
        let account = (self.account.as_slice(), config.free_failures_per_account);
        let address = self
            .address
            .as_deref()
            .map(|subject| (subject, config.free_failures_per_address));
        std::iter::once(account).chain(address)
    }

    /// Whether an attempt must wait.
    pub(crate) async fn refusal(
        &self,
        db: &Db,
        config: &ThrottleConfig,
        now: Timestamp,
    ) -> Result<Option<LimitRefusal>, StoreError> {
        let mut longest: Option<LimitRefusal> = None;
        for (subject, allowance) in self.with_allowance(config) {
            let Some(known) = throttle::get(db, subject).await? else {
                continue;
            };
            let wait = pause_left(&known, config, now);
            if wait > longest.map_or(Duration::ZERO, |refusal| refusal.retry_after) {
                longest = Some(LimitRefusal {
                    kind: LimitKind::LoginAttempts,
                    scope: LimitScope::Organization,
                    limit: u64::from(allowance),
                    remaining: 0,
                    reset: now.saturating_add(wait),
                    retry_after: wait,
                });
            }
        }
        Ok(longest)
    }

    /// Records a failure.
    pub(crate) async fn record_failure(
        &self,
        tx: &mut Tx<'_>,
        config: &ThrottleConfig,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for (subject, allowance) in self.with_allowance(config) {
            let known = throttle::get_in(tx, subject).await?;
            let next = after_failure(known.as_ref(), allowance, config, now);
            throttle::put(tx, subject, &next).await?;
        }
        Ok(())
    }

    /// Forgets the account's failures from this address. Those of the address stay: one good login must not buy more
    /// guesses at other accounts.
    pub(crate) async fn record_success(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        throttle::clear(tx, &self.account).await
    }
}

/// IPv4 addresses one by one; IPv6 by their /64, because one subscriber has that many.
fn network_of(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let segments = address.segments();
            format!(
                "{:x}:{:x}:{:x}:{:x}::/64",
                segments[0], segments[1], segments[2], segments[3]
            )
        }
    }
}

fn pause_left(known: &Failures, config: &ThrottleConfig, now: Timestamp) -> Duration {
    // A failure in the future means that the clock was set back; nobody is locked out for that.
    if known.last_failure_at > now {
        return Duration::ZERO;
    }
    known.blocked_until.since(now).min(config.longest_pause)
}

fn after_failure(
    known: Option<&Failures>,
    allowance: u32,
    config: &ThrottleConfig,
    now: Timestamp,
) -> Failures {
    let before = known
        .filter(|known| now.since(known.last_failure_at) < config.forget_after)
        .map_or(0, |known| known.failures);
    let failures = before.saturating_add(1);
    let pause = match failures.checked_sub(allowance) {
        None | Some(0) => Duration::ZERO,
        Some(excess) => config
            .first_pause
            .saturating_mul(2_u32.saturating_pow(excess - 1))
            .min(config.longest_pause),
    };
    Failures {
        failures,
        last_failure_at: now,
        blocked_until: now.saturating_add(pause),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn pauses_begin_after_the_allowance_and_double() {
        let config = ThrottleConfig::default();
        let mut known = None;
        let mut pauses = Vec::new();
        for _ in 0..25 {
            let next = after_failure(known.as_ref(), 10, &config, NOW);
            pauses.push(pause_left(&next, &config, NOW).as_secs());
            known = Some(next);
        }
        assert_eq!(pauses[..10], [0; 10]);
        assert_eq!(pauses[10..14], [1, 2, 4, 8]);
        assert_eq!(pauses[24], config.longest_pause.as_secs());
    }

    #[test]
    fn failures_are_forgotten() {
        let config = ThrottleConfig::default();
        let old = Failures {
            failures: 500,
            last_failure_at: NOW,
            blocked_until: NOW,
        };
        let later = NOW.saturating_add(config.forget_after);
        assert_eq!(after_failure(Some(&old), 10, &config, later).failures, 1);
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let config = ThrottleConfig::default();
        let known = Failures {
            failures: 500,
            last_failure_at: NOW,
            blocked_until: NOW.saturating_add(config.longest_pause),
        };
        let yesterday = NOW.saturating_sub(Duration::from_secs(86_400));
        assert_eq!(pause_left(&known, &config, yesterday), Duration::ZERO);
    }

    #[test]
    fn neighbours_in_one_ipv6_network_share_a_subject() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}

//! What many times look like together.

use serde::Serialize;

/// A distribution of times, in milliseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Distribution {
    /// Arithmetic mean.
    pub mean_ms: f64,
    /// Half were faster.
    pub p50_ms: f64,
    /// 90 % were faster.
    pub p90_ms: f64,
    /// 99 % were faster.
    pub p99_ms: f64,
    /// 99.9 % were faster.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

impl Distribution {
    /// Of any number of times; zero everywhere of none.
    pub(super) fn of(mut times: Vec<u64>) -> Self {
        if times.is_empty() {
            return Self::default();
        }
        times.sort_unstable();
        let ms = |nanoseconds: f64| nanoseconds / 1e6;
        // Nearest rank: the smallest value that at least this share does not exceed.
        let at = |share: f64| {
            let rank = (share * times.len() as f64).ceil() as usize;
            ms(times[rank.clamp(1, times.len()) - 1] as f64)
        };
        let sum: u128 = times.iter().copied().map(u128::from).sum();
        Self {
            mean_ms: ms(sum as f64 / times.len() as f64),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: at(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let d = Distribution::of((1..=1000).map(|ms| ms * 1_000_000).rev().collect());
        assert_eq!((d.p50_ms, d.p99_ms, d.p999_ms), (500.0, 990.0, 999.0));
        assert_eq!((d.max_ms, d.mean_ms), (1000.0, 500.5));
    }
}

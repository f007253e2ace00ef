//! When the next trigger fires: pure arithmetic.

use std::time::Duration;

/// The first multiple of the interval after `now`, in milliseconds since 1970 in UTC.
///
/// A tick that an epoch overran lies in the past when the epoch ends, so the next one begins at
/// once and the ticks after it are aligned again.
pub fn next_tick(now: i64, interval: Duration) -> i64 {
    match i64::try_from(interval.as_millis()) {
        Ok(0) => now,
        Ok(interval) => now.div_euclid(interval).saturating_add(1).saturating_mul(interval),
        Err(_) => i64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_multiples_of_the_interval() {
        let two = Duration::from_secs(2);
        assert_eq!(next_tick(4_154, two), 6_000);
        assert_eq!(next_tick(6_000, two), 8_000);
        assert_eq!(next_tick(5, Duration::ZERO), 5);
    }
}

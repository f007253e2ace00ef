//! Where time comes from.

use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use tokio::sync::watch;

/// Wall time and waiting. Everything in the crate that asks for the time asks a clock.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Milliseconds since 1970 in UTC.
    fn now_millis(&self) -> i64;

    /// Returns when [`Clock::now_millis`] has reached `millis`; at once if it has already.
    ///
    /// # Cancel safety
    /// Dropping the future has no effect.
    fn sleep_until(&self, millis: i64) -> BoxFuture<'static, ()>;
}

/// The time of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_millis(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep_until(&self, millis: i64) -> BoxFuture<'static, ()> {
        let wait = u64::try_from(millis.saturating_sub(self.now_millis())).unwrap_or(0);
        Box::pin(tokio::time::sleep(Duration::from_millis(wait)))
    }
}

/// A clock that stands still until it is told to move; for tests.
#[derive(Debug, Clone)]
pub struct ManualClock {
    now: Arc<watch::Sender<i64>>,
}

impl ManualClock {
    /// A clock that shows `millis` since 1970 in UTC.
    pub fn new(millis: i64) -> Self {
        Self { now: Arc::new(watch::Sender::new(millis)) }
    }

    /// Moves the clock forward and wakes whoever waited for that time.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.now.send_modify(|now| *now = now.saturating_add(by));
    }
}

impl Clock for ManualClock {
    fn now_millis(&self) -> i64 {
        *self.now.borrow()
    }

    fn sleep_until(&self, millis: i64) -> BoxFuture<'static, ()> {
        let mut now = self.now.subscribe();
        let clock = self.clone();
        Box::pin(async move {
            // The clock is held until the time has come, so the sender cannot go away.
            let _held = clock;
            let _reached = now.wait_for(|now| *now >= millis).await;
        })
    }
}

/// Measures how long something takes, in real time whatever the [`Clock`] says.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Durations by name, in the order in which they were first added.
#[derive(Debug, Default)]
pub struct Durations(Mutex<Vec<(&'static str, Duration)>>);

impl Durations {
    /// Adds `took` to what `name` has so far.
    pub fn add(&self, name: &'static str, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += took,
            None => all.push((name, took)),
        }
    }

    /// Takes all durations out.
    pub fn take(&self) -> Vec<(&'static str, Duration)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

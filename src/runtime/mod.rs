//! The only door to tokio and to the clock: tasks that end with their owner, time that tests can
//! own, and a stop signal that many can wait for.
#![expect(clippy::disallowed_methods, reason = "the one door to tokio and the clock")]
#![expect(clippy::disallowed_types, reason = "the one door to tokio and the clock")]

pub mod clock;
pub mod shutdown;
pub mod stack;
pub mod task;

pub use clock::{Clock, ManualClock, SystemClock};

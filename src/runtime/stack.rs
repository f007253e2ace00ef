//! Room for deep recursion: what goes through the tree of a query calls itself for each level of it,
//! and the threads of a host program have little stack.

use std::future::{self, Future};
use std::pin::pin;

/// With less than this left, more stack is made.
const ENOUGH: usize = 64 * 1024 * 1024;

/// How much is made. Memory is taken only for what is used of it.
const ROOM: usize = 256 * 1024 * 1024;

/// Runs `work` with room on the stack.
pub fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ENOUGH, ROOM, work)
}

/// The same for a future: whenever it is polled there is room.
pub async fn polled_with_room<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    future::poll_fn(|context| with_room(|| work.as_mut().poll(context))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(levels: u32) -> u32 {
        let kept = [levels; 256];
        if levels == 0 { kept[0] } else { depth(levels - 1) + kept[255] / levels }
    }

    #[tokio::test]
    async fn a_thread_with_little_stack_has_room() {
        // Some 50 MB, on a thread of 2.
        assert_eq!(with_room(|| depth(40_000)), 40_000);
        assert_eq!(polled_with_room(async { depth(40_000) }).await, 40_000);
    }
}

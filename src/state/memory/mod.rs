//! The state of one partition in memory: a hash table over row-encoded keys that can return to
//! the version before.
//!
//! ```text
//! store      hands out batches and writes the changelog
//! partition  Arrow columns in, Arrow columns out; remembers what changed
//! table      keys to slots, with an undo log of the epoch
//! arena      the bytes of keys and values        time_index  slots by event time
//! ```

mod arena;
pub(super) mod partition;
pub(super) mod store;
mod table;
mod time_index;

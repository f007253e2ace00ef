//! The keys of a table: a slot for each, found by hash.
//!
//! Two memory accesses find a key: an entry of the index, which has half of the hash beside the
//! number of the slot, and the slot, which has the key. Whole batches are looked up at once, so
//! that the processor waits for many of them at the same time.

use hashbrown::HashTable;

use crate::checkpoint::key_group::key_hash;
use crate::error::Result;
use crate::state::memory::arena::{Arena, Extent, too_large};
use crate::state::memory::chunked::Chunked;
use crate::state::row_codec::EncodedRows;

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

/// How many slots are looked at together.
const BLOCK: usize = 64;

/// Keys up to this length are in the slot itself.
const SHORT: usize = 16;

/// The length of a key that is not in the slot.
const LONG: u8 = u8::MAX;

/// The key of a row, and where the epoch keeps what it did to the row.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The bytes of a short key, filled up with zeros. Of a long one the extent, then the hash.
    key: [u64; 2],
    /// The entry of the overlay, if that entry says so, too.
    entry: u32,
    len: u8,
    stored: bool,
}

/// The keys of a table.
#[derive(Debug, Default)]
pub(super) struct Slots {
    slots: Chunked<Slot>,
    free: Vec<u32>,
    /// The upper half of the hash, then the slot.
    index: HashTable<u64>,
    long_keys: Arena,
    stored: usize,
}

impl Slots {
    /// Finds the slots of keys by half of their hashes alone: none that is missing here is there,
    /// but one that is found may have another key, until it is [confirmed](Self::confirm).
    pub(super) fn candidates(&self, hashes: &[u64], found: &mut Vec<u32>) {
        found.clear();
        found.extend(hashes.iter().map(|hash| {
            let half = half_of(*hash);
            self.index.find(spread(half), |entry| (entry >> 32) as u32 == half).map_or(
                NONE,
                |entry| {
                    // The lower half is the slot.
                    *entry as u32
                },
            )
        }));
    }

    /// Of candidates those that have their key; the others become [`NONE`]. The loads of slots do
    /// not wait for one another.
    pub(super) fn confirm(&self, hashes: &[u64], keys: &EncodedRows, found: &mut [u32]) {
        let Some(any) = self.slots.first() else { return };
        let mut copies = [*any; BLOCK];
        for (block, candidates) in found.chunks_mut(BLOCK).enumerate() {
            for (copy, at) in copies.iter_mut().zip(candidates.iter()) {
                *copy = self.slots.get(if *at == NONE { 0 } else { *at });
            }
            let start = block * BLOCK;
            for (row, (slot, at)) in (start..).zip(copies.iter().zip(candidates)) {
                if *at != NONE && !self.is_key(slot, hashes[row], keys.get(row)) {
                    *at = NONE;
                }
            }
        }
    }

    /// Finds the slot of a key.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        let half = half_of(hash);
        let is_it =
            |entry: &u64| (entry >> 32) as u32 == half && self.has_key(*entry as u32, hash, key);
        self.index.find(spread(half), is_it).map(|entry| *entry as u32)
    }

    /// Whether a slot has this key.
    fn has_key(&self, at: u32, hash: u64, key: &[u8]) -> bool {
        self.is_key(self.slots.get_ref(at), hash, key)
    }

    fn is_key(&self, slot: &Slot, hash: u64, key: &[u8]) -> bool {
        if key.len() <= SHORT {
            return slot.len as usize == key.len() && slot.key == padded(key);
        }
        slot.len == LONG && slot.key[1] == hash && self.long_keys.get(extent_of(slot)) == key
    }

    /// Makes a slot for a key that has none; its row is not stored yet.
    pub(super) fn insert(&mut self, hash: u64, key: &[u8]) -> Result<u32> {
        let (key, len) = match u8::try_from(key.len()) {
            Ok(len) if usize::from(len) <= SHORT => (padded(key), len),
            _ => ([self.long_keys.store(key)?.pack(), hash], LONG),
        };
        let slot = Slot { key, entry: NONE, len, stored: false };
        let at = match self.free.pop() {
            Some(at) => {
                *self.slots.get_mut(at) = slot;
                at
            }
            None => {
                let at = u32::try_from(self.slots.len()).ok().filter(|at| *at < NONE);
                let at = at.ok_or_else(too_large)?;
                self.slots.push(slot);
                at
            }
        };
        let half = half_of(hash);
        let entry = u64::from(half) << 32 | u64::from(at);
        self.index.insert_unique(spread(half), entry, |entry| spread((entry >> 32) as u32));
        Ok(at)
    }

    /// Gives up a slot.
    pub(super) fn release(&mut self, at: u32) {
        let half = half_of(self.hash(at));
        if let Ok(entry) = self.index.find_entry(spread(half), |entry| *entry as u32 == at) {
            entry.remove();
        }
        self.set_stored(at, false);
        let slot = self.slots.get(at);
        if slot.len == LONG {
            self.long_keys.free(extent_of(&slot));
        }
        self.free.push(at);
    }

    /// Calls `use_key` with the key of a slot.
    pub(super) fn with_key<T>(&self, at: u32, use_key: impl FnOnce(&[u8]) -> T) -> T {
        let slot = self.slots.get_ref(at);
        if slot.len == LONG {
            return use_key(self.long_keys.get(extent_of(slot)));
        }
        let mut bytes = [0; SHORT];
        bytes[..8].copy_from_slice(&slot.key[0].to_le_bytes());
        bytes[8..].copy_from_slice(&slot.key[1].to_le_bytes());
        use_key(&bytes[..slot.len as usize])
    }

    /// The hash of the key of a slot.
    pub(super) fn hash(&self, at: u32) -> u64 {
        let slot = self.slots.get_ref(at);
        if slot.len == LONG { slot.key[1] } else { self.with_key(at, key_hash) }
    }

    /// The entry that a slot was given last.
    pub(super) fn entry(&self, at: u32) -> u32 {
        self.slots.get_ref(at).entry
    }

    /// Gives a slot an entry, and says whether its row is stored.
    pub(super) fn set_entry(&mut self, at: u32, entry: u32) -> bool {
        let slot = self.slots.get_mut(at);
        slot.entry = entry;
        slot.stored
    }

    /// Whether the row of a slot is stored.
    pub(super) fn is_stored(&self, at: u32) -> bool {
        self.slots.get_ref(at).stored
    }

    /// Says whether the row of a slot is stored.
    pub(super) fn set_stored(&mut self, at: u32, stored: bool) {
        let slot = self.slots.get_mut(at);
        match (std::mem::replace(&mut slot.stored, stored), stored) {
            (false, true) => self.stored += 1,
            (true, false) => self.stored -= 1,
            _ => (),
        }
    }

    /// How many rows are stored.
    pub(super) const fn stored(&self) -> usize {
        self.stored
    }

    /// Slots, those in use and those that are free.
    pub(super) const fn len(&self) -> usize {
        self.slots.len()
    }

    /// Slots that are free.
    pub(super) fn free(&self) -> usize {
        self.free.len()
    }

    /// The bytes of long keys in use, and those that are free between them.
    pub(super) fn usage(&self) -> (usize, usize) {
        self.long_keys.usage()
    }

    /// About the bytes that the index takes more when it makes room for so many keys.
    pub(super) fn growth(&self, more: usize) -> usize {
        if self.index.capacity() - self.index.len() >= more {
            return 0;
        }
        // An eighth stays empty, and each entry has a byte beside it.
        let entries = ((self.index.len() + more) * 8).div_ceil(7).next_power_of_two();
        (entries * (size_of::<u64>() + 1)).saturating_sub(self.index.allocation_size())
    }

    /// The bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.slots.memory()
            + self.free.capacity() * size_of::<u32>()
            + self.index.allocation_size()
            + self.long_keys.capacity()
    }
}

/// The half of a hash that the index goes by: the lowest bits are the key group, of which a
/// partition has only some.
const fn half_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// A hash for the index of half a hash.
const fn spread(half: u32) -> u64 {
    (half as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

const fn extent_of(slot: &Slot) -> Extent {
    Extent::unpack(slot.key[0])
}

/// A short key, filled up with zeros. Encoded keys end where they say, so that none is another one
/// and zeros.
fn padded(key: &[u8]) -> [u64; 2] {
    let word = |at: usize| key[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
    match key.len() {
        8 => [word(0), 0],
        len @ 9..=SHORT => [word(0), word(len - 8) >> (8 * (SHORT - len))],
        _ => {
            let mut bytes = [0; 8];
            bytes[..key.len()].copy_from_slice(key);
            [u64::from_le_bytes(bytes), 0]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_are_found_and_come_back() {
        let keys: Vec<Vec<u8>> = (0..40).map(|len| (1..=len).collect()).collect();
        let mut slots = Slots::default();
        let made: Vec<u32> =
            keys.iter().map(|key| slots.insert(key_hash(key), key).unwrap()).collect();
        for (key, at) in keys.iter().zip(&made) {
            assert_eq!(slots.find(key_hash(key), key), Some(*at));
            assert_eq!(slots.hash(*at), key_hash(key));
            slots.with_key(*at, |found| assert_eq!(found, key));
        }
        slots.release(made[3]);
        slots.release(made[30]);
        assert_eq!(slots.find(key_hash(&keys[3]), &keys[3]), None);
        assert_eq!(slots.insert(key_hash(&keys[30]), &keys[30]).unwrap(), made[30]);
        assert_eq!((slots.len(), slots.free()), (40, 1));
    }

    #[test]
    fn half_a_hash_that_two_keys_share_gives_a_candidate_only() {
        let mut slots = Slots::default();
        let at = slots.insert(7 << 32 | 1, b"one").unwrap();
        let mut found = vec![];
        slots.candidates(&[7 << 32 | 2, 8 << 32], &mut found);
        assert_eq!(found, [at, NONE]);
        assert!(!slots.has_key(at, 7 << 32 | 2, b"two"));
        assert_eq!(slots.find(7 << 32 | 2, b"two"), None);
        let other = slots.insert(7 << 32 | 2, b"two").unwrap();
        assert_eq!(slots.find(7 << 32 | 2, b"two"), Some(other));
        assert_eq!(slots.find(7 << 32 | 1, b"one"), Some(at));
    }
}

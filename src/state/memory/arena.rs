//! One growing buffer with the bytes of all keys and values.
//!
//! An extent takes whole units of eight bytes. Freed extents are chained through their own bytes,
//! one chain for each length, so that a state of fixed width is rewritten for ever in the space
//! that it has. The chains need no memory of their own.

use std::collections::HashMap;

use datafusion::error::DataFusionError;

use crate::error::{Error, Result};
use crate::state::memory::exhausted;

/// Bytes in a unit: as much as the link of a free extent needs, and 32 GiB reach in a `u32`.
const UNIT: usize = 8;

/// Lengths in units up to which the chain of free extents is found without hashing.
const SMALL: usize = 64;

/// The end of a chain. No extent can begin here: the last unit stays unused.
const NONE: u32 = u32::MAX;

/// Where some bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    unit: u32,
    len: u32,
}

impl Extent {
    /// No bytes.
    pub(super) const EMPTY: Self = Self { unit: 0, len: 0 };

    const fn start(self) -> usize {
        self.unit as usize * UNIT
    }

    const fn units(self) -> usize {
        (self.len as usize).div_ceil(UNIT)
    }

    /// The extent as one number.
    pub(super) const fn pack(self) -> u64 {
        (self.unit as u64) << 32 | self.len as u64
    }

    /// The extent that [`pack`](Self::pack) made a number of.
    pub(super) const fn unpack(packed: u64) -> Self {
        Self { unit: (packed >> 32) as u32, len: packed as u32 }
    }
}

/// The buffer.
#[derive(Debug)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    small: [u32; SMALL + 1],
    large: HashMap<usize, u32>,
    free_units: usize,
}

impl Default for Arena {
    fn default() -> Self {
        Self { bytes: vec![], small: [NONE; SMALL + 1], large: HashMap::new(), free_units: 0 }
    }
}

impl Arena {
    /// The bytes of an extent.
    pub(super) fn get(&self, extent: Extent) -> &[u8] {
        let start = extent.start();
        &self.bytes[start..start + extent.len as usize]
    }

    /// Copies bytes into a free or a fresh extent, for which the buffer grows where it has to.
    pub(super) fn store(&mut self, data: &[u8]) -> Result<Extent> {
        if let Some(extent) = self.write(data) {
            return Ok(extent);
        }
        let capacity = self.next_capacity(data.len()).ok_or_else(too_large)?;
        self.bytes.reserve_exact(capacity.saturating_sub(self.bytes.len()));
        self.write(data).ok_or_else(too_large)
    }

    /// Copies bytes into a free or a fresh extent; `None` when the buffer has to grow first.
    fn write(&mut self, data: &[u8]) -> Option<Extent> {
        let len = u32::try_from(data.len()).ok()?;
        let units = data.len().div_ceil(UNIT);
        if units == 0 {
            return Some(Extent::EMPTY);
        }
        if let Some(unit) = self.take_free(units) {
            let extent = Extent { unit, len };
            self.overwrite(extent, data);
            return Some(extent);
        }
        let start = self.bytes.len();
        if start + units * UNIT > self.bytes.capacity() {
            return None;
        }
        let unit = u32::try_from(start / UNIT).ok().filter(|unit| *unit != NONE)?;
        self.bytes.extend_from_slice(data);
        self.bytes.resize(start + units * UNIT, 0);
        Some(Extent { unit, len })
    }

    /// Copies bytes of the same length over those of an extent.
    pub(super) fn overwrite(&mut self, extent: Extent, data: &[u8]) {
        let start = extent.start();
        self.bytes[start..start + data.len()].copy_from_slice(data);
    }

    /// Gives an extent back.
    pub(super) fn free(&mut self, extent: Extent) {
        let units = extent.units();
        if units == 0 {
            return;
        }
        let next = match self.small.get_mut(units) {
            Some(head) => std::mem::replace(head, extent.unit),
            None => self.large.insert(units, extent.unit).unwrap_or(NONE),
        };
        let start = extent.start();
        self.bytes[start..start + size_of::<u32>()].copy_from_slice(&next.to_le_bytes());
        self.free_units += units;
    }

    /// The capacity that makes room for `more` bytes, or `None` when no buffer can be so large.
    fn next_capacity(&self, more: usize) -> Option<usize> {
        const LEAST: usize = 4096;
        const MOST: usize = NONE as usize * UNIT;
        let needed = self.bytes.len() + more.next_multiple_of(UNIT);
        let capacity = self.bytes.capacity();
        let wanted = needed.max(capacity + capacity / 2).clamp(LEAST, MOST);
        (wanted >= needed && more <= u32::MAX as usize).then_some(wanted)
    }

    /// The bytes that the buffer takes.
    pub(super) const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes in use, and those that are free between them.
    pub(super) const fn usage(&self) -> (usize, usize) {
        let free = self.free_units * UNIT;
        (self.bytes.len() - free, free)
    }

    fn take_free(&mut self, units: usize) -> Option<u32> {
        let unit = match self.small.get(units) {
            Some(head) => *head,
            None => self.large.get(&units).copied().unwrap_or(NONE),
        };
        if unit == NONE {
            return None;
        }
        let start = unit as usize * UNIT;
        let mut link = [0; size_of::<u32>()];
        link.copy_from_slice(&self.bytes[start..start + size_of::<u32>()]);
        let next = u32::from_le_bytes(link);
        match self.small.get_mut(units) {
            Some(head) => *head = next,
            None if next == NONE => {
                self.large.remove(&units);
            }
            None => {
                self.large.insert(units, next);
            }
        }
        self.free_units -= units;
        Some(unit)
    }
}

/// The error for a partition that holds no more.
pub(super) fn too_large() -> Error {
    exhausted(DataFusionError::ResourcesExhausted(
        "one partition holds up to 32 GiB and 4 billion rows; use more partitions".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(arena: &mut Arena, data: &[u8]) -> Extent {
        arena.store(data).unwrap()
    }

    #[test]
    fn freed_space_is_used_again_for_the_same_length() {
        let mut arena = Arena::default();
        for len in [1, 9, 8 * SMALL, 8 * SMALL + 1, 5000] {
            let data = vec![7; len];
            let (a, b) = (write(&mut arena, &data), write(&mut arena, &data));
            arena.free(a);
            arena.free(b);
            let before = arena.bytes.len();
            let again = [write(&mut arena, &data), write(&mut arena, &data)];
            assert_eq!(again, [b, a]);
            assert_eq!((arena.bytes.len(), arena.usage().1), (before, 0));
            assert_eq!(arena.get(again[0]), data);
        }
    }

    #[test]
    fn no_bytes_take_no_space() {
        let mut arena = Arena::default();
        let empty = arena.store(b"").unwrap();
        arena.free(empty);
        assert_eq!((arena.get(empty), arena.usage()), (b"".as_slice(), (0, 0)));
    }
}

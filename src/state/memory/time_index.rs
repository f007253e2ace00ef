//! The rows of a table by event time: what to evict is found at the front.
//!
//! Rows of one time form a chain through an array beside the slots, so that a row is added and
//! removed without a search among the rows of its time. The index holds exactly the rows that are
//! there; a removed one leaves nothing behind.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The end of a chain.
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Link {
    time: i64,
    previous: u32,
    next: u32,
}

/// The bytes of a slot in the index, beside those of its time.
pub(super) const LINK_BYTES: usize = size_of::<Link>();

/// Slots by event time in microseconds.
#[derive(Debug, Default)]
pub(super) struct TimeIndex {
    heads: BTreeMap<i64, u32>,
    links: Vec<Link>,
}

impl TimeIndex {
    /// Adds a slot that is not in the index.
    pub(super) fn insert(&mut self, slot: u32, time: i64) {
        let at = slot as usize;
        if at >= self.links.len() {
            self.links.resize(at + 1, Link { time: 0, previous: NONE, next: NONE });
        }
        let next = match self.heads.entry(time) {
            Entry::Vacant(head) => {
                head.insert(slot);
                NONE
            }
            Entry::Occupied(mut head) => head.insert(slot),
        };
        self.links[at] = Link { time, previous: NONE, next };
        if let Some(link) = self.links.get_mut(next as usize) {
            link.previous = slot;
        }
    }

    /// Makes room for slots below `slots`.
    pub(super) fn reserve(&mut self, slots: usize) {
        self.links.reserve_exact(slots.saturating_sub(self.links.len()));
    }

    /// The time that a slot had when it was added last.
    pub(super) fn time_of(&self, slot: u32) -> i64 {
        self.links[slot as usize].time
    }

    /// Takes a slot out that is in the index.
    pub(super) fn remove(&mut self, slot: u32) {
        let Link { time, previous, next } = self.links[slot as usize];
        if let Some(link) = self.links.get_mut(next as usize) {
            link.previous = previous;
        }
        match self.links.get_mut(previous as usize) {
            Some(link) => link.next = next,
            None if next == NONE => {
                self.heads.remove(&time);
            }
            None => {
                self.heads.insert(time, next);
            }
        }
    }

    /// The slots at or before a time, the earliest time first.
    pub(super) fn until(&self, time: i64) -> Vec<u32> {
        let mut slots = vec![];
        for head in self.heads.range(..=time).map(|(_, head)| *head) {
            let mut slot = head;
            while let Some(link) = self.links.get(slot as usize) {
                slots.push(slot);
                slot = link.next;
            }
        }
        slots
    }

    /// About the bytes that the index takes.
    pub(super) fn memory(&self) -> usize {
        // A node of the tree is two thirds full on average.
        let heads = self.heads.len() * size_of::<(i64, u32)>() * 3 / 2;
        self.links.capacity() * size_of::<Link>() + heads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_out_by_time_and_removed_ones_do_not() {
        let mut index = TimeIndex::default();
        for (slot, time) in [(0, 5), (1, -3), (2, 5), (3, 5), (4, 9)] {
            index.insert(slot, time);
        }
        index.remove(2); // In the middle.
        assert_eq!(index.until(5), [1, 3, 0]);
        index.remove(3); // At the head.
        index.remove(0); // The last of its time.
        index.insert(0, 9);
        assert_eq!(index.until(8), [1]);
        assert_eq!(index.until(9), [1, 0, 4]);
    }
}

//! The rows of a table by event time: what to evict is found at the front.
//!
//! A row that was removed or got another time stays in the index until its time is evicted, so
//! that nothing is searched for when it goes. Who reads the index checks each row.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The time of a row that has none. It is never evicted.
pub(super) const NO_TIME: i64 = i64::MIN;

/// Slots by event time in microseconds.
#[derive(Debug, Default)]
pub(super) struct Times {
    slots: BTreeMap<i64, AtTime>,
    len: usize,
    more_memory: usize,
}

/// The slots of one time. Most times have one, or very many.
#[derive(Debug)]
enum AtTime {
    One(u32),
    Many(Vec<u32>),
}

impl AtTime {
    fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(slot) => std::slice::from_ref(slot),
            Self::Many(slots) => slots,
        }
    }
}

impl Times {
    /// Adds a slot.
    pub(super) fn add(&mut self, slot: u32, time: i64) {
        if time == NO_TIME {
            return;
        }
        self.len += 1;
        match self.slots.entry(time) {
            Entry::Vacant(entry) => {
                entry.insert(AtTime::One(slot));
            }
            Entry::Occupied(mut entry) => match entry.get_mut() {
                AtTime::One(first) => {
                    let slots = vec![*first, slot];
                    self.more_memory += slots.capacity() * size_of::<u32>();
                    entry.insert(AtTime::Many(slots));
                }
                AtTime::Many(slots) => {
                    let before = slots.capacity();
                    slots.push(slot);
                    self.more_memory += (slots.capacity() - before) * size_of::<u32>();
                }
            },
        }
    }

    /// The slots with a time at or before `time`, the earliest first, each with its time. A slot
    /// may come twice.
    pub(super) fn until(&self, time: i64) -> impl Iterator<Item = (u32, i64)> {
        self.slots
            .range(..=time)
            .flat_map(|(time, slots)| slots.as_slice().iter().map(|slot| (*slot, *time)))
    }

    /// Forgets all slots with a time at or before `time`.
    pub(super) fn forget_until(&mut self, time: i64) {
        while let Some(first) = self.slots.first_entry()
            && *first.key() <= time
        {
            let slots = first.remove();
            self.len -= slots.as_slice().len();
            if let AtTime::Many(slots) = slots {
                self.more_memory -= slots.capacity() * size_of::<u32>();
            }
        }
    }

    /// How many slots there are, those that are there no more included.
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// About the bytes of memory.
    pub(super) fn memory(&self) -> usize {
        // A node of the tree is two thirds full on average.
        self.slots.len() * size_of::<(i64, AtTime)>() * 3 / 2 + self.more_memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_out_by_time() {
        let mut times = Times::default();
        for (slot, time) in [(0, 5), (1, -3), (2, 5), (3, NO_TIME), (4, 9), (5, 5)] {
            times.add(slot, time);
        }
        let due: Vec<_> = times.until(5).collect();
        assert_eq!(due, [(1, -3), (0, 5), (2, 5), (5, 5)]);
        times.forget_until(5);
        assert_eq!(times.until(i64::MAX).collect::<Vec<_>>(), [(4, 9)]);
        assert_eq!((times.len(), times.more_memory), (1, 0));
    }
}

//! What an epoch does to a table, beside what is stored.
//!
//! Each key that the epoch touches gets an *entry*, numbered from 0 in the order in which keys
//! come. The stored rows stay as they are until the next epoch begins; then the entries are put
//! into the table, or dropped when the epoch has to be done again.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;

use crate::error::Result;
use crate::state::memory::columns::Columns;
use crate::state::memory::slots::Slots;
use crate::state::memory::times::NO_TIME;

/// What the epoch did to the row of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing: the row is what is stored, if one is.
    None,
    /// The row is the one of the overlay.
    Written,
    /// There is no row.
    Removed,
}

/// An entry, without its key and its values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) slot: u32,
    pub(super) change: Change,
    /// The key group.
    pub(super) group: u8,
    /// Whether a row is stored.
    pub(super) stored: bool,
    /// Whether it is counted among the rows that were put.
    counted: bool,
}

/// What an epoch does to a table.
#[derive(Debug)]
pub(super) struct Overlay {
    pub(super) entries: Vec<Entry>,
    /// The event times of the rows; [`NO_TIME`] for those that have none.
    pub(super) times: Vec<i64>,
    pub(super) values: Columns,
    /// The keys of the entries, in pieces.
    keys: Vec<(usize, Vec<ArrayRef>)>,
    key_memory: usize,
    /// An eviction that was begun: its time, and the slots that are left, the next one last.
    pub(super) evicting: Option<(i64, Vec<u32>)>,
    /// All rows up to this time were evicted.
    pub(super) evicted_until: Option<i64>,
    /// Rows that were put.
    pub(super) updated: u64,
    /// Rows that were removed.
    pub(super) removed: u64,
    /// How many rows there are more than are stored.
    pub(super) more_rows: isize,
}

impl Overlay {
    /// Nothing was done.
    pub(super) fn try_new(values: &SchemaRef) -> Result<Self> {
        Ok(Self {
            entries: vec![],
            times: vec![],
            values: Columns::try_new(values)?,
            keys: vec![],
            key_memory: 0,
            evicting: None,
            evicted_until: None,
            updated: 0,
            removed: 0,
            more_rows: 0,
        })
    }

    /// The entry of a slot, if the epoch has touched it.
    pub(super) fn entry_of(&self, slots: &Slots, slot: u32) -> Option<u32> {
        let entry = slots.entry(slot);
        // A number of an earlier epoch says nothing.
        self.entries.get(entry as usize).filter(|known| known.slot == slot).map(|_| entry)
    }

    /// Makes an entry for a slot that has none. Its key is to be [added](Self::add_keys).
    pub(super) fn add(&mut self, slots: &mut Slots, slot: u32, group: u8, time: i64) -> u32 {
        let entry = self.entries.len() as u32; // Not more than there are slots.
        let stored = slots.set_entry(slot, entry);
        self.entries.push(Entry { slot, change: Change::None, group, stored, counted: false });
        self.times.push(time);
        entry
    }

    /// Adds the keys of the entries that were added last.
    pub(super) fn add_keys(&mut self, rows: usize, keys: Vec<ArrayRef>) {
        if rows > 0 {
            let size = |column: &ArrayRef| {
                let data = column.to_data();
                data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
            };
            self.key_memory += keys.iter().map(size).sum::<usize>();
            self.keys.push((rows, keys));
        }
    }

    /// How many entries have their keys.
    pub(super) fn keyed(&self) -> usize {
        self.keys.iter().map(|(rows, _)| rows).sum()
    }

    /// Forgets all entries, and gives back their memory.
    pub(super) fn release(&mut self) {
        self.clear();
        self.entries = vec![];
        self.times = vec![];
        self.values.release();
    }

    /// Forgets all entries, and keeps the room for others.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.times.clear();
        self.keys = vec![];
        self.key_memory = 0;
        self.evicting = None;
        self.evicted_until = None;
        (self.updated, self.removed, self.more_rows) = (0, 0, 0);
    }

    /// The keys of the entries in pieces, each with the entries that it is of.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (Range<usize>, &[ArrayRef])> {
        self.keys.iter().scan(0, |start, (rows, keys)| {
            let range = *start..*start + rows;
            *start = range.end;
            Some((range, keys.as_slice()))
        })
    }

    /// The keys of all entries.
    pub(super) fn keys(&mut self) -> Result<Vec<ArrayRef>> {
        if self.keys.len() > 1 {
            let columns = self.keys.first().map_or(0, |(_, keys)| keys.len());
            let mut whole = Vec::with_capacity(columns);
            for column in 0..columns {
                let pieces: Vec<_> =
                    self.keys.iter().map(|(_, keys)| keys[column].as_ref()).collect();
                whole.push(concat(&pieces)?);
            }
            self.keys = vec![(self.entries.len(), whole)];
        }
        Ok(self
            .keys
            .first()
            .map_or_else(Vec::new, |(_, keys)| keys.iter().map(Arc::clone).collect()))
    }

    /// Whether the row of an entry is there.
    pub(super) fn is_live(&self, entry: u32) -> bool {
        let Entry { change, stored, .. } = self.entries[entry as usize];
        match change {
            Change::None => stored,
            Change::Written => true,
            Change::Removed => false,
        }
    }

    /// Notes that the row of an entry was written.
    pub(super) fn written(&mut self, entry: u32) {
        self.more_rows += isize::from(!self.is_live(entry));
        let entry = &mut self.entries[entry as usize];
        entry.change = Change::Written;
        self.updated += u64::from(!std::mem::replace(&mut entry.counted, true));
    }

    /// Notes that the row of an entry, which is there, was removed.
    pub(super) fn removed(&mut self, entry: u32) {
        self.entries[entry as usize].change = Change::Removed;
        self.more_rows -= 1;
        self.removed += 1;
    }

    /// Whether nothing is different from what is stored.
    pub(super) fn changes_nothing(&self) -> bool {
        self.entries.iter().all(|entry| match entry.change {
            Change::None => true,
            Change::Written => false,
            Change::Removed => !entry.stored,
        })
    }

    /// The bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.times.capacity() * size_of::<i64>()
            + self.evicting.as_ref().map_or(0, |(_, due)| due.capacity() * size_of::<u32>())
            + self.values.memory()
            + self.key_memory
    }

    /// The event time of an entry's row, if it has one.
    pub(super) fn time(&self, entry: u32) -> Option<i64> {
        Some(self.times[entry as usize]).filter(|time| *time != NO_TIME)
    }
}

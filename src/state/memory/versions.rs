//! How a table goes from version to version: what an epoch did is written out, put into the table,
//! or dropped.

use arrow::array::{ArrayRef, BooleanArray, UInt8Array};
use arrow::compute::filter;

use crate::error::Result;
use crate::state::changelog::Change as Logged;
use crate::state::memory::columns::Columns;
use crate::state::memory::overlay::{Change, Entry};
use crate::state::memory::slots::Slots;
use crate::state::memory::table::{RowTimes, Table};

/// Below these nothing is compacted: there is nothing to gain.
const COMPACT_BYTES: usize = 1 << 20;
const COMPACT_SLOTS: usize = 1 << 14;

impl Table {
    /// What the epoch changed.
    pub(in crate::state) fn changes(&self) -> Result<Vec<Logged>> {
        let mut changes = vec![];
        if self.overlay.changes_nothing() {
            return Ok(changes);
        }
        for (range, keys) in self.overlay.pieces() {
            let entries = &self.overlay.entries[range.clone()];
            let written = |entry: &Entry| entry.change == Change::Written;
            let removed = |entry: &Entry| entry.change == Change::Removed && entry.stored;
            let (groups, keys_of) = rows_with(entries, keys, written)?;
            if !groups.is_empty() {
                let numbers = range.clone().zip(entries).filter(|(_, entry)| written(entry));
                let numbers: Vec<u32> = numbers.map(|(number, _)| number as u32).collect();
                let values = Some(self.overlay.values.get(&numbers)?);
                changes.push(Logged { keys: keys_of, values, groups });
            }
            let (groups, keys_of) = rows_with(entries, keys, removed)?;
            if !groups.is_empty() {
                changes.push(Logged { keys: keys_of, values: None, groups });
            }
        }
        Ok(changes)
    }

    /// Begins the next epoch: what the last one did cannot be undone any more.
    ///
    /// # Errors
    /// When the memory pool has no more.
    pub(in crate::state) fn begin(&mut self) -> Result<()> {
        self.fold()?;
        self.release_buffers();
        self.compact_if_sparse()?;
        self.account(0)
    }

    /// Drops what the epoch did.
    pub(in crate::state) fn rollback(&mut self) {
        for entry in std::mem::take(&mut self.overlay.entries) {
            if !entry.stored {
                self.slots.release(entry.slot);
            }
        }
        self.release_buffers();
        // Less is needed than before. Should the pool refuse even that, the next change says so.
        let _less = self.account(0);
    }

    /// Puts what the epoch did into the table.
    pub(super) fn fold(&mut self) -> Result<()> {
        if let Some(until) = self.overlay.evicted_until {
            self.times.index.forget_until(until);
        }
        self.values.extend_to(self.slots.len());
        if self.time.is_some() {
            self.times.of_slot.extend_to(self.slots.len(), super::times::NO_TIME);
        }
        let (mut to, mut source) = (vec![], vec![]);
        for (number, entry) in self.overlay.entries.iter().enumerate() {
            let stored = entry.stored;
            match entry.change {
                Change::Written => {
                    to.push(entry.slot);
                    source.push(number as u32);
                    if !stored {
                        self.slots.set_stored(entry.slot, true);
                    }
                    if self.time.is_some() {
                        let time = self.overlay.times[number];
                        let before =
                            std::mem::replace(self.times.of_slot.get_mut(entry.slot), time);
                        let forgotten =
                            self.overlay.evicted_until.is_some_and(|until| time <= until);
                        if !stored || before != time || forgotten {
                            self.times.index.add(entry.slot, time);
                        }
                    }
                }
                Change::None if stored => (),
                Change::None | Change::Removed => {
                    self.values.clear(entry.slot);
                    self.slots.release(entry.slot);
                }
            }
        }
        self.values.copy(&self.overlay.values, &to, &source)?;
        self.overlay.clear();
        Ok(())
    }

    /// Moves the rows together when more than half of the space is free. The overlay is empty.
    fn compact_if_sparse(&mut self) -> Result<()> {
        let stored = self.slots.stored();
        let wasted = |(used, free): (usize, usize)| free > used && free > COMPACT_BYTES;
        let slots = self.slots.free() > stored && self.slots.free() > COMPACT_SLOTS;
        let times = self.times.index.len() > 2 * stored + COMPACT_SLOTS;
        if !slots && !times && !wasted(self.slots.usage()) && !wasted(self.values.usage()) {
            return Ok(());
        }
        // Both copies are there for a moment. Without memory for that, the sparse one stays.
        let more = self.reservation.new_empty();
        if more.try_grow(self.memory() / 2).is_ok() {
            self.compact()?;
        }
        Ok(())
    }

    fn compact(&mut self) -> Result<()> {
        let old = (0..self.slots.len() as u32).filter(|slot| self.slots.is_stored(*slot));
        let old: Vec<u32> = old.collect();
        let mut slots = Slots::default();
        let mut times = RowTimes::default();
        let mut new = Vec::with_capacity(old.len());
        for at in &old {
            let hash = self.slots.hash(*at);
            let slot = self.slots.with_key(*at, |key| slots.insert(hash, key))?;
            slots.set_stored(slot, true);
            if self.time.is_some() {
                let time = self.times.of_slot.get(*at);
                times.of_slot.push(time);
                times.index.add(slot, time);
            }
            new.push(slot);
        }
        let mut values = Columns::try_new(self.values.schema())?;
        values.extend_to(old.len());
        values.copy(&self.values, &new, &old)?;
        (self.slots, self.values, self.times) = (slots, values, times);
        Ok(())
    }
}

/// The key groups and the keys of the entries that `is_wanted`.
fn rows_with(
    entries: &[Entry],
    keys: &[ArrayRef],
    is_wanted: impl Fn(&Entry) -> bool,
) -> Result<(UInt8Array, Vec<ArrayRef>)> {
    let groups = entries.iter().filter(|entry| is_wanted(entry)).map(|entry| entry.group);
    let groups = UInt8Array::from_iter_values(groups);
    if groups.len() == entries.len() || groups.is_empty() {
        return Ok((groups, keys.to_vec()));
    }
    let mask: BooleanArray = entries.iter().map(|entry| Some(is_wanted(entry))).collect();
    let keys = keys.iter().map(|column| Ok(filter(column, &mask)?)).collect::<Result<_>>()?;
    Ok((groups, keys))
}

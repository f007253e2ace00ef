//! The rows of one partition by key, and the version that an epoch makes of them.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt8Array, UInt32Array};
use arrow::compute::{interleave, take_arrays};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::execution::memory_pool::MemoryReservation;

use crate::checkpoint::key_group::{group_of, key_hash};
use crate::error::{Error, Result};
use crate::state::changelog::batch_of;
use crate::state::memory::columns::Columns;
use crate::state::memory::exhausted;
use crate::state::memory::overlay::{Change, Overlay};
use crate::state::memory::row_times;
use crate::state::memory::slots::{NONE, Slots};
use crate::state::memory::times::{NO_TIME, Times};
use crate::state::row_codec::{EncodedRows, RowCodec};
use crate::state::schema::{StateSchema, TimeColumn};
use crate::state::store::{Absent, Found, Keys, NO_ENTRY, ScanCursor};

/// The rows of one partition.
#[derive(Debug)]
pub(in crate::state) struct Table {
    pub(super) codec: RowCodec,
    value_schema: SchemaRef,
    /// Key columns, then value columns.
    schema: SchemaRef,
    pub(super) time: Option<TimeColumn>,
    pub(super) slots: Slots,
    pub(super) values: Columns,
    pub(super) times: RowTimes,
    pub(super) overlay: Overlay,
    pub(super) key_rows: EncodedRows,
    pub(super) hashes: Vec<u64>,
    candidates: Vec<u32>,
    pub(super) reservation: MemoryReservation,
}

/// The event times of the stored rows, where the table has event times.
#[derive(Debug, Default)]
pub(super) struct RowTimes {
    pub(super) of_slot: super::chunked::Chunked<i64>,
    pub(super) index: Times,
}

/// Where a row is that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the table, in this slot.
    Stored(u32),
    /// In the overlay, in this entry.
    Written(u32),
}

/// Rows in slot order, as a snapshot has them.
#[derive(Debug)]
pub(in crate::state) struct Chunk {
    /// Key columns, then value columns.
    pub(in crate::state) batch: RecordBatch,
    /// The key groups.
    pub(in crate::state) groups: UInt8Array,
}

impl Table {
    /// A table without rows that takes its memory from here.
    pub(in crate::state) fn try_new(
        schema: &StateSchema,
        reservation: MemoryReservation,
    ) -> Result<Self> {
        row_times::check(schema)?;
        let codec = RowCodec::try_new(&schema.key)?;
        let fields = schema.key.fields().iter().chain(schema.value.fields()).map(Arc::clone);
        Ok(Self {
            key_rows: codec.empty(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            values: Columns::try_new(&schema.value)?,
            overlay: Overlay::try_new(&schema.value)?,
            value_schema: Arc::clone(&schema.value),
            codec,
            time: schema.time,
            slots: Slots::default(),
            times: RowTimes::default(),
            hashes: vec![],
            candidates: vec![],
            reservation,
        })
    }

    /// The entries of keys in this epoch. One that the epoch has not touched gets the next number.
    pub(in crate::state) fn locate(&mut self, keys: &Keys<'_>, absent: Absent) -> Result<Vec<u32>> {
        let rows = keys.rows();
        self.encode(keys)?;
        let times = self.key_times(keys.columns)?;
        self.slots.candidates(&self.hashes, &mut self.candidates);
        self.slots.confirm(&self.hashes, &self.key_rows, &mut self.candidates);
        if absent == Absent::Make {
            let missing = self.candidates.iter().filter(|slot| **slot == NONE).count();
            self.account(self.slots.growth(missing))?;
        }
        let (slots, key_rows) = (&mut self.slots, &self.key_rows);
        let mut entries = Vec::with_capacity(rows);
        let mut new = vec![];
        for (row, (hash, candidate)) in self.hashes.iter().zip(&self.candidates).enumerate() {
            let (hash, key) = (*hash, key_rows.get(row));
            let slot = match *candidate {
                slot if slot != NONE => slot,
                // An earlier row may have made it.
                _ => match (slots.find(hash, key), absent) {
                    (Some(slot), _) => slot,
                    (None, Absent::Make) => slots.insert(hash, key)?,
                    (None, Absent::Skip) => {
                        entries.push(NO_ENTRY);
                        continue;
                    }
                },
            };
            entries.push(match self.overlay.entry_of(slots, slot) {
                Some(entry) => entry,
                None => {
                    new.push(row as u32);
                    let time = times.as_ref().map_or(NO_TIME, |times| times[row]);
                    self.overlay.add(slots, slot, group_of(hash), time)
                }
            });
        }
        let added = if new.len() == rows {
            keys.columns.to_vec()
        } else {
            take_arrays(keys.columns, &UInt32Array::from(new.clone()), None)?
        };
        self.overlay.add_keys(new.len(), added);
        self.account(0)?;
        Ok(entries)
    }

    /// How many entries the epoch has.
    pub(in crate::state) const fn entries(&self) -> usize {
        self.overlay.entries.len()
    }

    /// The keys of all entries.
    pub(in crate::state) fn entry_keys(&mut self) -> Result<Vec<ArrayRef>> {
        if self.overlay.entries.is_empty() {
            return self.codec.decode(std::iter::empty());
        }
        self.overlay.keys()
    }

    /// The rows of entries.
    pub(in crate::state) fn read(&self, entries: &[u32]) -> Result<Found> {
        let mut positions = Vec::with_capacity(entries.len());
        let mut places = Vec::with_capacity(entries.len());
        for (position, entry) in entries.iter().enumerate() {
            if let Some(place) = self.place_of_entry(*entry) {
                positions.push(position as u32);
                places.push(place);
            }
        }
        Ok(Found { positions: positions.into(), values: self.values_at(&places)? })
    }

    /// Writes the rows of entries.
    pub(in crate::state) fn write(&mut self, entries: &[u32], values: &[ArrayRef]) -> Result<()> {
        self.check_entries(entries)?;
        self.overlay.values.extend_to(self.overlay.entries.len());
        self.overlay.values.set(entries, values)?;
        for entry in entries {
            self.overlay.written(*entry);
        }
        if let Some(times) = self.value_times(values)? {
            for (entry, time) in entries.iter().zip(times) {
                self.overlay.times[*entry as usize] = time;
            }
        }
        self.account(0)
    }

    /// Removes the rows of entries; those that are not there are passed over.
    pub(in crate::state) fn remove(&mut self, entries: &[u32]) -> Result<()> {
        for entry in entries.iter().copied().filter(|entry| *entry != NO_ENTRY) {
            self.check_entries(&[entry])?;
            if self.overlay.is_live(entry) {
                self.overlay.removed(entry);
            }
        }
        Ok(())
    }

    /// Removes about `size` rows with an event time at or before `until` and gives them back;
    /// `None` when there are no more.
    pub(in crate::state) fn evict(
        &mut self,
        until: i64,
        size: usize,
    ) -> Result<Option<RecordBatch>> {
        if self.time.is_none() {
            return Err(Error::internal("state without event time cannot be evicted by time"));
        }
        let mut due = match self.overlay.evicting.take() {
            Some((begun, due)) if begun == until => due,
            _ => self.due(until),
        };
        let mut places = vec![];
        while places.len() < size.max(1)
            && let Some(slot) = due.pop()
        {
            places.extend(self.evict_slot(slot, until));
        }
        if places.is_empty() {
            let before = self.overlay.evicted_until.unwrap_or(until);
            self.overlay.evicted_until = Some(until.max(before));
            return Ok(None);
        }
        self.overlay.evicting = Some((until, due));
        self.evicted(&places).map(Some)
    }

    /// Removes the row of a slot, if it is there and is due, and says where it was.
    fn evict_slot(&mut self, slot: u32, until: i64) -> Option<(Place, u32)> {
        let place = self.place_of_slot(slot)?;
        let entry = match (place, self.overlay.entry_of(&self.slots, slot)) {
            (Place::Written(entry), _) => {
                self.overlay.time(entry).filter(|time| *time <= until)?;
                entry
            }
            (Place::Stored(_), Some(entry)) => entry,
            (Place::Stored(_), None) => {
                let group = group_of(self.slots.hash(slot));
                self.overlay.add(&mut self.slots, slot, group, self.times.of_slot.get(slot))
            }
        };
        self.overlay.removed(entry);
        Some((place, entry))
    }

    /// The batch of rows that were just removed; what is new of their entries gets its keys.
    fn evicted(&mut self, places: &[(Place, u32)]) -> Result<RecordBatch> {
        let known = self.overlay.keyed();
        let new = places.iter().enumerate().filter(|(_, (_, entry))| *entry as usize >= known);
        let new: Vec<u32> = new.map(|(row, _)| row as u32).collect();
        let places: Vec<_> = places.iter().map(|(place, _)| *place).collect();
        let batch = self.batch(&places)?;
        let keys = &batch.columns()[..self.codec.schema().fields().len()];
        let keys = take_arrays(keys, &UInt32Array::from(new.clone()), None)?;
        self.overlay.add_keys(new.len(), keys);
        self.account(0)?;
        Ok(batch)
    }

    /// The slots with a time at or before `until`, the earliest last.
    fn due(&self, until: i64) -> Vec<u32> {
        let stored = self.times.index.until(until).filter(|(slot, time)| {
            self.slots.is_stored(*slot) && self.times.of_slot.get(*slot) == *time
        });
        let mut due: Vec<(i64, u32)> = stored.map(|(slot, time)| (time, slot)).collect();
        for (number, entry) in self.overlay.entries.iter().enumerate() {
            let time = self.overlay.time(number as u32).filter(|time| *time <= until);
            if let (Change::Written, Some(time)) = (entry.change, time) {
                due.push((time, entry.slot)); // It may come twice; then it is not there.
            }
        }
        due.sort_by_key(|(time, _)| Reverse(*time));
        due.into_iter().map(|(_, slot)| slot).collect()
    }

    /// The next rows after the cursor.
    pub(in crate::state) fn scan(
        &self,
        cursor: &mut ScanCursor,
        size: usize,
    ) -> Result<Option<RecordBatch>> {
        let places = self.places_after(cursor, size);
        if places.is_empty() { Ok(None) } else { self.batch(&places).map(Some) }
    }

    /// The next rows after the cursor, with their key groups.
    pub(in crate::state) fn scan_groups(
        &self,
        cursor: &mut ScanCursor,
        size: usize,
    ) -> Result<Option<Chunk>> {
        let places = self.places_after(cursor, size);
        if places.is_empty() {
            return Ok(None);
        }
        let groups = places.iter().map(|place| group_of(self.slots.hash(self.slot_of(*place))));
        let groups = UInt8Array::from_iter_values(groups);
        Ok(Some(Chunk { batch: self.batch(&places)?, groups }))
    }

    fn places_after(&self, cursor: &mut ScanCursor, size: usize) -> Vec<Place> {
        let mut places = vec![];
        let mut slot = cursor.0;
        while (slot as usize) < self.slots.len() && places.len() < size.max(1) {
            places.extend(self.place_of_slot(slot));
            slot += 1;
        }
        cursor.0 = slot;
        places
    }

    /// Rows that are there.
    pub(in crate::state) fn rows(&self) -> usize {
        self.slots.stored().saturating_add_signed(self.overlay.more_rows)
    }

    /// Rows put, and rows removed, in this epoch.
    pub(in crate::state) const fn changed(&self) -> (u64, u64) {
        (self.overlay.updated, self.overlay.removed)
    }

    /// The bytes of memory that the table takes.
    pub(in crate::state) fn memory(&self) -> usize {
        self.slots.memory()
            + self.values.memory()
            + self.times.of_slot.memory()
            + self.times.index.memory()
            + self.overlay.memory()
            + self.key_rows.memory()
            + self.hashes.capacity() * size_of::<u64>()
            + self.candidates.capacity() * size_of::<u32>()
    }

    /// Reserves the memory that the table takes, and `more` for what comes.
    pub(super) fn account(&self, more: usize) -> Result<()> {
        self.reservation.try_resize(self.memory() + more).map_err(exhausted)
    }

    /// Encodes keys and hashes them, unless they come with their hashes.
    pub(super) fn encode(&mut self, keys: &Keys<'_>) -> Result<()> {
        self.codec.encode(keys.columns, keys.rows(), &mut self.key_rows)?;
        self.hashes.clear();
        match keys.hashes {
            Some(hashes) if hashes.len() == self.key_rows.len() => self.hashes.extend(hashes),
            Some(_) => return Err(Error::internal("not as many hashes as keys")),
            None => {
                let rows = 0..self.key_rows.len();
                self.hashes.extend(rows.map(|row| key_hash(self.key_rows.get(row))));
            }
        }
        Ok(())
    }

    pub(super) fn key_times(&self, keys: &[ArrayRef]) -> Result<Option<Vec<i64>>> {
        match self.time {
            Some(time @ (TimeColumn::Timestamp(_) | TimeColumn::Window(_))) => {
                row_times::times(time, keys, self.codec.schema().fields()).map(Some)
            }
            Some(TimeColumn::Value(_)) | None => Ok(None),
        }
    }

    /// The event times of rows, where they are in the values.
    pub(super) fn value_times(&self, values: &[ArrayRef]) -> Result<Option<Vec<i64>>> {
        match self.time {
            Some(time @ TimeColumn::Value(_)) => {
                row_times::times(time, values, self.value_schema.fields()).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn check_entries(&self, entries: &[u32]) -> Result<()> {
        if entries.iter().all(|entry| (*entry as usize) < self.overlay.entries.len()) {
            return Ok(());
        }
        Err(Error::internal("a row was written under a key that was not located"))
    }

    fn place_of_entry(&self, entry: u32) -> Option<Place> {
        let known = self.overlay.entries.get(entry as usize)?;
        match known.change {
            Change::Written => Some(Place::Written(entry)),
            Change::Removed => None,
            Change::None => known.stored.then_some(Place::Stored(known.slot)),
        }
    }

    fn place_of_slot(&self, slot: u32) -> Option<Place> {
        match self.overlay.entry_of(&self.slots, slot) {
            Some(entry) => self.place_of_entry(entry),
            None => self.slots.is_stored(slot).then_some(Place::Stored(slot)),
        }
    }

    fn values_at(&self, places: &[Place]) -> Result<Vec<ArrayRef>> {
        let mut stored = vec![];
        let mut written = vec![];
        let order: Vec<(usize, usize)> = places
            .iter()
            .map(|place| match place {
                Place::Stored(slot) => (0, push(&mut stored, *slot)),
                Place::Written(entry) => (1, push(&mut written, *entry)),
            })
            .collect();
        if written.is_empty() {
            return self.values.get(&stored);
        }
        if stored.is_empty() {
            return self.overlay.values.get(&written);
        }
        let (stored, written) = (self.values.get(&stored)?, self.overlay.values.get(&written)?);
        let columns = stored.iter().zip(&written);
        columns.map(|(one, other)| Ok(interleave(&[one, other], &order)?)).collect()
    }

    fn slot_of(&self, place: Place) -> u32 {
        match place {
            Place::Stored(slot) => slot,
            Place::Written(entry) => self.overlay.entries[entry as usize].slot,
        }
    }

    /// Key columns, then value columns.
    fn batch(&self, places: &[Place]) -> Result<RecordBatch> {
        let mut bytes = vec![];
        let mut ends = vec![];
        for place in places {
            self.slots.with_key(self.slot_of(*place), |key| bytes.extend_from_slice(key));
            ends.push(bytes.len());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let keys = starts.zip(&ends).map(|(start, end)| &bytes[start..*end]);
        let mut columns = self.codec.decode(keys)?;
        columns.extend(self.values_at(places)?);
        batch_of(&self.schema, columns, places.len()).map_err(|error| {
            Error::internal(format!("state rows do not fit their schema: {error}"))
        })
    }

    /// Gives back the buffers of one batch, which are as large as the largest one.
    pub(super) fn release_buffers(&mut self) {
        self.key_rows = self.codec.empty();
        self.hashes = vec![];
        self.candidates = vec![];
        self.overlay.release();
    }
}

fn push(list: &mut Vec<u32>, value: u32) -> usize {
    list.push(value);
    list.len() - 1
}

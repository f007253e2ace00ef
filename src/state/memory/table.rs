//! A hash table from key bytes to value bytes that remembers how it was when the epoch began.
//!
//! A new value is never written over one of the version before: the old bytes stay where they are,
//! and the undo log says where. When the next epoch begins, the log is dropped and what it kept
//! becomes free. A row that is removed leaves a dead slot until then, which the same key revives.

use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::MemoryReservation;
use hashbrown::HashTable;

use crate::error::{Error, Result};
use crate::state::memory::arena::{Arena, Extent};
use crate::state::memory::time_index::{LINK_BYTES, TimeIndex};

/// The row is there.
const LIVE: u32 = 1;
/// The row was put in the epoch of the slot.
const PUT: u32 = 2;
/// The row has an event time.
const TIMED: u32 = 4;
/// The slot is in the list of free slots.
const FREE: u32 = 8;

/// Below these nothing is compacted: there is nothing to gain.
const COMPACT_BYTES: usize = 1 << 20;
const COMPACT_SLOTS: usize = 1 << 14;

/// A row. Two of them fill a cache line.
#[derive(Debug, Clone, Copy)]
struct Slot {
    hash: u64,
    key: Extent,
    value: Extent,
    /// The epoch that changed the row last; an older one has no entry in the undo log.
    epoch: u32,
    flags: u32,
}

impl Slot {
    const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// How a row was when the epoch began: its value, or absent.
#[derive(Debug, Clone, Copy)]
struct Undo {
    slot: u32,
    before: Option<Extent>,
}

/// A row to put or to remove.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// XXH64 of the key.
    pub(super) hash: u64,
    /// The key.
    pub(super) key: &'a [u8],
    /// The event time of the key.
    pub(super) time: Option<i64>,
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    slots: Vec<Slot>,
    free: Vec<u32>,
    index: HashTable<u32>,
    arena: Arena,
    times: TimeIndex,
    timed: bool,
    undo: Vec<Undo>,
    /// Slots that died in this epoch. One may be here twice, or live again.
    dead: Vec<u32>,
    epoch: u32,
    live: usize,
    updated: u64,
    removed: u64,
    reservation: MemoryReservation,
}

impl Table {
    /// An empty table whose keys may have an event time, and that takes its memory from here.
    pub(super) fn new(timed: bool, reservation: MemoryReservation) -> Self {
        Self {
            slots: vec![],
            free: vec![],
            index: HashTable::new(),
            arena: Arena::default(),
            times: TimeIndex::default(),
            timed,
            undo: vec![],
            dead: vec![],
            epoch: 1,
            live: 0,
            updated: 0,
            removed: 0,
            reservation,
        }
    }

    /// Finds the slot of a row that is there.
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.find_any(hash, key).filter(|slot| self.slots[*slot as usize].has(LIVE))
    }

    /// The key of a slot.
    pub(super) fn key(&self, slot: u32) -> &[u8] {
        self.arena.get(self.slots[slot as usize].key)
    }

    /// The value of a slot.
    pub(super) fn value(&self, slot: u32) -> &[u8] {
        self.arena.get(self.slots[slot as usize].value)
    }

    /// The hash of the key of a slot.
    pub(super) fn hash(&self, slot: u32) -> u64 {
        self.slots[slot as usize].hash
    }

    /// Up to `most` slots with rows that are there, from slot `from` on.
    pub(super) fn live_from(&self, from: usize, most: usize) -> Vec<u32> {
        let rest = self.slots.iter().enumerate().skip(from);
        rest.filter(|(_, slot)| slot.has(LIVE)).map(|(at, _)| at as u32).take(most).collect()
    }

    /// The slots with an event time at or before `time`.
    pub(super) fn until(&self, time: i64) -> Vec<u32> {
        self.times.until(time)
    }

    /// Puts a value under a key.
    pub(super) fn put(&mut self, row: &Row<'_>, value: &[u8]) -> Result<()> {
        match self.find_any(row.hash, row.key) {
            Some(slot) => self.replace(slot, value),
            None => self.insert(row, value),
        }
    }

    /// Removes the row of a slot, which is there.
    pub(super) fn remove(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        if slot.epoch == self.epoch {
            self.arena.free(slot.value);
        } else {
            slot.epoch = self.epoch;
            slot.flags &= !PUT;
            self.undo.push(Undo { slot: at, before: Some(slot.value) });
        }
        slot.value = Extent::EMPTY;
        slot.flags &= !LIVE;
        if slot.has(TIMED) {
            self.times.remove(at);
        }
        self.dead.push(at);
        self.live -= 1;
        self.removed += 1;
    }

    /// Begins the next epoch: what the last one changed cannot be undone any more.
    pub(super) fn begin(&mut self) {
        // Both lists are made anew: an epoch of unusual size shall not hold its memory for ever.
        for undo in std::mem::take(&mut self.undo) {
            if let Some(value) = undo.before {
                self.arena.free(value);
            }
        }
        let dead = std::mem::take(&mut self.dead);
        for slot in dead {
            if !self.slots[slot as usize].has(LIVE | FREE) {
                self.release(slot);
            }
        }
        self.next_epoch();
        self.compact_if_sparse();
    }

    /// Makes the table what it was when the epoch began.
    pub(super) fn rollback(&mut self) {
        for Undo { slot: at, before } in std::mem::take(&mut self.undo) {
            let slot = &mut self.slots[at as usize];
            let was_live = slot.has(LIVE);
            if was_live {
                self.arena.free(slot.value);
            }
            slot.flags = (slot.flags & !LIVE) | if before.is_some() { LIVE } else { 0 };
            slot.value = before.unwrap_or(Extent::EMPTY);
            let timed = slot.has(TIMED);
            match (was_live, before.is_some()) {
                (true, false) => {
                    self.live -= 1;
                    if timed {
                        self.times.remove(at);
                    }
                }
                (false, true) => {
                    self.live += 1;
                    if timed {
                        self.times.insert(at, self.times.time_of(at));
                    }
                }
                (true, true) | (false, false) => (),
            }
            if before.is_none() {
                self.release(at);
            }
        }
        self.dead = vec![];
        self.next_epoch();
        self.compact_if_sparse();
    }

    /// Rows that are there.
    pub(super) const fn len(&self) -> usize {
        self.live
    }

    /// Rows put, and rows removed, in this epoch.
    pub(super) const fn changed(&self) -> (u64, u64) {
        (self.updated, self.removed)
    }

    /// The bytes of memory that the table takes.
    pub(super) fn memory(&self) -> usize {
        self.arena.capacity()
            + self.slots.capacity() * size_of::<Slot>()
            + self.index.allocation_size()
            + (self.free.capacity() + self.dead.capacity()) * size_of::<u32>()
            + self.undo.capacity() * size_of::<Undo>()
            + self.times.memory()
    }

    /// Reserves the memory that the table takes, and `more` for its owner.
    pub(super) fn account(&self, more: usize) -> Result<()> {
        self.reservation.try_resize(self.memory() + more).map_err(exhausted)
    }

    fn find_any(&self, hash: u64, key: &[u8]) -> Option<u32> {
        self.index
            .find(spread(hash), |slot| {
                let slot = &self.slots[*slot as usize];
                slot.hash == hash && self.arena.get(slot.key) == key
            })
            .copied()
    }

    fn replace(&mut self, at: u32, value: &[u8]) -> Result<()> {
        let Slot { value: old, epoch, .. } = self.slots[at as usize];
        let was_live = self.slots[at as usize].has(LIVE);
        let touched = epoch == self.epoch;
        if touched && was_live && self.arena.get(old).len() == value.len() {
            self.arena.overwrite(old, value);
        } else {
            let new = self.store(value)?;
            if !touched {
                self.undo.push(Undo { slot: at, before: was_live.then_some(old) });
            } else if was_live {
                self.arena.free(old);
            }
            self.slots[at as usize].value = new;
        }
        let slot = &mut self.slots[at as usize];
        if !touched {
            slot.flags &= !PUT;
            slot.epoch = self.epoch;
        }
        self.updated += u64::from(!slot.has(PUT));
        slot.flags |= LIVE | PUT;
        if !was_live {
            self.live += 1;
            if slot.has(TIMED) {
                self.times.insert(at, self.times.time_of(at));
            }
        }
        Ok(())
    }

    fn insert(&mut self, row: &Row<'_>, value: &[u8]) -> Result<()> {
        self.make_room()?;
        let key = self.store(row.key)?;
        let value = match self.store(value) {
            Ok(value) => value,
            Err(error) => {
                self.arena.free(key);
                return Err(error);
            }
        };
        let timed = if row.time.is_some() { TIMED } else { 0 };
        let flags = LIVE | PUT | timed;
        let slot = Slot { hash: row.hash, key, value, epoch: self.epoch, flags };
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                // `make_room` sees to it that the number fits.
                (self.slots.len() - 1) as u32
            }
        };
        let slots = &self.slots;
        self.index.insert_unique(spread(row.hash), at, |slot| spread(slots[*slot as usize].hash));
        if let Some(time) = row.time {
            self.times.insert(at, time);
        }
        self.undo.push(Undo { slot: at, before: None });
        self.live += 1;
        self.updated += 1;
        Ok(())
    }

    /// Gives up a slot whose row is not there.
    fn release(&mut self, at: u32) {
        let slot = &mut self.slots[at as usize];
        self.arena.free(slot.key);
        slot.key = Extent::EMPTY;
        slot.flags = FREE;
        if let Ok(entry) = self.index.find_entry(spread(slot.hash), |found| *found == at) {
            entry.remove();
        }
        self.free.push(at);
    }

    fn next_epoch(&mut self) {
        self.updated = 0;
        self.removed = 0;
        if self.epoch == u32::MAX {
            for slot in &mut self.slots {
                slot.epoch = 0;
            }
            self.epoch = 0;
        }
        self.epoch += 1;
    }

    fn store(&mut self, data: &[u8]) -> Result<Extent> {
        if let Some(extent) = self.arena.write(data) {
            return Ok(extent);
        }
        let capacity = self.arena.next_capacity(data.len()).ok_or_else(too_large)?;
        self.reserve(capacity - self.arena.capacity())?;
        self.arena.grow(capacity);
        self.arena.write(data).ok_or_else(too_large)
    }

    /// Makes room for one more slot and its place in the index.
    #[inline]
    fn make_room(&mut self) -> Result<()> {
        if self.free.is_empty() && self.slots.len() == self.slots.capacity() {
            let more = (self.slots.len() / 2).max(64);
            if self.slots.len() + more >= u32::MAX as usize {
                return Err(too_large());
            }
            let links = if self.timed { LINK_BYTES } else { 0 };
            self.reserve(more * (size_of::<Slot>() + links))?;
            self.slots.reserve_exact(more);
            if self.timed {
                self.times.reserve(self.slots.len() + more);
            }
        }
        if self.index.len() == self.index.capacity() {
            self.reserve(self.index.allocation_size().max(64))?;
            let slots = &self.slots;
            self.index.reserve(1, |slot| spread(slots[*slot as usize].hash));
        }
        Ok(())
    }

    #[cold]
    fn reserve(&self, bytes: usize) -> Result<()> {
        self.reservation.try_grow(bytes).map_err(exhausted)
    }

    /// Moves the rows together when more than half of the space is free. The undo log is empty.
    fn compact_if_sparse(&mut self) {
        let (used, free) = self.arena.usage();
        let bytes = free > used && free > COMPACT_BYTES;
        let slots = self.free.len() > self.live && self.free.len() > COMPACT_SLOTS;
        if !bytes && !slots {
            return;
        }
        // Both copies are there for a moment. Without memory for that, the sparse one stays.
        let more = self.reservation.new_empty();
        let rows = self.live * (size_of::<Slot>() + 2 * size_of::<u32>());
        if more.try_grow(used + rows).is_ok() {
            self.compact(used);
        }
    }

    fn compact(&mut self, used: usize) {
        let mut arena = Arena::default();
        arena.grow(used);
        let mut slots = Vec::with_capacity(self.live);
        let mut index = HashTable::with_capacity(self.live);
        let mut times = TimeIndex::default();
        for (at, slot) in self.slots.iter().enumerate().filter(|(_, slot)| slot.has(LIVE)) {
            let key = arena.write(self.arena.get(slot.key));
            let value = arena.write(self.arena.get(slot.value));
            let (Some(key), Some(value)) = (key, value) else {
                return; // Not reached: the bytes in use are what was made room for.
            };
            let to = slots.len() as u32;
            slots.push(Slot { key, value, ..*slot });
            index.insert_unique(spread(slot.hash), to, |slot| {
                let slot: &Slot = &slots[*slot as usize];
                spread(slot.hash)
            });
            if slot.has(TIMED) {
                times.insert(to, self.times.time_of(at as u32));
            }
        }
        (self.arena, self.slots, self.index, self.times) = (arena, slots, index, times);
        self.free = vec![];
    }
}

/// The hash for the index. All keys of a partition may have the same key group, which is in the
/// lowest bits, where the index looks first.
const fn spread(hash: u64) -> u64 {
    hash ^ (hash >> 32)
}

fn exhausted(error: DataFusionError) -> Error {
    error
        .context(
            "the state does not fit into the memory pool; give the session more memory, use more \
             machines, or bound the state with a watermark",
        )
        .into()
}

fn too_large() -> Error {
    exhausted(DataFusionError::ResourcesExhausted(
        "one partition holds up to 32 GiB and 4 billion rows; use more partitions".to_owned(),
    ))
}

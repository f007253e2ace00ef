//! One partition's rows: Arrow columns in, Arrow columns out, and a log of what changed.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray, UInt8Array, UInt32Array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::take_arrays;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType};
use datafusion::execution::memory_pool::MemoryReservation;
use twox_hash::XxHash64;

use crate::checkpoint::key_group::{KEY_GROUPS, KeyGroupSet};
use crate::error::{Error, Result};
use crate::state::changelog::{Change, FileBatch, batch_of};
use crate::state::memory::table::{Row, Table};
use crate::state::row_codec::{EncodedRows, RowCodec};
use crate::state::schema::{StateSchema, TimeColumn};
use crate::state::store::{Found, ScanCursor};

/// The rows of one partition and what changed in them in this epoch.
#[derive(Debug)]
pub(in crate::state) struct Partition {
    keys: RowCodec,
    values: RowCodec,
    /// Key columns, then value columns.
    schema: SchemaRef,
    time: Option<TimeColumn>,
    table: Table,
    changes: Vec<Change>,
    changes_memory: usize,
    key_rows: EncodedRows,
    value_rows: EncodedRows,
    hashes: Vec<u64>,
}

/// Rows in slot order, as a snapshot has them.
#[derive(Debug)]
pub(in crate::state) struct Chunk {
    /// Key columns, then value columns.
    pub(in crate::state) batch: RecordBatch,
    /// The key groups.
    pub(in crate::state) groups: UInt8Array,
}

impl Partition {
    /// A partition without rows that takes its memory from here.
    pub(in crate::state) fn try_new(
        schema: &StateSchema,
        reservation: MemoryReservation,
    ) -> Result<Self> {
        check_time(schema)?;
        let keys = RowCodec::try_new(&schema.key)?;
        let values = RowCodec::try_new(&schema.value)?;
        let fields = schema.key.fields().iter().chain(schema.value.fields()).map(Arc::clone);
        Ok(Self {
            key_rows: keys.empty(),
            value_rows: values.empty(),
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            keys,
            values,
            time: schema.time,
            table: Table::new(schema.time.is_some(), reservation),
            changes: vec![],
            changes_memory: 0,
            hashes: vec![],
        })
    }

    /// Looks up keys.
    pub(in crate::state) fn get(&mut self, keys: &[ArrayRef]) -> Result<Found> {
        self.encode_keys(keys, rows_of(keys, &[]))?;
        let mut positions = vec![];
        let mut slots = vec![];
        for (row, hash) in self.hashes.iter().enumerate() {
            if let Some(slot) = self.table.find(*hash, self.key_rows.get(row)) {
                positions.push(row as u32);
                slots.push(slot);
            }
        }
        let values = self.values.decode(slots.iter().map(|slot| self.table.value(*slot)))?;
        Ok(Found { positions: UInt32Array::from(positions), values })
    }

    /// Puts values under keys.
    pub(in crate::state) fn put(&mut self, keys: &[ArrayRef], values: &[ArrayRef]) -> Result<()> {
        let rows = rows_of(keys, values);
        if rows == 0 {
            return Ok(());
        }
        let times = self.encode_keys(keys, rows)?;
        self.values.encode(values, rows, &mut self.value_rows)?;
        for (row, hash) in self.hashes.iter().enumerate() {
            let time = times.as_ref().and_then(|times| time_at(times, row));
            let key = Row { hash: *hash, key: self.key_rows.get(row), time };
            self.table.put(&key, self.value_rows.get(row))?;
        }
        let groups = self.hashes.iter().map(|hash| group_of(*hash));
        let groups = UInt8Array::from_iter_values(groups);
        self.log(Change { keys: keys.to_vec(), values: Some(values.to_vec()), groups })
    }

    /// Removes keys.
    pub(in crate::state) fn remove(&mut self, keys: &[ArrayRef]) -> Result<()> {
        let rows = rows_of(keys, &[]);
        self.encode_keys(keys, rows)?;
        let mut positions = vec![];
        let mut groups = vec![];
        for (row, hash) in self.hashes.iter().enumerate() {
            if let Some(slot) = self.table.find(*hash, self.key_rows.get(row)) {
                self.table.remove(slot);
                positions.push(row as u32);
                groups.push(group_of(*hash));
            }
        }
        if positions.is_empty() {
            return Ok(());
        }
        let keys = if positions.len() == rows {
            keys.to_vec()
        } else {
            take_arrays(keys, &UInt32Array::from(positions), None)?
        };
        self.log(Change { keys, values: None, groups: groups.into() })
    }

    /// Removes the rows with an event time at or before `until` and gives them back.
    pub(in crate::state) fn evict(&mut self, until: i64, size: usize) -> Result<Vec<RecordBatch>> {
        if self.time.is_none() {
            return Err(Error::internal("state without event time cannot be evicted by time"));
        }
        let mut batches = vec![];
        for slots in self.table.until(until).chunks(size.max(1)) {
            let chunk = self.chunk(slots)?;
            let keys = chunk.batch.columns()[..self.keys.schema().fields().len()].to_vec();
            for slot in slots {
                self.table.remove(*slot);
            }
            self.log(Change { keys, values: None, groups: chunk.groups })?;
            batches.push(chunk.batch);
        }
        Ok(batches)
    }

    /// The next rows after the cursor.
    pub(in crate::state) fn scan(
        &self,
        cursor: &mut ScanCursor,
        size: usize,
    ) -> Result<Option<Chunk>> {
        let slots = self.table.live_from(cursor.0, size.max(1));
        let Some(last) = slots.last() else {
            return Ok(None);
        };
        cursor.0 = *last as usize + 1;
        self.chunk(&slots).map(Some)
    }

    /// Applies the rows of a file; of these `groups` only, where they are given.
    pub(in crate::state) fn load(
        &mut self,
        batch: &FileBatch,
        groups: Option<&KeyGroupSet>,
    ) -> Result<(), LoadError> {
        let rows = batch.groups.len();
        let times = self.encode_keys(&batch.keys, rows)?;
        self.values.encode(&batch.values, rows, &mut self.value_rows)?;
        for (row, hash) in self.hashes.iter().enumerate() {
            let (found, expected) = (batch.groups.value(row), group_of(*hash));
            if found != expected {
                return Err(LoadError::Malformed(format!(
                    "a row of key group {found} has a key of group {expected}: its keys are \
                     encoded in another way than this release encodes them"
                )));
            }
            if groups.is_some_and(|groups| !groups.contains(found)) {
                continue;
            }
            let key = self.key_rows.get(row);
            if !batch.deleted.value(row) {
                let time = times.as_ref().and_then(|times| time_at(times, row));
                self.table.put(&Row { hash: *hash, key, time }, self.value_rows.get(row))?;
            } else if let Some(slot) = self.table.find(*hash, key) {
                self.table.remove(slot);
            }
        }
        Ok(self.account()?)
    }

    /// What changed in this epoch.
    pub(in crate::state) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Forgets the log of changes, which is written; they can still be undone.
    pub(in crate::state) fn forget_changes(&mut self) {
        self.changes = vec![];
        self.changes_memory = 0;
    }

    /// Begins the next epoch.
    ///
    /// # Errors
    /// When the memory pool has no more.
    pub(in crate::state) fn begin(&mut self) -> Result<()> {
        self.table.begin();
        self.forget_changes();
        self.release_buffers();
        self.account()
    }

    /// Makes the rows what they were when the epoch began.
    pub(in crate::state) fn rollback(&mut self) {
        self.table.rollback();
        self.forget_changes();
        self.release_buffers();
        // Less is needed than before. Should the pool refuse even that, the next change says so.
        let _less = self.account();
    }

    /// The rows that are there, those put in this epoch, those removed, the bytes of memory.
    pub(in crate::state) fn counts(&self) -> [u64; 4] {
        let (updated, removed) = self.table.changed();
        let memory = self.table.memory() + self.own_memory();
        [self.table.len() as u64, updated, removed, memory as u64]
    }

    fn encode_keys(
        &mut self,
        keys: &[ArrayRef],
        rows: usize,
    ) -> Result<Option<TimestampMicrosecondArray>> {
        self.keys.encode(keys, rows, &mut self.key_rows)?;
        let rows = 0..self.key_rows.len();
        self.hashes.clear();
        self.hashes.extend(rows.map(|row| XxHash64::oneshot(0, self.key_rows.get(row))));
        self.time.map(|time| event_times(time, self.keys.schema(), keys)).transpose()
    }

    fn chunk(&self, slots: &[u32]) -> Result<Chunk> {
        let mut columns = self.keys.decode(slots.iter().map(|slot| self.table.key(*slot)))?;
        columns.extend(self.values.decode(slots.iter().map(|slot| self.table.value(*slot)))?);
        let groups = slots.iter().map(|slot| group_of(self.table.hash(*slot)));
        let batch = batch_of(&self.schema, columns, slots.len()).map_err(|error| {
            Error::internal(format!("state rows do not fit their schema: {error}"))
        })?;
        Ok(Chunk { batch, groups: UInt8Array::from_iter_values(groups) })
    }

    fn log(&mut self, change: Change) -> Result<()> {
        self.changes_memory += change.memory();
        self.changes.push(change);
        self.account()
    }

    fn account(&self) -> Result<()> {
        self.table.account(self.own_memory())
    }

    /// Gives back the buffers of the encoded rows, which are as large as the largest batch.
    fn release_buffers(&mut self) {
        self.key_rows = self.keys.empty();
        self.value_rows = self.values.empty();
        self.hashes = vec![];
    }

    fn own_memory(&self) -> usize {
        let rows = self.key_rows.memory() + self.value_rows.memory();
        rows + self.hashes.capacity() * size_of::<u64>() + self.changes_memory
    }
}

/// Why the rows of a file cannot be applied.
#[derive(Debug)]
pub(in crate::state) enum LoadError {
    /// Something is wrong with the file.
    Malformed(String),
    /// Something else went wrong.
    Other(Error),
}

impl From<Error> for LoadError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// The key group of a key: its hash, which is XXH64 with seed 0 as for the shuffle.
const fn group_of(hash: u64) -> u8 {
    (hash % KEY_GROUPS as u64) as u8
}

/// How many rows there are. Without key columns there is one key, and it is asked for once.
fn rows_of(keys: &[ArrayRef], values: &[ArrayRef]) -> usize {
    keys.iter().chain(values).next().map_or(1, Array::len)
}

fn time_at(times: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    times.is_valid(row).then(|| times.value(row))
}

fn check_time(schema: &StateSchema) -> Result<()> {
    let is_time =
        |data_type: &DataType| matches!(data_type, DataType::Timestamp(TimeUnit::Microsecond, _));
    let type_of = |column: usize| schema.key.fields().get(column).map(|field| field.data_type());
    let fits = match schema.time {
        None => true,
        Some(TimeColumn::Timestamp(column)) => type_of(column).is_some_and(is_time),
        Some(TimeColumn::Window(column)) => match type_of(column) {
            Some(DataType::Struct(fields)) => {
                fields.iter().any(|field| field.name() == "end" && is_time(field.data_type()))
            }
            _ => false,
        },
    };
    if fits {
        return Ok(());
    }
    let (time, key) = (schema.time, &schema.key);
    Err(Error::internal(format!("{time:?} is no event time in microseconds of the key {key:?}")))
}

/// The event time of each key; null for a key that has none. The keys fit the schema.
fn event_times(
    time: TimeColumn,
    schema: &Schema,
    keys: &[ArrayRef],
) -> Result<TimestampMicrosecondArray> {
    let times = match time {
        TimeColumn::Timestamp(column) => keys
            .get(column)
            .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
            .cloned(),
        TimeColumn::Window(column) => {
            keys.get(column).and_then(|window| window_ends(schema.field(column), window))
        }
    };
    times.ok_or_else(|| Error::internal("the key has no event time where its schema says"))
}

fn window_ends(field: &Field, windows: &ArrayRef) -> Option<TimestampMicrosecondArray> {
    let DataType::Struct(fields) = field.data_type() else {
        return None;
    };
    let windows = windows.as_struct_opt()?;
    let end = fields.iter().position(|field| field.name() == "end")?;
    let ends = windows.columns().get(end)?.as_primitive_opt::<TimestampMicrosecondType>()?;
    let nulls = NullBuffer::union(windows.nulls(), ends.nulls());
    Some(TimestampMicrosecondArray::new(ends.values().clone(), nulls))
}

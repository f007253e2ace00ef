//! The static side: all its rows, found by key.

use std::hash::BuildHasher;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use arrow::row::{RowConverter, Rows, SortField};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_expr::PhysicalExprRef;
use hashbrown::{DefaultHashBuilder, HashTable};

use crate::equality::normalized;
use crate::error::Result;

/// No further row.
pub(super) const END: u32 = u32::MAX;

/// The rows of the static side, and for each key the rows that have it.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) rows: RecordBatch,
    /// Whether a row has a null as a key, which NOT IN has to know.
    pub(super) has_null_key: bool,
    keys: Option<Keys>,
    /// Given back when the run ends.
    _memory: MemoryReservation,
}

#[derive(Debug)]
struct Keys {
    encoded: Rows,
    /// The first row of each key.
    first: HashTable<u32>,
    /// For each row the next with the same key.
    next: Vec<u32>,
    hasher: DefaultHashBuilder,
}

impl Built {
    /// Hashes rows by `keys`; without keys every row is found.
    ///
    /// # Errors
    /// Those of evaluating the keys, and of a memory pool that has no room.
    pub(super) fn new(
        batches: &[RecordBatch],
        schema: &arrow::datatypes::SchemaRef,
        (keys, nulls_match): (&[PhysicalExprRef], bool),
        memory: MemoryReservation,
    ) -> Result<Self> {
        let rows = concat_batches(schema, batches)?;
        memory.try_grow(rows.get_array_memory_size())?;
        if keys.is_empty() {
            return Ok(Self { rows, has_null_key: false, keys: None, _memory: memory });
        }
        let columns = evaluate(keys, &rows)?;
        let encoded = converter(&columns)?.convert_columns(&columns)?;
        memory.try_grow(encoded.size() + rows.num_rows() * 2 * size_of::<u32>())?;
        let hasher = DefaultHashBuilder::default();
        let mut first: HashTable<u32> = HashTable::with_capacity(rows.num_rows());
        let mut next = vec![END; rows.num_rows()];
        let mut has_null_key = false;
        // From the last to the first, so that the rows of a key are found in their order.
        for row in (0..rows.num_rows()).rev() {
            if columns.iter().any(|column| column.is_null(row)) {
                has_null_key = true;
                if !nulls_match {
                    continue;
                }
            }
            let key = encoded.row(row);
            let at = row as u32;
            let hash = |row: &u32| hasher.hash_one(encoded.row(*row as usize).as_ref());
            match first.entry(
                hasher.hash_one(key.as_ref()),
                |known| encoded.row(*known as usize) == key,
                hash,
            ) {
                hashbrown::hash_table::Entry::Occupied(mut known) => {
                    next[row] = *known.get();
                    *known.get_mut() = at;
                }
                hashbrown::hash_table::Entry::Vacant(place) => {
                    place.insert(at);
                }
            }
        }
        let keys = Some(Keys { encoded, first, next, hasher });
        Ok(Self { rows, has_null_key, keys, _memory: memory })
    }

    /// The first row that a key may match, or [`END`].
    pub(super) fn first(&self, key: Option<&[u8]>) -> u32 {
        match (&self.keys, key) {
            (Some(keys), Some(key)) => keys
                .first
                .find(keys.hasher.hash_one(key), |known| {
                    keys.encoded.row(*known as usize).as_ref() == key
                })
                .copied()
                .unwrap_or(END),
            (Some(_), None) => END,
            (None, _) => self.bounded(0),
        }
    }

    /// The next row that matches as `row` does, or [`END`].
    pub(super) fn next(&self, row: u32) -> u32 {
        match &self.keys {
            Some(keys) => keys.next[row as usize],
            None => self.bounded(row + 1),
        }
    }

    fn bounded(&self, row: u32) -> u32 {
        if (row as usize) < self.rows.num_rows() { row } else { END }
    }
}

/// The values of key expressions, those that are equal in one form.
///
/// # Errors
/// Those of the expressions.
pub(super) fn evaluate(keys: &[PhysicalExprRef], rows: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let value = |key: &PhysicalExprRef| {
        let values = key.evaluate(rows)?.into_array(rows.num_rows())?;
        Ok(normalized(&values)?)
    };
    keys.iter().map(value).collect()
}

/// Turns keys of these types into bytes that are equal when the keys are.
///
/// # Errors
/// Those of types that cannot be keys.
pub(super) fn converter(keys: &[ArrayRef]) -> Result<RowConverter> {
    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
    Ok(RowConverter::new(fields)?)
}

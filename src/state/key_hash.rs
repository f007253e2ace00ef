//! The hash of keys, for those who send rows to the partition that owns them.
//!
//! It is the one that the state goes by, so it is computed once and travels with the row.

use arrow::array::{ArrayRef, UInt64Array};
use arrow::datatypes::SchemaRef;

use crate::checkpoint::key_group::key_hash;
use crate::error::Result;
use crate::state::row_codec::{EncodedRows, RowCodec};

/// Hashes the keys of one schema.
#[derive(Debug)]
pub struct KeyHasher {
    codec: RowCodec,
    rows: EncodedRows,
}

impl KeyHasher {
    /// A hasher of keys with these columns.
    ///
    /// # Errors
    /// `Unsupported` for a type that cannot be kept in state.
    pub fn try_new(key: &SchemaRef) -> Result<Self> {
        let codec = RowCodec::try_new(key)?;
        let rows = codec.empty();
        Ok(Self { codec, rows })
    }

    /// The hashes of so many keys.
    ///
    /// # Errors
    /// `Internal` for columns that do not fit the schema.
    pub fn hash(&mut self, keys: &[ArrayRef], rows: usize) -> Result<UInt64Array> {
        self.codec.encode(keys, rows, &mut self.rows)?;
        let rows = 0..self.rows.len();
        Ok(UInt64Array::from_iter_values(rows.map(|row| key_hash(self.rows.get(row)))))
    }
}

//! Columns to rows of bytes and back, by arrow-row.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};

use crate::error::{Error, Result};

/// Encodes the columns of one schema.
///
/// A schema without columns has rows too: each is no bytes. Arrow-row knows no such rows, so they
/// are made here.
#[derive(Debug)]
pub(super) struct RowCodec {
    converter: RowConverter,
    schema: SchemaRef,
}

/// Rows of bytes. Kept from batch to batch, so that their buffers are allocated once.
#[derive(Debug)]
pub(super) struct EncodedRows {
    rows: Rows,
    /// The rows, where there are no columns.
    bare: Option<usize>,
}

impl EncodedRows {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.bare.unwrap_or_else(|| self.rows.num_rows())
    }

    /// The bytes of a row.
    pub(super) fn get(&self, row: usize) -> &[u8] {
        if self.bare.is_some() { &[] } else { self.rows.row(row).data() }
    }

    /// The bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.rows.size()
    }
}

impl RowCodec {
    /// A codec for columns of this schema.
    pub(super) fn try_new(schema: &SchemaRef) -> Result<Self> {
        for field in schema.fields() {
            if !comes_back(field.data_type()) {
                return Err(Error::unsupported(format!(
                    "column `{}` of type `{}` cannot be kept in state; cast it to a plain type",
                    field.name(),
                    field.data_type()
                )));
            }
        }
        let fields = schema.fields().iter().map(|f| SortField::new(f.data_type().clone()));
        Ok(Self { converter: RowConverter::new(fields.collect())?, schema: Arc::clone(schema) })
    }

    /// The schema of the columns.
    pub(super) const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// No rows.
    pub(super) fn empty(&self) -> EncodedRows {
        let bare = self.schema.fields().is_empty().then_some(0);
        EncodedRows { rows: self.converter.empty_rows(0, 0), bare }
    }

    /// Encodes columns of `len` rows in place of what `rows` held.
    pub(super) fn encode(
        &self,
        columns: &[ArrayRef],
        len: usize,
        rows: &mut EncodedRows,
    ) -> Result<()> {
        if let Some(column) = columns.iter().find(|column| column.len() != len) {
            let found = column.len();
            return Err(Error::internal(format!("{found} state rows where {len} are expected")));
        }
        if rows.bare.is_some() && columns.is_empty() {
            rows.bare = Some(len);
            return Ok(());
        }
        rows.rows.clear();
        self.converter
            .append(&mut rows.rows, columns)
            .map_err(|error| Error::internal(format!("columns do not fit the state: {error}")))
    }

    /// Decodes rows that this codec encoded.
    pub(super) fn decode<'a>(&self, rows: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        if self.schema.fields().is_empty() {
            return Ok(vec![]);
        }
        let parser = self.converter.parser();
        let rows: Vec<&[u8]> = rows.collect();
        self.converter
            .convert_rows(rows.into_iter().map(|row| parser.parse(row)))
            .map_err(|error| Error::internal(format!("state rows cannot be read back: {error}")))
    }
}

/// Whether a column comes back from rows as it went in. Dictionaries and runs come back as plain
/// columns.
fn comes_back(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, _) | DataType::RunEndEncoded(_, _) | DataType::Union(_, _) => false,
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::FixedSizeList(field, _)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::Map(field, _) => comes_back(field.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| comes_back(field.data_type())),
        _ => true,
    }
}

//! The files of a version: what changed in an epoch, and whole images, in one form.
//!
//! ```text
//! <key columns>...  <value columns>...  _deleted BOOLEAN  _group TINYINT UNSIGNED
//! ```
//!
//! It is the Arrow IPC file format with the version of this layout in the metadata of its schema,
//! so that pyarrow and `DuckDB` read it too. Rows apply in order: a later row of a key wins, a
//! deleted one has no values. The group is the key group of the row, so that a reader that owns
//! other groups than the writer finds its rows; it also shows when keys are not encoded as they
//! were. A snapshot has the same columns and deletes nothing.
//!
//! Files are not compressed: most hold one epoch of one partition, a few kilobytes, where the
//! codec costs more than it saves, and fixed-width state does not shrink enough to pay for it.

use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt8Array, new_null_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use bytes::Bytes;

use crate::error::Result;
use crate::state::schema::StateSchema;

const FORMAT_KEY: &str = "millstream.state";
const FORMAT: &str = "1";

/// Small changes are gathered up to so many rows for one batch of a file.
const BATCH_ROWS: usize = 8192;

/// Rows that were put, or keys that were removed.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// The key columns.
    pub(super) keys: Vec<ArrayRef>,
    /// The value columns; none where the keys were removed.
    pub(super) values: Option<Vec<ArrayRef>>,
    /// The key group of each row.
    pub(super) groups: UInt8Array,
}

/// The form of the files of one store.
#[derive(Debug, Clone)]
pub(super) struct FileFormat {
    schema: SchemaRef,
    keys: usize,
}

/// A batch of a file.
#[derive(Debug)]
pub(super) struct FileBatch {
    /// The key columns.
    pub(super) keys: Vec<ArrayRef>,
    /// The value columns.
    pub(super) values: Vec<ArrayRef>,
    /// Whether the row was removed.
    pub(super) deleted: BooleanArray,
    /// The key group of the row.
    pub(super) groups: UInt8Array,
}

impl FileFormat {
    /// The form of files with rows of this schema.
    pub(super) fn new(schema: &StateSchema) -> Self {
        let mut taken: HashSet<String> =
            ["_deleted", "_group"].into_iter().map(str::to_owned).collect();
        let keys = schema.key.fields().iter().map(|field| field.as_ref().clone());
        // A deleted row has no values, whatever the column says.
        let values =
            schema.value.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let mut fields: Vec<Field> =
            keys.chain(values).map(|field| with_own_name(field, &mut taken)).collect();
        fields.push(Field::new("_deleted", DataType::Boolean, false));
        fields.push(Field::new("_group", DataType::UInt8, false));
        let metadata = HashMap::from([(FORMAT_KEY.to_owned(), FORMAT.to_owned())]);
        let schema_with = Schema::new(fields).with_metadata(metadata);
        Self { schema: Arc::new(schema_with), keys: schema.key.fields().len() }
    }

    /// How many columns are of the key.
    pub(super) const fn keys(&self) -> usize {
        self.keys
    }

    /// The bytes of a file with these changes.
    pub(super) fn encode(&self, changes: &[Change]) -> Result<Vec<u8>> {
        let mut writer = FileEncoder::try_new(self)?;
        let mut gathered = vec![];
        let mut rows = 0;
        for change in changes {
            rows += change.groups.len();
            gathered.push(self.batch(change)?);
            if rows >= BATCH_ROWS {
                writer.write(&concat_batches(&self.schema, &gathered)?)?;
                gathered.clear();
                rows = 0;
            }
        }
        if rows > 0 {
            writer.write(&concat_batches(&self.schema, &gathered)?)?;
        }
        writer.finish()
    }

    /// One change as a batch of a file.
    pub(super) fn batch(&self, change: &Change) -> Result<RecordBatch> {
        let rows = change.groups.len();
        let mut columns = change.keys.clone();
        match &change.values {
            Some(values) => columns.extend(values.iter().map(Arc::clone)),
            None => {
                let fields = &self.schema.fields()[self.keys..self.schema.fields().len() - 2];
                columns.extend(fields.iter().map(|field| new_null_array(field.data_type(), rows)));
            }
        }
        columns.push(Arc::new(BooleanArray::from(vec![change.values.is_none(); rows])));
        columns.push(Arc::new(change.groups.clone()));
        Ok(batch_of(&self.schema, columns, rows)?)
    }

    /// The batches of a file; the text of an error says what is wrong with the file.
    pub(super) fn decode(
        &self,
        bytes: Bytes,
    ) -> Result<impl Iterator<Item = Result<FileBatch, String>>, String> {
        let reader = FileReader::try_new(Cursor::new(bytes), None)
            .map_err(|error| format!("it is not an Arrow IPC file: {error}"))?;
        self.check(&reader.schema())?;
        let keys = self.keys;
        Ok(reader.map(move |batch| {
            let batch = batch.map_err(|error| format!("a batch cannot be read: {error}"))?;
            let columns = batch.columns();
            let (rows, marks) = columns.split_at(columns.len() - 2);
            Ok(FileBatch {
                keys: rows[..keys].to_vec(),
                values: rows[keys..].to_vec(),
                deleted: marks[0].as_boolean().clone(),
                groups: marks[1].as_primitive::<UInt8Type>().clone(),
            })
        }))
    }

    fn check(&self, found: &Schema) -> Result<(), String> {
        match found.metadata().get(FORMAT_KEY).map(String::as_str) {
            Some(FORMAT) => (),
            Some(other) => {
                return Err(format!("it has format version {other}, this release reads {FORMAT}"));
            }
            None => return Err(format!("its schema has no `{FORMAT_KEY}`: not a state file")),
        }
        let same =
            found.fields().len() == self.schema.fields().len()
                && found.fields().iter().zip(self.schema.fields()).all(|(found, expected)| {
                    found.data_type().equals_datatype(expected.data_type())
                });
        if same {
            return Ok(());
        }
        let types = |schema: &Schema| {
            let types = schema.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type()));
            types.collect::<Vec<_>>().join(", ")
        };
        let (expected, found) = (types(&self.schema), types(found));
        Err(format!("expected the columns ({expected}), found ({found})"))
    }
}

/// Writes a file batch by batch.
pub(super) struct FileEncoder(FileWriter<Vec<u8>>);

impl FileEncoder {
    /// Begins a file.
    pub(super) fn try_new(format: &FileFormat) -> Result<Self> {
        Ok(Self(FileWriter::try_new(vec![], &format.schema)?))
    }

    /// Adds a batch.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.0.write(batch)?)
    }

    /// Ends the file and gives its bytes.
    pub(super) fn finish(self) -> Result<Vec<u8>> {
        Ok(self.0.into_inner()?)
    }
}

/// A batch of columns whose nested names may differ from those of the schema.
pub(super) fn batch_of(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, ArrowError> {
    let options =
        RecordBatchOptions::new().with_row_count(Some(rows)).with_match_field_names(false);
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}

/// Some readers insist on distinct names, which a state need not have.
fn with_own_name(field: Field, taken: &mut HashSet<String>) -> Field {
    let mut name = field.name().clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{}_{number}", field.name());
        number += 1;
    }
    field.with_name(name)
}

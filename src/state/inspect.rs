//! What the files of a version hold, counted without opening a store: for people who look at a
//! checkpoint. Nothing is written, and no memory of the engine's is used.

use std::collections::HashSet;
use std::io::Cursor;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::FileReader;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::checkpoint::commit_log::StateCommit;
use crate::connector::storage::Location;
use crate::error::{Error, Result};
use crate::runtime::task;
use crate::state::changelog::FileFormat;
use crate::state::file::{self, FileName};
use crate::state::row_codec::RowCodec;
use crate::state::schema::StateSchema;

/// The state of one partition after an epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartitionSummary {
    /// The partition.
    pub partition: u32,
    /// How many keys have a row.
    pub rows: u64,
    /// The bytes of the files that make up the version.
    pub bytes: u64,
    /// How many files these are.
    pub files: usize,
    /// The version that the snapshot among them holds, if one is.
    pub last_snapshot: Option<u64>,
}

/// Counts what a partition holds: reads its files, of which the first `keys` columns are the key.
///
/// # Errors
/// `Corrupt`, naming the file, for one that is missing, damaged, or no state file; `Storage`.
pub async fn summarize(
    operator: &Location,
    commit: &StateCommit,
    keys: usize,
) -> Result<PartitionSummary> {
    let mut live = LiveKeys::default();
    for state_file in &commit.files {
        let bytes = file::read(operator, state_file).await?;
        let path = file::locate(operator, state_file).given;
        live = task::block(move || {
            live.apply(bytes, keys).map_err(|reason| Error::corrupt(path, reason))?;
            Ok(live)
        })
        .await?;
    }
    let snapshots = commit.files.iter().filter(|file| FileName::is_snapshot(file));
    let newest = snapshots.filter_map(|file| FileName::parse(&file.path)).next_back();
    Ok(PartitionSummary {
        partition: commit.partition.0,
        rows: live.keys.len() as u64,
        bytes: commit.files.iter().map(|file| file.length).sum(),
        files: commit.files.len(),
        last_snapshot: newest.map(|name| name.version.0),
    })
}

/// The keys that have a row after the files so far.
#[derive(Debug, Default)]
struct LiveKeys {
    codec: Option<RowCodec>,
    keys: HashSet<Box<[u8]>>,
}

impl LiveKeys {
    /// The text of an error says what is wrong with the file.
    fn apply(&mut self, bytes: Bytes, keys: usize) -> Result<(), String> {
        let schema = schema_of(bytes.clone(), keys)?;
        let codec = match &mut self.codec {
            Some(codec) => codec,
            none => none.insert(RowCodec::try_new(&schema.key).map_err(|e| e.to_string())?),
        };
        let mut rows = codec.empty();
        for batch in FileFormat::new(&schema).decode(bytes)? {
            let batch = batch?;
            codec.encode(&batch.keys, batch.deleted.len(), &mut rows).map_err(|e| e.to_string())?;
            for row in 0..rows.len() {
                if batch.deleted.value(row) {
                    self.keys.remove(rows.get(row));
                } else if !self.keys.contains(rows.get(row)) {
                    self.keys.insert(rows.get(row).into());
                }
            }
        }
        Ok(())
    }
}

/// The columns of a file, of which the first `keys` are the key and the last two marks of rows.
fn schema_of(bytes: Bytes, keys: usize) -> Result<StateSchema, String> {
    let reader = FileReader::try_new(Cursor::new(bytes), None)
        .map_err(|error| format!("it is not an Arrow IPC file: {error}"))?;
    let schema = reader.schema();
    let fields = schema.fields();
    if fields.len() < keys + 2 {
        let found = fields.len();
        return Err(format!("it has {found} columns, fewer than its key and its marks need"));
    }
    let columns =
        |from: usize, to: usize| -> SchemaRef { Arc::new(Schema::new(fields[from..to].to_vec())) };
    let (key, value) = (columns(0, keys), columns(keys, fields.len() - 2));
    Ok(StateSchema { key, value, time: None })
}

//! The identity of a query, which its checkpoint keeps over restarts.
//!
//! ```text
//! metadata        {"id":"5d1c...","formatVersion":1}
//! ```

use serde::{Deserialize, Serialize};

use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::{log_file, seal};
use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// The version of the checkpoint's layout that is made, and the only one that is read.
const FORMAT_VERSION: u32 = 1;

/// What `metadata` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryMetadata {
    /// The id of the query.
    pub id: String,
    /// The version of the checkpoint's layout.
    pub format_version: u32,
}

impl QueryMetadata {
    /// The metadata of the checkpoint, if there are some.
    ///
    /// # Errors
    /// As [`load_or_create`](Self::load_or_create).
    pub async fn load(checkpoint: &Checkpoint) -> Result<Option<Self>> {
        let file = checkpoint.metadata();
        match log_file::read(&file).await? {
            Some(text) => parse(&text, &file).map(Some),
            None => check_no_logs(checkpoint, &file).await.map(|()| None),
        }
    }

    /// The metadata of the checkpoint; made with `new_id` when the checkpoint is new.
    ///
    /// # Errors
    /// `Corrupt` when the checkpoint has logs but no metadata, or metadata that cannot be read or
    /// are of a later format; `Storage`.
    pub async fn load_or_create(checkpoint: &Checkpoint, new_id: &str) -> Result<Self> {
        if let Some(found) = Self::load(checkpoint).await? {
            return Ok(found);
        }
        let file = checkpoint.metadata();
        let made = Self { id: new_id.to_owned(), format_version: FORMAT_VERSION };
        let text = serde_json::to_string(&made)
            .map_err(|error| Error::internal(format!("metadata have no JSON form: {error}")))?;
        match log_file::create(&file, seal::sealed(text, &file)).await {
            Ok(()) => Ok(made),
            // Another run started at the same time; both go by the id that came first.
            Err(Error::AlreadyExists { path }) => match log_file::read(&file).await? {
                Some(text) => parse(&text, &file),
                None => Err(Error::corrupt(path, "it was removed while the query started")),
            },
            Err(error) => Err(error),
        }
    }
}

/// Without its metadata a checkpoint with logs is not whole, and would get a second identity.
async fn check_no_logs(checkpoint: &Checkpoint, file: &Location) -> Result<()> {
    let newest = [
        ("offsets", checkpoint.offsets().latest().await?),
        ("commits", checkpoint.commits().latest().await?),
    ];
    for (log, newest) in newest {
        if let Some(epoch) = newest {
            return Err(Error::corrupt(
                &file.given,
                format!(
                    "it is missing, though `{log}/{epoch}` is there; bring it back, or start with \
                     a new checkpoint location"
                ),
            ));
        }
    }
    Ok(())
}

fn parse(text: &str, file: &Location) -> Result<QueryMetadata> {
    let text = seal::opened(text, file)?;
    let damaged = |reason: String| Error::corrupt(&file.given, reason);
    let json: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| damaged(format!("it should be a JSON object: {error}")))?;
    // The version comes first: another format may have other fields.
    match json.get("formatVersion").and_then(serde_json::Value::as_u64) {
        Some(version) if version == u64::from(FORMAT_VERSION) => serde_json::from_value(json)
            .map_err(|error| damaged(format!("its fields are not those of a query: {error}"))),
        Some(version) => Err(damaged(format!(
            "its format version is {version}, but this release reads {FORMAT_VERSION}; use the \
             release that wrote it"
        ))),
        None => {
            Err(damaged("it has no `formatVersion`; it is not a checkpoint of ours".to_owned()))
        }
    }
}

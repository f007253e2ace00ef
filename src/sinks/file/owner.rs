//! The query that owns an output folder.
//!
//! ```text
//! _spark_metadata/.query   v1
//!                          {"queryId":"6f0d..."}
//! ```
//!
//! The log of a folder counts epochs, and those of two queries have the same numbers: without an
//! owner the rows of the second query would be taken for ones that are there already. The name is
//! hidden, so that readers of the log pass it by.
//!
//! A query that comes to a folder later than with its epoch 0 says so by `"firstEpoch":7`: until
//! then a log without entries is no loss.

use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutOptions};
use serde::{Deserialize, Serialize};

use crate::checkpoint::seal;
use crate::connector::storage::Location;
use crate::error::{Error, Result};

const VERSION: &str = "v1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner {
    query_id: String,
    /// The epoch with which the query came, where it was not 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first_epoch: Option<u64>,
}

/// The owner of the folder with this log, which is the query, if it has one.
///
/// # Errors
/// `Invalid` when it is another query; `Corrupt` when the file cannot be read as one of ours;
/// `Storage`.
pub(super) async fn check(
    log: &Location,
    folder: &Location,
    query_id: &str,
) -> Result<Option<Owner>> {
    let file = file(log);
    let bytes = match file.store.get(&file.path).await {
        Ok(found) => found.bytes().await,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => Err(error),
    }
    .map_err(|error| failed("read", &file, error))?;
    let owner = parse(&file, &bytes)?;
    if owner.query_id == query_id {
        return Ok(Some(owner));
    }
    Err(Error::invalid(format!(
        "`{}` holds the output of another streaming query; write to another path, or start this \
         query from the checkpoint of that one, or remove the folder",
        folder.given
    )))
}

/// Makes the query the owner of a folder that has none.
///
/// # Errors
/// As [`check`], when another query was first.
pub(super) async fn claim(
    log: &Location,
    folder: &Location,
    query_id: &str,
    first_epoch: Option<u64>,
) -> Result<()> {
    let file = file(log);
    let owner = serde_json::to_string(&Owner { query_id: query_id.to_owned(), first_epoch })
        .map_err(|error| Error::internal(format!("an owner has no JSON form: {error}")))?;
    let text = seal::sealed(format!("{VERSION}\n{owner}\n"), &file);
    match file.store.put_opts(&file.path, text.into(), PutOptions::from(PutMode::Create)).await {
        Ok(_) => Ok(()),
        Err(StoreError::AlreadyExists { .. }) => check(log, folder, query_id).await.map(drop),
        Err(error) => Err(failed("write", &file, error)),
    }
}

fn file(log: &Location) -> Location {
    log.child(".query")
}

fn parse(file: &Location, bytes: &[u8]) -> Result<Owner> {
    let text = String::from_utf8_lossy(bytes);
    let text = seal::opened(&text, file)?;
    let (version, body) = text.split_once('\n').unwrap_or_else(|| (text.as_ref(), ""));
    if version != VERSION {
        return Err(Error::corrupt(
            &file.given,
            format!("its first line should be `{VERSION}`; remove the file if its query is gone"),
        ));
    }
    serde_json::from_str(body).map_err(|error| Error::corrupt(&file.given, error.to_string()))
}

fn failed(action: &'static str, file: &Location, error: StoreError) -> Error {
    Error::Storage { action, path: file.given.clone(), source: Box::new(error) }
}

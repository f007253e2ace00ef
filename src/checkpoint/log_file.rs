//! One file of a log: a version line, then JSON. Written once, never changed.
//!
//! ```text
//! v1
//! {"path":"file:///in/a.json","timestamp":1700000000000,"batchId":0}
//! ```
//!
//! There is no line break at the end, as Spark has none. The last entry carries the seal of the
//! file ([`seal`](crate::checkpoint::seal)), so that a file that was damaged, or put in the place of
//! another, is told.

use object_store::{
    Error as StoreError, ListResult, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::checkpoint::seal;
use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// The version of the files that are written, and the only one that is read.
const VERSION: u32 = 1;

/// The text of a file with one line of JSON for each entry, sealed.
pub(crate) fn render<T: Serialize>(entries: &[T], file: &Location) -> Result<String> {
    let mut text = format!("v{VERSION}");
    for entry in entries {
        let line = serde_json::to_string(entry)
            .map_err(|error| Error::internal(format!("a log entry has no JSON form: {error}")))?;
        text.push('\n');
        text.push_str(&line);
    }
    Ok(seal::sealed(text, file))
}

/// The entries in a file, one for each line.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, file: &Location) -> Result<Vec<T>> {
    let text = seal::opened(text, file)?;
    let lines = body(&text, file)?.lines().enumerate();
    lines
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| {
                Error::corrupt(&file.given, format!("line {} is no entry: {error}", at + 2))
            })
        })
        .collect()
}

/// The only entry in a file.
pub(crate) fn parse_one<T: DeserializeOwned>(text: &str, file: &Location) -> Result<T> {
    let text = seal::opened(text, file)?;
    serde_json::from_str(body(&text, file)?).map_err(|error| {
        Error::corrupt(&file.given, format!("what follows its version line is no entry: {error}"))
    })
}

/// What follows the version line.
fn body<'a>(text: &'a str, file: &Location) -> Result<&'a str> {
    let damaged = |reason: String| Err(Error::corrupt(&file.given, reason));
    if text.is_empty() {
        return damaged(format!("it is empty; it should begin with the line `v{VERSION}`"));
    }
    let (line, body) = text.split_once('\n').unwrap_or((text, ""));
    match line.strip_prefix('v').and_then(|digits| digits.parse::<u32>().ok()) {
        Some(VERSION) => Ok(body),
        Some(later) if later > VERSION => damaged(format!(
            "its format is v{later}, but this release reads v{VERSION}; use the release that \
             wrote it"
        )),
        _ => {
            let line: String = line.chars().take(40).collect();
            damaged(format!("its first line is `{line}`; it should be `v{VERSION}`"))
        }
    }
}

/// The text of a file, if it is there.
pub(crate) async fn read(file: &Location) -> Result<Option<String>> {
    let bytes = match file.store.get(&file.path).await {
        Ok(found) => found.bytes().await.map_err(|error| failed("read", file, error))?,
        Err(StoreError::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(failed("read", file, error)),
    };
    let text = String::from_utf8(bytes.into())
        .map_err(|error| Error::corrupt(&file.given, format!("it is not text: {error}")))?;
    Ok(Some(text))
}

/// Writes a file that must not be there yet.
pub(crate) async fn create(file: &Location, text: String) -> Result<()> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match file.store.put_opts(&file.path, PutPayload::from(text), options).await {
        Ok(_put) => Ok(()),
        Err(StoreError::AlreadyExists { .. }) => {
            Err(Error::AlreadyExists { path: file.given.clone() })
        }
        Err(error) => Err(failed("write", file, error)),
    }
}

/// Whether a file is there.
pub(crate) async fn exists(file: &Location) -> Result<bool> {
    match file.store.head(&file.path).await {
        Ok(_meta) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(failed("read", file, error)),
    }
}

/// Removes a file; one that has gone already is fine.
pub(crate) async fn remove(file: &Location) -> Result<()> {
    match file.store.delete(&file.path).await {
        Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
        Err(error) => Err(failed("remove", file, error)),
    }
}

/// The names of the files in a folder; none where there is no folder.
pub(crate) async fn names(folder: &Location) -> Result<Vec<String>> {
    let objects = list(folder).await?.objects;
    Ok(objects.iter().filter_map(|object| object.location.filename()).map(str::to_owned).collect())
}

/// What is in a folder; nothing where there is no folder.
pub(crate) async fn list(folder: &Location) -> Result<ListResult> {
    let listed = folder.store.list_with_delimiter(Some(&folder.path)).await;
    listed.map_err(|error| failed("list", folder, error))
}

/// The epoch that a name stands for: plain digits, as they are written.
pub(crate) fn epoch_of(name: &str) -> Option<u64> {
    let epoch: u64 = name.parse().ok()?;
    (epoch.to_string() == name).then_some(epoch)
}

fn failed(action: &'static str, file: &Location, error: StoreError) -> Error {
    Error::Storage { action, path: file.given.clone(), source: error.into() }
}

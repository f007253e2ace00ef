//! Whether a file is still what the sink that wrote it has logged.
//!
//! A file that was cut short or swapped may well be one of its format: only the log can tell that
//! rows are missing. The length costs one question to the store, so it is always looked at; the
//! checksum costs a read of the whole file, so it is looked at where the user asks for it.

use crc32fast::Hasher;
use futures::TryStreamExt;
use object_store::{Error as StoreError, ObjectStoreExt};

use crate::error::Result;
use crate::formats::format::InputFile;
use crate::sources::file::partition::Logged;

/// Checks the length of a file, whose logged length is that of `file`, and its checksum if that is
/// wanted and known. A file that is gone is left to its reader.
///
/// # Errors
/// `Data` naming the file; `Storage`.
pub(super) async fn verify(file: &InputFile, logged: Logged, checksum: bool) -> Result<()> {
    let found = match file.store.head(&file.path).await {
        Ok(found) => found.size,
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(file.failed(error)),
    };
    if found != file.size {
        return Err(file.data(format!(
            "it has {found} bytes, but the log of the sink that wrote it says {}; bring it back \
             from a copy, or leave such files out by `ignoreCorruptFiles`",
            file.size
        )));
    }
    match logged.crc32 {
        Some(crc32) if checksum && crc32 != checksum_of(file).await? => Err(file.data(
            "it does not have the checksum that the log of the sink that wrote it says; bring it \
             back from a copy, or leave such files out by `ignoreCorruptFiles`",
        )),
        _ => Ok(()),
    }
}

async fn checksum_of(file: &InputFile) -> Result<u32> {
    let read = file.store.get(&file.path).await.map_err(|error| file.failed(error))?;
    let mut bytes = read.into_stream();
    let mut hasher = Hasher::new();
    while let Some(chunk) = bytes.try_next().await.map_err(|error| file.failed(error))? {
        hasher.update(&chunk);
    }
    Ok(hasher.finalize())
}

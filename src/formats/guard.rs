//! Readers that panic over some damaged files, made to fail as they do over others.
//!
//! The readers of Arrow and parquet take some of what stands in a file for granted. A file is not
//! to be trusted so far: the error has to name it, and the option `ignoreCorruptFiles` has to hold
//! for it. What has panicked is dropped, and nothing of it is looked at again.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use arrow::array::RecordBatch;
use futures::future::FutureExt;
use futures::stream::{Stream, StreamExt};

use crate::error::{Error, Result};
use crate::formats::format::InputFile;

/// What `work` with a file gives; a panic is an error of the file.
pub(super) async fn guarded<T>(
    file: &InputFile,
    work: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    outcome.unwrap_or_else(|panic| Err(broken(file, panic.as_ref())))
}

/// The rows of a file; a panic is an error of the file, and the end of its rows.
pub(super) fn guarded_rows(
    file: InputFile,
    rows: impl Stream<Item = Result<RecordBatch>> + Send,
) -> impl Stream<Item = Result<RecordBatch>> + Send {
    AssertUnwindSafe(rows)
        .catch_unwind()
        .map(move |batch| batch.unwrap_or_else(|panic| Err(broken(&file, panic.as_ref()))))
}

fn broken(file: &InputFile, panic: &(dyn Any + Send)) -> Error {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it says no more");
    file.data(format!("it is damaged in a way that its reader does not expect: {said}"))
}

#[cfg(test)]
pub(super) mod damage {
    //! Damaged files for the tests of formats.

    use std::sync::Arc;

    use futures::TryStreamExt;
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};

    use super::*;
    use crate::formats::format::{FileFormat, ReadRequest};

    /// A file with these bytes.
    pub(in crate::formats) async fn file(bytes: Vec<u8>) -> InputFile {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let (path, size) = (Path::from("f"), bytes.len() as u64);
        store.put(&path, bytes.into()).await.unwrap();
        InputFile { store, path, size, url: "memory:///f".to_owned() }
    }

    /// What may become of a byte.
    const CHANGES: [fn(u8) -> u8; 5] =
        [|byte| byte ^ 1, |byte| byte ^ 0x80, |_| 0, |_| 0x7F, |_| 0xFF];

    /// Changes each byte of a file in so many ways, and reads what comes of it: that gives rows,
    /// or an error of the data. How many of the reads failed.
    pub(in crate::formats) async fn each_byte_changed(
        format: &dyn FileFormat,
        bytes: &[u8],
        request: &ReadRequest,
        ways: usize,
    ) -> usize {
        let mut failures = 0;
        for at in 0..bytes.len() {
            for way in 0..ways {
                let mut changed = bytes.to_vec();
                changed[at] = CHANGES[(at + way) % CHANGES.len()](changed[at]);
                let file = file(changed).await;
                let check = |error: Error| {
                    assert!(matches!(error, Error::Data { .. }), "at {at}: {error}");
                };
                if let Err(error) = format.infer_schema(std::slice::from_ref(&file)).await {
                    check(error);
                }
                let rows = format.read(file, request).try_collect::<Vec<_>>().await;
                if let Err(error) = rows {
                    failures += 1;
                    check(error.into());
                }
            }
        }
        failures
    }
}

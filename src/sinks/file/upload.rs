//! The bytes of one file on their way to the store: one put where they are few, and an upload in
//! parts where they are many. Either way the file is there when it is whole and not before.

use bytes::Bytes;
use crc32fast::Hasher;
use object_store::{
    Error as StoreError, ObjectStoreExt, PutPayload, Result as StoreResult, WriteMultipart,
};

use crate::connector::storage::Location;
use crate::error::{Error, Result};

/// From this size on a file goes up in parts.
const PART: usize = 8 * 1024 * 1024;

/// How many parts are under way at a time.
const PARTS_AT_A_TIME: usize = 4;

/// One file on its way to the store.
#[derive(Debug)]
pub(super) struct Upload {
    file: Location,
    size: u64,
    checksum: Hasher,
    state: State,
}

/// What is known of a file that is whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uploaded {
    /// The length in bytes.
    pub(super) size: u64,
    /// The CRC-32 of the bytes.
    pub(super) crc32: u32,
}

#[derive(Debug)]
enum State {
    Small(Vec<Bytes>),
    Parts(WriteMultipart),
}

impl Upload {
    /// Nothing is written yet.
    pub(super) fn new(file: Location) -> Self {
        Self { file, size: 0, checksum: Hasher::new(), state: State::Small(vec![]) }
    }

    /// How many bytes it took so far.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// About how many of them are in memory still.
    pub(super) const fn held(&self) -> usize {
        match self.state {
            State::Small(_) => self.size as usize,
            State::Parts(_) => PART,
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `Storage` when they cannot be written; the file will never be whole then.
    pub(super) async fn push(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.size += bytes.len() as u64;
        self.checksum.update(&bytes);
        let bytes = Bytes::from(bytes);
        match &mut self.state {
            State::Small(held) => {
                held.push(bytes);
                if self.size >= PART as u64 {
                    let held = std::mem::take(held);
                    let parts = start(&self.file, held).await;
                    self.state = State::Parts(parts.map_err(|error| failed(&self.file, error))?);
                }
                Ok(())
            }
            State::Parts(parts) => {
                let waited = parts.wait_for_capacity(PARTS_AT_A_TIME).await;
                waited.map_err(|error| failed(&self.file, error))?;
                parts.put(bytes);
                Ok(())
            }
        }
    }

    /// Makes the file whole and durable.
    ///
    /// # Errors
    /// `Storage` when it cannot be written.
    pub(super) async fn finish(self) -> Result<Uploaded> {
        let uploaded = Uploaded { size: self.size, crc32: self.checksum.finalize() };
        let outcome = match self.state {
            State::Small(held) => {
                let payload: PutPayload = held.into_iter().collect();
                self.file.store.put(&self.file.path, payload).await
            }
            State::Parts(parts) => parts.finish().await,
        };
        outcome.map(|_| uploaded).map_err(|error| failed(&self.file, error))
    }
}

async fn start(file: &Location, held: Vec<Bytes>) -> StoreResult<WriteMultipart> {
    let upload = file.store.put_multipart(&file.path).await?;
    let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
    for bytes in held {
        parts.put(bytes);
    }
    Ok(parts)
}

fn failed(file: &Location, error: StoreError) -> Error {
    Error::Storage { action: "write", path: file.given.clone(), source: Box::new(error) }
}

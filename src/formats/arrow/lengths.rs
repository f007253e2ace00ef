//! The lengths that an Arrow file gives, checked before the reader takes memory for them.
//!
//! The reader believes them: a damaged one would make it ask for more memory than there is, which
//! ends the process, where no error can be made of it. So nothing is read of a file unless all that
//! it speaks of lies inside of it.

use std::hint::black_box;

use arrow::error::ArrowError;
use arrow::ipc::reader::read_footer_length;
use arrow::ipc::{Message, RecordBatch, root_as_footer, root_as_message};

/// What a file of the file form begins with.
pub(super) const MAGIC: &[u8] = b"ARROW1";

/// What stands before the length of a message since version 0.15 of Arrow.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// The length of the footer, and the magic again.
const TAIL: usize = 10;

/// More rows than a batch has in any implementation.
const MOST_ROWS: i64 = i32::MAX as i64;

/// Checks a file of either form.
pub(super) fn check(bytes: &[u8]) -> Result<(), ArrowError> {
    if bytes.starts_with(MAGIC) { check_file(bytes) } else { check_stream(bytes) }
}

/// The file form: the footer says where each message is.
fn check_file(bytes: &[u8]) -> Result<(), ArrowError> {
    let tail = bytes.last_chunk::<TAIL>().ok_or_else(|| wrong("it is too short"))?;
    let length = read_footer_length(*tail)?;
    let end = bytes.len() - TAIL;
    let start = end.checked_sub(length).ok_or_else(|| outside("the footer"))?;
    let footer = root_as_footer(&bytes[start..end])
        .map_err(|error| wrong(format!("its footer is damaged: {error}")))?;
    let blocks = [footer.recordBatches(), footer.dictionaries()];
    for block in blocks.into_iter().flatten().flat_map(|blocks| blocks.iter()) {
        let (length, body_length) = (i64::from(block.metaDataLength()), block.bodyLength());
        let metadata = part(bytes, block.offset(), length)?;
        let body = part(bytes, block.offset().saturating_add(length), body_length)?;
        let prefix = if metadata.starts_with(&CONTINUATION) { 8 } else { 4 };
        let message = metadata.get(prefix..).ok_or_else(|| outside("a message"))?;
        check_message(parsed(message)?, body)?;
    }
    Ok(())
}

/// The stream form: one message follows the other.
fn check_stream(mut bytes: &[u8]) -> Result<(), ArrowError> {
    loop {
        if let Some(rest) = bytes.strip_prefix(&CONTINUATION) {
            bytes = rest;
        }
        let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Ok(()) };
        let length = i32::from_le_bytes(*length);
        if length == 0 {
            return Ok(());
        }
        let metadata = part(rest, 0, i64::from(length))?;
        let rest = &rest[metadata.len()..];
        let message = parsed(metadata)?;
        let body = part(rest, 0, message.bodyLength())?;
        check_message(message, body)?;
        bytes = &rest[body.len()..];
    }
}

fn parsed(bytes: &[u8]) -> Result<Message<'_>, ArrowError> {
    root_as_message(bytes)
        .map_err(|error| wrong(format!("one of its messages is damaged: {error}")))
}

fn check_message(message: Message<'_>, body: &[u8]) -> Result<(), ArrowError> {
    let of_dictionary = message.header_as_dictionary_batch().and_then(|batch| batch.data());
    match message.header_as_record_batch().or(of_dictionary) {
        Some(batch) => check_batch(batch, body),
        None => Ok(()),
    }
}

fn check_batch(batch: RecordBatch<'_>, body: &[u8]) -> Result<(), ArrowError> {
    let rows = batch.length();
    if !(0..=MOST_ROWS).contains(&rows) {
        return Err(wrong(format!("one of its batches has {rows} rows")));
    }
    if batch.compression().is_none() {
        return Ok(());
    }
    for buffer in batch.buffers().into_iter().flatten() {
        let packed = part(body, buffer.offset(), buffer.length())?;
        // A negative length says that the buffer is not compressed.
        let unpacked = packed.first_chunk::<8>().map(|length| i64::from_le_bytes(*length));
        if let Some(unpacked) = unpacked.and_then(|length| usize::try_from(length).ok()) {
            check_memory(unpacked)?;
        }
    }
    Ok(())
}

/// Whether the reader could get so much memory; it is not touched, so asking costs little.
fn check_memory(bytes: usize) -> Result<(), ArrowError> {
    let mut memory: Vec<u8> = vec![];
    let reserved = memory.try_reserve_exact(bytes);
    // What is never used must not be optimized away.
    black_box(&memory);
    reserved.map_err(|_error| wrong(format!("one of its buffers would unpack to {bytes} bytes")))
}

/// Some bytes of a file, which must be there.
fn part(bytes: &[u8], start: i64, length: i64) -> Result<&[u8], ArrowError> {
    let (start, length) = (usize::try_from(start), usize::try_from(length));
    let range = start.ok().zip(length.ok());
    let range = range.and_then(|(start, length)| Some(start..start.checked_add(length)?));
    range.and_then(|range| bytes.get(range)).ok_or_else(|| outside("a part"))
}

fn outside(what: &str) -> ArrowError {
    wrong(format!("{what} of it would lie outside of the file"))
}

fn wrong(why: impl Into<String>) -> ArrowError {
    ArrowError::ParseError(why.into())
}

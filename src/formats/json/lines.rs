//! The lines of a file, some at a time.

use std::borrow::Cow;

use futures::stream::{self, Stream};

use crate::error::Result;
use crate::formats::format::InputFile;

/// How much of a file is read at once.
const CHUNK_BYTES: u64 = 2 * 1024 * 1024;

/// The longest line. An array of strings holds less than 2 GiB, and a byte that is no UTF-8 grows
/// to three when it is kept as text.
const MAX_LINE_BYTES: usize = 512 * 1024 * 1024;

/// Some whole lines of a file.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// The number of the first line.
    first: u64,
}

/// One line that is not blank.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// Its number in the file, from 1.
    pub(super) number: u64,
    /// Its text, with U+FFFD in place of what is no UTF-8.
    pub(super) text: Cow<'a, str>,
    /// Whether all of it is UTF-8.
    pub(super) is_utf8: bool,
}

impl Chunk {
    /// The lines that are not blank.
    pub(super) fn lines(&self) -> Vec<Line<'_>> {
        let mut lines = vec![];
        let mut number = self.first;
        let mut start = 0;
        let ends = memchr::memchr2_iter(b'\n', b'\r', &self.bytes);
        for end in ends.chain(std::iter::once(self.bytes.len())) {
            push(&mut lines, number, &self.bytes[start..end]);
            number += u64::from(ends_line(&self.bytes, end));
            start = end + 1;
        }
        lines
    }

    /// The number of the line after the last.
    fn next_number(&self) -> u64 {
        let ends = memchr::memchr2_iter(b'\n', b'\r', &self.bytes);
        self.first + ends.filter(|end| ends_line(&self.bytes, *end)).count() as u64
    }
}

/// Whether a line ends here: a carriage return before a line feed does not end one by itself.
fn ends_line(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at) {
        Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
        other => other.is_some(),
    }
}

fn push<'a>(lines: &mut Vec<Line<'a>>, number: u64, bytes: &'a [u8]) {
    let bytes = bytes.trim_ascii();
    if bytes.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(bytes);
    let is_utf8 = matches!(text, Cow::Borrowed(_));
    lines.push(Line { number, text, is_utf8 });
}

/// Reads a file in chunks of whole lines.
pub(super) fn chunks(file: InputFile) -> impl Stream<Item = Result<Chunk>> + Send {
    let reader = Reader { file, at: 0, rest: vec![], next: 1 };
    stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.chunk().await?.map(|chunk| (chunk, reader)))
    })
}

#[derive(Debug)]
struct Reader {
    file: InputFile,
    /// How far the file has been read.
    at: u64,
    /// What was read beyond the last chunk.
    rest: Vec<u8>,
    /// The number of the next line.
    next: u64,
}

impl Reader {
    async fn chunk(&mut self) -> Result<Option<Chunk>> {
        while self.at < self.file.size {
            let end = self.file.size.min(self.at + CHUNK_BYTES);
            let bytes = self.file.bytes(self.at..end).await?;
            let bytes = match self.at {
                0 => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes),
                _ => &bytes,
            };
            // A carriage return at the very end may be the first half of a line end.
            let searched = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            let cut = memchr::memrchr2(b'\n', b'\r', searched).map(|at| at + 1);
            self.at = end;
            if let Some(cut) = cut {
                let mut whole = std::mem::replace(&mut self.rest, bytes[cut..].to_vec());
                whole.extend_from_slice(&bytes[..cut]);
                return Ok(Some(self.number(whole)));
            }
            self.rest.extend_from_slice(bytes);
            if self.rest.len() > MAX_LINE_BYTES {
                return Err(self.file.data(format!(
                    "line {} is longer than {MAX_LINE_BYTES} bytes; JSON files must have one object in each line",
                    self.next
                )));
            }
        }
        let rest = std::mem::take(&mut self.rest);
        Ok((!rest.is_empty()).then(|| self.number(rest)))
    }

    fn number(&mut self, bytes: Vec<u8>) -> Chunk {
        let chunk = Chunk { bytes, first: self.next };
        self.next = chunk.next_number();
        chunk
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::TryStreamExt;
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};

    use super::*;

    async fn file(bytes: &[u8]) -> InputFile {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from("f.json");
        store.put(&path, bytes.to_vec().into()).await.unwrap();
        InputFile { store, path, size: bytes.len() as u64, url: "memory:///f.json".to_owned() }
    }

    async fn lines(bytes: &[u8]) -> Vec<(u64, String)> {
        let chunks: Vec<_> = chunks(file(bytes).await).try_collect().await.unwrap();
        let lines = chunks.iter().flat_map(Chunk::lines);
        lines.map(|line| (line.number, line.text.into_owned())).collect()
    }

    #[tokio::test]
    async fn every_kind_of_line_end_counts_once_and_blank_lines_are_left_out() {
        let all = lines(b"\xEF\xBB\xBFa\r\n\r\n \nb\rc\n\nd").await;
        let expected = [(1, "a"), (4, "b"), (5, "c"), (7, "d")];
        assert_eq!(all, expected.map(|(number, text)| (number, text.to_owned())));
        assert!(lines(b"").await.is_empty());
        assert!(lines(b"\n").await.is_empty());
    }

    #[tokio::test]
    async fn a_line_that_spans_chunks_stays_whole() {
        let long = "x".repeat(CHUNK_BYTES as usize * 2 + 7);
        let text = format!("first\r\n{long}\r\nlast");
        let all = lines(text.as_bytes()).await;
        assert_eq!(all.len(), 3);
        assert_eq!(all[1], (2, long));
        assert_eq!(all[2], (3, "last".to_owned()));
    }

    #[tokio::test]
    async fn a_line_end_that_a_chunk_cuts_in_half_counts_once() {
        let first = "x".repeat(CHUNK_BYTES as usize - 1);
        let all = lines(format!("{first}\r\nlast").as_bytes()).await;
        assert_eq!(all[1], (2, "last".to_owned()));
    }

    #[tokio::test]
    async fn a_file_that_shrank_is_an_error() {
        let mut file = file(b"abc").await;
        file.size = 5;
        let error = chunks(file).try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.to_string().contains("memory:///f.json"), "{error}");
    }
}

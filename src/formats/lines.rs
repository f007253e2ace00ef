//! The lines of a text file, some at a time.

use std::borrow::Cow;
use std::ops::Range;

use futures::stream::{self, Stream};
use memchr::memmem;

use crate::error::Result;
use crate::formats::content::{Content, Encoding};
use crate::formats::format::InputFile;

/// The longest line. An array of strings holds less than 2 GiB, and a byte that is no UTF-8 grows
/// to three when it is kept as text.
const MAX_LINE_BYTES: usize = 512 * 1024 * 1024;

/// How the text of a file is laid out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// How its characters are written.
    pub encoding: Encoding,
    /// What ends a line; any of `\n`, `\r\n` and `\r` when it is not given. Never empty.
    pub separator: Option<String>,
}

impl Layout {
    /// Whether a reader that begins anywhere in a file can tell where the next line begins.
    pub fn can_be_cut(&self) -> bool {
        let ends_at_a_byte = self.separator.as_ref().is_none_or(|separator| separator.len() == 1);
        self.encoding == Encoding::Utf8 && ends_at_a_byte
    }
}

/// Some whole lines of a file.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    /// Where its lines begin and end.
    bounds: Vec<(usize, usize)>,
    /// The number of the first line.
    first: u64,
}

/// One line without what ends it, or what else stands for a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    /// Its number in the file, from 1.
    pub(super) number: u64,
    pub(super) bytes: &'a [u8],
}

impl<'a> Line<'a> {
    /// A text as the only line of a file.
    pub(super) const fn only(text: &'a str) -> Self {
        Self { number: 1, bytes: text.as_bytes() }
    }

    /// The line without blanks around it.
    pub(super) const fn trimmed(self) -> Self {
        Self { number: self.number, bytes: self.bytes.trim_ascii() }
    }

    /// Its text, with U+FFFD in place of what is no UTF-8.
    pub(super) fn text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }

    /// Whether all of it is UTF-8.
    pub(super) const fn is_utf8(&self) -> bool {
        std::str::from_utf8(self.bytes).is_ok()
    }

    pub(super) const fn is_blank(&self) -> bool {
        self.bytes.trim_ascii().is_empty()
    }
}

impl Chunk {
    fn new(bytes: Vec<u8>, separator: Option<&str>, first: u64) -> Self {
        let mut bounds = vec![];
        let mut start = 0;
        let mut cut = |end: usize, after: usize| {
            bounds.push((start, end));
            start = after;
        };
        match separator {
            Some(separator) => {
                for end in memmem::find_iter(&bytes, separator) {
                    cut(end, end + separator.len());
                }
            }
            None => {
                for end in memchr::memchr2_iter(b'\n', b'\r', &bytes) {
                    match (bytes[end], end.checked_sub(1).map(|before| bytes[before])) {
                        (b'\n', Some(b'\r')) => cut(end - 1, end + 1),
                        // A carriage return before a line feed does not end a line by itself.
                        (b'\r', _) if bytes.get(end + 1) == Some(&b'\n') => (),
                        _ => cut(end, end + 1),
                    }
                }
            }
        }
        if start < bytes.len() {
            bounds.push((start, bytes.len()));
        }
        Self { bytes, bounds, first }
    }

    /// All lines.
    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let numbered = (self.first..).zip(&self.bounds);
        numbered.map(|(number, (start, end))| Line { number, bytes: &self.bytes[*start..*end] })
    }
}

/// Reads a file, or the lines that begin in a part of it, in chunks of whole lines.
pub(super) fn chunks(
    file: InputFile,
    layout: &Layout,
    part: Option<&Range<u64>>,
) -> impl Stream<Item = Result<Chunk>> + Send + use<> {
    let Range { start, end } = part.cloned().unwrap_or(0..u64::MAX);
    // The line before the part is left out, whole or what there is of it: its end.
    let from = start.saturating_sub(1);
    let reader = Content::open_at(file, layout.encoding, from).map(|content| Reader {
        content,
        separator: layout.separator.clone(),
        rest: vec![],
        next: 1,
        skips_first: start > 0,
        end,
    });
    stream::try_unfold(Some(reader), |reader| async move {
        let Some(reader) = reader else { return Ok(None) };
        let mut reader = reader?;
        Ok(reader.chunk().await?.map(|chunk| (chunk, Some(Ok(reader)))))
    })
}

#[derive(Debug)]
struct Reader {
    content: Content,
    separator: Option<String>,
    /// What was read beyond the last chunk.
    rest: Vec<u8>,
    /// The number of the next line.
    next: u64,
    /// Whether the first line belongs to the part before.
    skips_first: bool,
    /// Lines that begin at or after this byte belong to the next part.
    end: u64,
}

impl Reader {
    /// The next lines of the part.
    async fn chunk(&mut self) -> Result<Option<Chunk>> {
        loop {
            let start = self.position();
            if start >= self.end {
                return Ok(None);
            }
            let Some(mut chunk) = self.lines().await? else { return Ok(None) };
            let belongs = |(from, _): &(usize, usize)| start + (*from as u64) < self.end;
            chunk.bounds.retain(belongs);
            if std::mem::replace(&mut self.skips_first, false) && !chunk.bounds.is_empty() {
                chunk.bounds.remove(0);
            }
            if !chunk.bounds.is_empty() {
                return Ok(Some(chunk));
            }
        }
    }

    /// Where the next line begins, in bytes.
    const fn position(&self) -> u64 {
        self.content.position() - self.rest.len() as u64
    }

    async fn lines(&mut self) -> Result<Option<Chunk>> {
        while let Some(piece) = self.content.next().await? {
            // What ends a line may itself be cut in two.
            let overlap = self.separator.as_ref().map_or(1, |separator| separator.len() - 1);
            let searched_from = self.rest.len().saturating_sub(overlap);
            self.rest.extend_from_slice(&piece);
            if let Some(cut) = self.last_cut(searched_from) {
                let rest = self.rest.split_off(cut);
                let whole = std::mem::replace(&mut self.rest, rest);
                return Ok(Some(self.number(whole)));
            }
            if self.rest.len() > MAX_LINE_BYTES {
                return Err(self.content.file().data(format!(
                    "line {} is longer than {MAX_LINE_BYTES} bytes; write shorter lines, or name what ends them with the option `lineSep`",
                    self.next
                )));
            }
        }
        let rest = std::mem::take(&mut self.rest);
        Ok((!rest.is_empty()).then(|| self.number(rest)))
    }

    /// The end of the last whole line.
    fn last_cut(&self, from: usize) -> Option<usize> {
        let searched = self.rest.get(from..)?;
        if let Some(separator) = &self.separator {
            // From the left, as lines are cut: separators may overlap.
            let last = memmem::find_iter(searched, separator).last();
            return last.map(|at| from + at + separator.len());
        }
        // A carriage return at the very end may be the first half of a line end.
        let searched = searched.strip_suffix(b"\r").unwrap_or(searched);
        memchr::memrchr2(b'\n', b'\r', searched).map(|at| from + at + 1)
    }

    fn number(&mut self, bytes: Vec<u8>) -> Chunk {
        let chunk = Chunk::new(bytes, self.separator.as_deref(), self.next);
        self.next += chunk.bounds.len() as u64;
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
    use crate::formats::content::CHUNK_BYTES;

    async fn file(bytes: &[u8]) -> InputFile {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from("f.json");
        store.put(&path, bytes.to_vec().into()).await.unwrap();
        InputFile { store, path, size: bytes.len() as u64, url: "memory:///f.json".to_owned() }
    }

    async fn split(bytes: &[u8], separator: Option<&str>) -> Vec<(u64, String)> {
        let separator = separator.map(str::to_owned);
        let layout = Layout { separator, ..Layout::default() };
        let chunks: Vec<_> = chunks(file(bytes).await, &layout, None).try_collect().await.unwrap();
        let lines = chunks.iter().flat_map(Chunk::lines);
        lines.map(|line| (line.number, line.text().into_owned())).collect()
    }

    fn numbered(lines: &[&str]) -> Vec<(u64, String)> {
        (1..).zip(lines.iter().map(|line| (*line).to_owned())).collect()
    }

    #[tokio::test]
    async fn every_kind_of_line_end_counts_once() {
        let all = split(b"\xEF\xBB\xBFa\r\n\r\n \nb\rc\n\nd", None).await;
        assert_eq!(all, numbered(&["a", "", " ", "b", "c", "", "d"]));
        assert!(split(b"", None).await.is_empty());
        assert_eq!(split(b"\n", None).await, numbered(&[""]));
    }

    #[tokio::test]
    async fn a_separator_of_ones_own_is_the_only_one() {
        assert_eq!(split(b"a||b|c\n||", Some("||")).await, numbered(&["a", "b|c\n"]));
        let first = "x".repeat(CHUNK_BYTES as usize - 1);
        let all = split(format!("{first}||last").as_bytes(), Some("||")).await;
        assert_eq!(all, numbered(&[&first, "last"]));
        let first = "x".repeat(CHUNK_BYTES as usize - 3);
        let all = split(format!("{first}|||last").as_bytes(), Some("||")).await;
        assert_eq!(all, numbered(&[&first, "|last"]));
    }

    #[tokio::test]
    async fn a_line_that_spans_chunks_stays_whole() {
        let long = "x".repeat(CHUNK_BYTES as usize * 2 + 7);
        let text = format!("first\r\n{long}\r\nlast");
        assert_eq!(split(text.as_bytes(), None).await, numbered(&["first", &long, "last"]));
    }

    #[tokio::test]
    async fn a_line_end_that_a_chunk_cuts_in_half_counts_once() {
        let first = "x".repeat(CHUNK_BYTES as usize - 1);
        let all = split(format!("{first}\r\nlast").as_bytes(), None).await;
        assert_eq!(all, numbered(&[&first, "last"]));
    }

    #[tokio::test]
    async fn every_line_is_in_one_part_wherever_a_file_is_cut() {
        let text = b"a\r\nbb\n\nccc\rd\r\n\r\nlast";
        for separator in [None, Some("\n")] {
            let layout = Layout { separator: separator.map(str::to_owned), ..Layout::default() };
            let all: Vec<_> =
                split(text, separator).await.into_iter().map(|(_, line)| line).collect();
            for first in 0..text.len() as u64 {
                for second in first..text.len() as u64 {
                    let mut lines = vec![];
                    for part in [0..first, first..second, second..text.len() as u64] {
                        let parts = chunks(file(text).await, &layout, Some(&part));
                        let parts: Vec<_> = parts.try_collect().await.unwrap();
                        let texts = parts.iter().flat_map(Chunk::lines);
                        lines.extend(texts.map(|line| line.text().into_owned()));
                    }
                    assert_eq!(lines, all, "cut at {first} and {second}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_shrank_is_an_error() {
        let mut file = file(b"abc").await;
        file.size = 5;
        let layout = Layout::default();
        let error = chunks(file, &layout, None).try_collect::<Vec<_>>().await.unwrap_err();
        assert!(error.to_string().contains("memory:///f.json"), "{error}");
    }
}

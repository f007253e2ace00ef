//! Which files are read together.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// What it costs to open a file, in bytes that could be read in that time.
const OPEN_COST: u64 = 64 * 1024;

/// Less than so many bytes are not worth a partition of their own.
const MIN_PARTITION_BYTES: u64 = 1024 * 1024;

/// Some files that are read one after another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilesPartition {
    pub(super) files: Vec<FileToRead>,
}

/// A file by its URL, and how much of it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileToRead {
    pub(super) path: String,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) logged: Option<Logged>,
    /// What is read of it, in bytes; all of it without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) part: Option<Range<u64>>,
}

/// What the log of a file sink says of a file: that it has the length that was listed, and its
/// checksum. A file that nobody has logged may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Logged {
    /// The CRC-32 of the bytes; logs that Spark wrote have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crc32: Option<u32>,
}

impl FileToRead {
    fn cost(&self) -> u64 {
        self.bytes() + OPEN_COST
    }

    /// The file in parts of at least so many bytes, each of its own partition if that can be.
    fn cut(self, piece: u64) -> Vec<Self> {
        let piece = piece.max(MIN_PARTITION_BYTES);
        let count = (self.size + piece / 2) / piece;
        if count < 2 {
            return vec![self];
        }
        let bound = |at: u64| (u128::from(self.size) * u128::from(at) / u128::from(count)) as u64;
        let part = |at: u64| Some(bound(at)..bound(at + 1));
        (0..count).map(|at| Self { part: part(at), ..self.clone() }).collect()
    }

    /// Whether the beginning of the file is read.
    pub(super) fn has_beginning(&self) -> bool {
        self.part.as_ref().is_none_or(|part| part.start == 0)
    }

    /// The same file, read whole.
    pub(super) fn whole(self) -> Self {
        Self { part: None, ..self }
    }

    /// The bytes that are read.
    fn bytes(&self) -> u64 {
        self.part.as_ref().map_or(self.size, |part| part.end - part.start)
    }
}

/// Splits files, their order kept, into at most `parallelism` partitions of about the same cost.
/// Those that `can_be_cut` may be in several.
pub(super) fn split(
    files: Vec<FileToRead>,
    parallelism: usize,
    can_be_cut: impl Fn(&FileToRead) -> bool,
) -> Vec<FilesPartition> {
    let total: u64 = files.iter().map(FileToRead::cost).sum();
    let piece = total.div_ceil(parallelism.max(1) as u64);
    let cut = |file: FileToRead| if can_be_cut(&file) { file.cut(piece) } else { vec![file] };
    let files: Vec<FileToRead> = files.into_iter().flat_map(cut).collect();
    let total: u64 = files.iter().map(FileToRead::cost).sum();
    let parallelism = (parallelism.max(1) as u64).min(total.div_ceil(MIN_PARTITION_BYTES)).max(1);
    let mut partitions: Vec<FilesPartition> = vec![];
    let mut before = 0;
    let mut last = None;
    for file in files {
        // The file belongs where its middle lies when the whole is cut into equal parts.
        let middle = before + file.cost() / 2;
        let part = u128::from(middle) * u128::from(parallelism) / u128::from(total.max(1));
        before += file.cost();
        match partitions.last_mut() {
            Some(partition) if last == Some(part) => partition.files.push(file),
            _ => partitions.push(FilesPartition { files: vec![file] }),
        }
        last = Some(part);
    }
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1024 * 1024;

    fn files(sizes: &[u64]) -> Vec<FileToRead> {
        let file =
            |size: &u64| FileToRead { path: String::new(), size: *size, logged: None, part: None };
        sizes.iter().map(file).collect()
    }

    fn sizes(sizes: &[u64], parallelism: usize) -> Vec<Vec<u64>> {
        let split = split(files(sizes), parallelism, |_| false);
        split.iter().map(|part| part.files.iter().map(|file| file.size).collect()).collect()
    }

    #[test]
    fn files_are_shared_out_by_size_in_their_order() {
        assert_eq!(sizes(&[MB, MB, MB, MB], 2), [[MB, MB], [MB, MB]]);
        assert_eq!(sizes(&[6 * MB, MB, MB], 2), [vec![6 * MB], vec![MB, MB]]);
        assert_eq!(sizes(&[MB, 6 * MB, MB], 8).concat(), [MB, 6 * MB, MB]);
        assert!(sizes(&[MB; 100], 8).len() == 8);
    }

    #[test]
    fn little_is_read_by_one() {
        assert_eq!(sizes(&[10, 20, 30], 8), [[10, 20, 30]]);
        assert!(sizes(&[], 8).is_empty());
    }

    #[test]
    fn a_large_file_is_cut_and_its_parts_are_all_of_it() {
        let parts = |sizes: &[u64], parallelism| -> Vec<Vec<Option<Range<u64>>>> {
            let split = split(files(sizes), parallelism, |_| true);
            split.into_iter().map(|p| p.files.into_iter().map(|f| f.part).collect()).collect()
        };
        let (third, size) = (3 * MB, 9 * MB + 1);
        let cut = [[Some(0..third)], [Some(third..2 * third)], [Some(2 * third..size)]];
        assert_eq!(parts(&[size], 3), cut);
        assert_eq!(parts(&[MB], 4), [[None]]);
        assert_eq!(parts(&[4 * MB, MB / 2], 2).concat().len(), 3);
    }
}

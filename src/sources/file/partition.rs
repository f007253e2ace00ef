//! Which files are read together.

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
    const fn cost(&self) -> u64 {
        self.size + OPEN_COST
    }
}

/// Splits files, their order kept, into at most `parallelism` partitions of about the same cost.
pub(super) fn split(files: Vec<FileToRead>, parallelism: usize) -> Vec<FilesPartition> {
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

    fn sizes(sizes: &[u64], parallelism: usize) -> Vec<Vec<u64>> {
        let file = |size: &u64| FileToRead { path: String::new(), size: *size, logged: None };
        let split = split(sizes.iter().map(file).collect(), parallelism);
        split.iter().map(|part| part.files.iter().map(|file| file.size).collect()).collect()
    }

    #[test]
    fn files_are_shared_out_by_size_in_their_order() {
        let mb = 1024 * 1024;
        assert_eq!(sizes(&[mb, mb, mb, mb], 2), [[mb, mb], [mb, mb]]);
        assert_eq!(sizes(&[6 * mb, mb, mb], 2), [vec![6 * mb], vec![mb, mb]]);
        assert_eq!(sizes(&[mb, 6 * mb, mb], 8).concat(), [mb, 6 * mb, mb]);
        assert!(sizes(&[mb; 100], 8).len() == 8);
    }

    #[test]
    fn little_is_read_by_one() {
        assert_eq!(sizes(&[10, 20, 30], 8), [[10, 20, 30]]);
        assert!(sizes(&[], 8).is_empty());
    }
}

//! One file of a partition, to be read again: how the row of a table that failed is found.

use std::sync::OnceLock;

/// Which file of a partition to read, and what it is called. It comes with the task; a table
/// without files knows nothing of it, and gives no name.
#[derive(Debug)]
pub struct OneFile {
    index: usize,
    name: OnceLock<String>,
}

impl OneFile {
    /// The file with this index among those of a partition.
    pub const fn new(index: usize) -> Self {
        Self { index, name: OnceLock::new() }
    }

    /// The file among those of a partition, if it has as many.
    pub fn of<'a, F>(&self, files: &'a [F], name: impl Fn(&F) -> &str) -> &'a [F] {
        let Some(file) = files.get(self.index) else { return &[] };
        // A partition is read once for each task.
        let _named = self.name.set(name(file).to_owned());
        std::slice::from_ref(file)
    }

    /// What the file is called, when the partition has such a file.
    pub fn name(&self) -> Option<&str> {
        self.name.get().map(String::as_str)
    }
}

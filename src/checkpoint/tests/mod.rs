//! Tests of what survives a crash, on a real file system.

mod claim;
mod compactible_log;
mod manifest;
mod metadata_log;
mod query_metadata;
mod seal;
mod storage;
mod synced_store;

use tempfile::TempDir;

use crate::checkpoint::storage::LocalStorage;
use crate::connector::storage::{Location, Storage};

/// A folder `name` in `dir`, not created, through a storage of its own.
fn local(dir: &TempDir, name: &str) -> Location {
    LocalStorage::new().open(dir.path().join(name).to_str().unwrap()).unwrap()
}

/// The names in a folder of the disk, hidden ones too, ascending.
fn names_on_disk(dir: &TempDir, name: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir.path().join(name)) else { return vec![] };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Leaves what a killed process leaves, and what others put into folders.
fn litter(dir: &TempDir, name: &str) {
    let folder = dir.path().join(name);
    std::fs::create_dir_all(folder.join("99")).unwrap();
    for file in [".5f3e.tmp#0", "7#1", ".7.crc", "_SUCCESS", "007", "+8", "8.tmp", "-1"] {
        std::fs::write(folder.join(file), "left over").unwrap();
    }
}

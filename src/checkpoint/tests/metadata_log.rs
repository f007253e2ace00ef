//! Logs with one file for each epoch: what is written, remembered, purged and found damaged.

use std::fs;
use std::sync::Arc;

use object_store::ObjectStoreExt;
use tempfile::TempDir;

use super::seal::sealed;
use super::{litter, local, names_on_disk};
use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::metadata_log::MetadataLog;
use crate::checkpoint::offset_log::OffsetEntry;
use crate::checkpoint::storage::LocalStorage;
use crate::connector::storage::Storage;
use crate::error::{Error, ErrorKind};
use crate::testing::fault::{FaultMode, Faults, FaultyStorage};

fn log(dir: &TempDir) -> MetadataLog<String> {
    MetadataLog::new(local(dir, "log"))
}

async fn filled(dir: &TempDir, epochs: impl IntoIterator<Item = u64>) -> MetadataLog<String> {
    let log = log(dir);
    for epoch in epochs {
        log.add(epoch, &format!("entry {epoch}")).await.unwrap();
    }
    log
}

#[tokio::test]
async fn an_entry_is_a_version_line_and_a_line_of_json() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::new(local(&dir, "c"));
    checkpoint.offsets().add(0, &OffsetEntry::default()).await.unwrap();
    let text = "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":0,\"conf\":{},\"sources\":{}}";
    assert_eq!(fs::read_to_string(dir.path().join("c/offsets/0")).unwrap(), sealed(text, "0"));
    let again = Checkpoint::new(local(&dir, "c")).offsets();
    assert_eq!(again.get(0).await.unwrap(), Some(OffsetEntry::default()));
}

#[tokio::test]
async fn an_epoch_is_written_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(&dir, [0]).await;
    let error = log.add(0, &"other".to_owned()).await.unwrap_err();
    assert!(matches!(&error, Error::AlreadyExists { path } if path.ends_with("log/0")), "{error}");
    assert_eq!(log.get(0).await.unwrap().as_deref(), Some("entry 0"));
}

#[tokio::test]
async fn an_empty_log_has_nothing() {
    let log = log(&tempfile::tempdir().unwrap());
    assert_eq!(log.latest().await.unwrap(), None);
    assert_eq!(log.epochs().await.unwrap(), [0; 0]);
    assert_eq!(log.get(0).await.unwrap(), None);
    log.check_contiguous().await.unwrap();
    log.purge_before(5).await.unwrap();
}

#[tokio::test]
async fn foreign_and_hidden_names_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    litter(&dir, "log");
    assert_eq!(log(&dir).latest().await.unwrap(), None);
    filled(&dir, [9, 10]).await;
    assert_eq!(log(&dir).latest().await.unwrap(), Some(10));
    assert_eq!(log(&dir).epochs().await.unwrap(), [9, 10]);
}

#[tokio::test]
async fn a_log_made_anew_sees_what_others_added() {
    let dir = tempfile::tempdir().unwrap();
    let first = filled(&dir, [0, 1]).await;
    assert_eq!(first.latest().await.unwrap(), Some(1));
    assert_eq!(log(&dir).latest().await.unwrap(), Some(1));
    filled(&dir, [2]).await;
    assert_eq!(log(&dir).latest().await.unwrap(), Some(2));
    first.add(2, &"late".to_owned()).await.unwrap_err();
    assert_eq!(first.latest().await.unwrap(), Some(2));
}

#[tokio::test]
async fn a_running_query_reads_and_lists_nothing_that_it_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(&dir, [0]).await;
    assert_eq!(log.latest().await.unwrap(), Some(0));
    log.add(1, &"entry 1".to_owned()).await.unwrap();
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    let clone = log.clone();
    assert_eq!(clone.latest().await.unwrap(), Some(1));
    assert_eq!(clone.get(0).await.unwrap().as_deref(), Some("entry 0"));
    assert_eq!(clone.get(1).await.unwrap().as_deref(), Some("entry 1"));
}

#[tokio::test]
async fn a_damaged_entry_is_corrupt_and_named() {
    let dir = tempfile::tempdir().unwrap();
    filled(&dir, [3]).await;
    let cases: [(&[u8], &str); 8] = [
        (b"", "it is empty"),
        (b"v2\n\"x\"", "its format is v2, but this release reads v1"),
        (b"v0\n\"x\"", "its first line is `v0`"),
        (b"{}", "its first line is `{}`"),
        (b"v1", "is no entry"),
        (b"v1\n\"entr", "is no entry"),
        (b"v1\n\"x\"\n\"y\"", "is no entry"),
        (b"v1\n\xff", "it is not text"),
    ];
    for (bytes, reason) in cases {
        fs::write(dir.path().join("log/3"), bytes).unwrap();
        let error = log(&dir).get(3).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(
            matches!(&error, Error::Corrupt { path, .. } if path.ends_with("log/3")),
            "{error}"
        );
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn every_truncation_of_an_entry_is_found() {
    let dir = tempfile::tempdir().unwrap();
    filled(&dir, [0]).await;
    let file = dir.path().join("log/0");
    let whole = fs::read(&file).unwrap();
    for length in 0..whole.len() {
        fs::write(&file, &whole[..length]).unwrap();
        assert!(matches!(log(&dir).get(0).await, Err(Error::Corrupt { .. })), "{length}");
    }
}

#[tokio::test]
async fn purging_removes_the_old_and_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(&dir, 0..6).await;
    log.purge_before(2).await.unwrap();
    assert_eq!(names_on_disk(&dir, "log"), ["2", "3", "4", "5"]);
    assert_eq!(log.get(1).await.unwrap(), None);
    log.add(6, &"entry 6".to_owned()).await.unwrap();
    log.purge_before(6).await.unwrap();
    assert_eq!(log.latest().await.unwrap(), Some(6));
    assert_eq!(log.get(5).await.unwrap(), None);
    log.purge_before(u64::MAX).await.unwrap();
    assert_eq!(log.latest().await.unwrap(), None);
}

#[tokio::test]
async fn a_purge_that_is_cut_short_leaves_no_gap() {
    for number in 0..4 {
        let dir = tempfile::tempdir().unwrap();
        filled(&dir, 0..6).await;
        let faults = Faults::new();
        faults.arm(number, FaultMode::DieAfter);
        let storage = FaultyStorage::new(Arc::new(LocalStorage::new()), faults);
        let location = storage.open(dir.path().join("log").to_str().unwrap()).unwrap();
        MetadataLog::<String>::new(location).purge_before(4).await.unwrap_err();
        let log = log(&dir);
        log.check_contiguous().await.unwrap();
        assert_eq!(log.epochs().await.unwrap().first(), Some(&(number as u64 + 1)));
    }
}

#[tokio::test]
async fn a_gap_names_the_missing_file() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(&dir, [4, 5, 8]).await;
    let error = log.check_contiguous().await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { path, .. } if path.ends_with("log/6")), "{error}");
}

#[tokio::test]
async fn a_write_of_unknown_outcome_is_looked_up() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults::new();
    let storage = FaultyStorage::new(Arc::new(LocalStorage::new()), faults.clone());
    let location = storage.open(dir.path().join("log").to_str().unwrap()).unwrap();
    let log = MetadataLog::<String>::new(location);
    assert_eq!(log.latest().await.unwrap(), None);
    faults.arm(0, FaultMode::FailAfter);
    let error = log.add(0, &"x".to_owned()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(log.latest().await.unwrap(), Some(0));
    assert_eq!(log.get(0).await.unwrap().as_deref(), Some("x"));
}

#[tokio::test]
async fn an_epoch_costs_one_put_with_two_syncs_for_each_log() {
    let dir = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new();
    let checkpoint = Checkpoint::new(storage.open(dir.path().to_str().unwrap()).unwrap());
    checkpoint.offsets().add(0, &OffsetEntry::default()).await.unwrap();
    let before = storage.sync_stats();
    checkpoint.offsets().add(1, &OffsetEntry::default()).await.unwrap();
    let after = storage.sync_stats();
    assert_eq!((after.files - before.files, after.folders - before.folders), (1, 1));
    assert!(checkpoint.location().store.head(&checkpoint.metadata().path).await.is_err());
}

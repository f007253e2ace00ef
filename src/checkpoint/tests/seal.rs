//! Files of logs that are whole, but not what their names say.

use std::fs;

use tempfile::TempDir;

use super::local;
use crate::checkpoint::compactible_log::CompactibleLog;
use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::manifest::SinkFile;
use crate::checkpoint::offset_log::OffsetEntry;
use crate::error::{Error, ErrorKind};

fn entry(timestamp: i64) -> OffsetEntry {
    OffsetEntry { timestamp, ..OffsetEntry::default() }
}

/// The text of a file that ends with `}`, and the seal that it gets as `name`.
pub(super) fn sealed(text: &str, name: &str) -> String {
    let crc32 = crc32fast::hash(text.as_bytes());
    let body = text.strip_suffix('}').unwrap();
    format!("{body},\"seal\":{{\"file\":\"{name}\",\"crc32\":{crc32}}}}}")
}

async fn offsets(dir: &TempDir) -> Checkpoint {
    let checkpoint = Checkpoint::new(local(dir, "c"));
    for epoch in 0..3 {
        checkpoint.offsets().add(epoch, &entry(epoch as i64)).await.unwrap();
    }
    Checkpoint::new(local(dir, "c"))
}

#[tokio::test]
async fn a_neighbour_in_the_place_of_an_entry_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = offsets(&dir).await;
    fs::copy(dir.path().join("c/offsets/1"), dir.path().join("c/offsets/2")).unwrap();
    let error = checkpoint.offsets().get(2).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(
        matches!(&error, Error::Corrupt { path, .. } if path.ends_with("offsets/2")),
        "{error}"
    );
    assert!(error.to_string().contains("that of `1`"), "{error}");
}

#[tokio::test]
async fn another_digit_in_an_entry_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = offsets(&dir).await;
    let file = dir.path().join("c/offsets/2");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"batchTimestampMs\":2", "\"batchTimestampMs\":3")).unwrap();
    let error = checkpoint.offsets().get(2).await.unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[tokio::test]
async fn an_entry_of_a_release_without_seals_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = offsets(&dir).await;
    let file = dir.path().join("c/offsets/2");
    let text = "v1\n{\"batchWatermarkMs\":0,\"batchTimestampMs\":7,\"conf\":{},\"sources\":{}}";
    fs::write(&file, text).unwrap();
    assert_eq!(checkpoint.offsets().get(2).await.unwrap(), Some(entry(7)));
}

#[tokio::test]
async fn a_seal_that_is_damaged_is_no_missing_one() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = offsets(&dir).await;
    let file = dir.path().join("c/offsets/2");
    let text = fs::read_to_string(&file).unwrap();
    for at in text.rfind("\"seal\"").unwrap()..text.len() {
        // A flip that gives another quote or brace breaks the JSON, which is told as well.
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 4;
        fs::write(&file, bytes).unwrap();
        let error = checkpoint.offsets().get(2).await.unwrap_err();
        assert!(error.to_string().contains("offsets/2"), "{at}: {error}");
    }
}

#[tokio::test]
async fn entries_that_are_lost_from_the_end_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = || CompactibleLog::<SinkFile>::new(local(&dir, "log"), 9);
    let file = |name: &str| SinkFile::added(name, 1, 2);
    log().add(0, &[file("a"), file("b"), file("c")]).await.unwrap();
    let path = dir.path().join("log/0");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for kept in 2..lines.len() {
        fs::write(&path, lines[..kept].join("\n")).unwrap();
        let error = log().all().await.unwrap_err();
        assert!(error.to_string().contains("checksum"), "{error}");
    }
}

#[tokio::test]
async fn a_compaction_knows_its_name_and_its_entries_keep_no_seal() {
    let dir = tempfile::tempdir().unwrap();
    let log = || CompactibleLog::<SinkFile>::new(local(&dir, "log"), 2);
    let file = |name: &str| SinkFile::added(name, 1, 2);
    for epoch in 0..4 {
        log().add(epoch, &[file(&format!("part-{epoch}"))]).await.unwrap();
    }
    let text = fs::read_to_string(dir.path().join("log/3.compact")).unwrap();
    assert_eq!(text.matches("\"seal\"").count(), 1);
    assert_eq!(log().all().await.unwrap().len(), 4);
    fs::copy(dir.path().join("log/1.compact"), dir.path().join("log/3.compact")).unwrap();
    let error = log().all().await.unwrap_err();
    assert!(error.to_string().contains("that of `1.compact`"), "{error}");
}

#[tokio::test]
async fn a_compaction_that_was_removed_is_named() {
    for epochs in [4, 6] {
        let dir = tempfile::tempdir().unwrap();
        let log = || CompactibleLog::<SinkFile>::new(local(&dir, "log"), 2);
        for epoch in 0..epochs {
            log().add(epoch, &[SinkFile::added(format!("part-{epoch}"), 1, 2)]).await.unwrap();
        }
        let last = format!("{}.compact", epochs - 1);
        fs::remove_file(dir.path().join("log").join(&last)).unwrap();
        // The epoch after it is there.
        fs::write(dir.path().join("log").join(epochs.to_string()), "v1").unwrap();
        let error = log().all().await.unwrap_err();
        assert!(matches!(&error, Error::Corrupt { path, .. } if path.ends_with(&last)), "{error}");
    }
}

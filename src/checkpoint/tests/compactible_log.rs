//! Logs that are compacted: reopened, cut short, damaged and overtaken.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::{litter, local, names_on_disk};
use crate::checkpoint::compactible_log::{CompactibleLog, Look};
use crate::checkpoint::storage::LocalStorage;
use crate::connector::storage::Storage;
use crate::error::{Error, Result};
use crate::testing::fault::{FaultMode, Faults, FaultyStorage, WriteKind};

fn log(dir: &TempDir) -> CompactibleLog<u64> {
    CompactibleLog::new(local(dir, "log"), 3)
}

/// The entries of an epoch: two of them, none in every fourth.
fn entries(epoch: u64) -> Vec<u64> {
    if epoch % 4 == 3 { vec![] } else { vec![epoch * 10, epoch * 10 + 1] }
}

fn entries_of(epochs: impl IntoIterator<Item = u64>) -> Vec<u64> {
    epochs.into_iter().flat_map(entries).collect()
}

async fn filled(dir: &TempDir, epochs: impl IntoIterator<Item = u64>) -> CompactibleLog<u64> {
    let log = log(dir);
    for epoch in epochs {
        log.add(epoch, &entries(epoch)).await.unwrap();
    }
    log
}

fn names_missing<T: std::fmt::Debug>(result: &Result<T>, file: &str) -> bool {
    matches!(result, Err(Error::Corrupt { path, .. }) if path.ends_with(&format!("log/{file}")))
}

#[tokio::test]
async fn every_so_many_epochs_a_file_holds_all() {
    let dir = tempfile::tempdir().unwrap();
    filled(&dir, 0..3).await;
    assert_eq!(names_on_disk(&dir, "log"), ["0", "1", "2.compact"]);
    let read = |name: &str| fs::read_to_string(dir.path().join("log").join(name)).unwrap();
    assert_eq!(read("1"), "v1\n10\n11");
    assert_eq!(read("2.compact"), "v1\n0\n1\n10\n11\n20\n21");
    filled(&dir, 3..4).await;
    assert_eq!(read("3"), "v1");
}

#[tokio::test]
async fn who_follows_a_log_reads_only_what_was_added() {
    let dir = tempfile::tempdir().unwrap();
    let (follower, log) = (log(&dir), CompactibleLog::new(local(&dir, "log"), 5));
    assert_eq!(follower.look().await.unwrap(), Look::Nothing);
    log.add(0, &entries(0)).await.unwrap();
    log.add(1, &entries(1)).await.unwrap();
    assert_eq!(follower.look().await.unwrap(), Look::Changed);
    assert_eq!(follower.all().await.unwrap(), entries_of(0..2));
    // A file that cannot be told from the one that was read is not read again.
    let path = dir.path().join("log/0");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "damaged").unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len("v1\n0\n1".len() as u64).unwrap();
    file.set_modified(time).unwrap();
    assert_eq!(follower.look().await.unwrap(), Look::Same);
    log.add(2, &entries(2)).await.unwrap();
    log.add(3, &entries(3)).await.unwrap();
    assert_eq!(follower.look().await.unwrap(), Look::Changed);
    assert_eq!(follower.all().await.unwrap(), entries_of(0..4));
    log.add(4, &entries(4)).await.unwrap();
    assert_eq!(follower.look().await.unwrap(), Look::Changed);
    assert_eq!(follower.all().await.unwrap(), entries_of(0..5));
    assert_eq!(follower.look().await.unwrap(), Look::Same);
}

#[tokio::test]
async fn who_follows_a_log_sees_that_it_was_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let follower = log(&dir);
    filled(&dir, 0..2).await;
    follower.look().await.unwrap();
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    for epoch in 0..2 {
        log(&dir).add(epoch, &[epoch + 70, epoch + 80]).await.unwrap();
    }
    assert_eq!(follower.look().await.unwrap(), Look::Changed);
    assert_eq!(follower.all().await.unwrap(), [70, 80, 71, 81]);
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    assert_eq!(follower.look().await.unwrap(), Look::Nothing);
    assert!(follower.all().await.unwrap().is_empty());
}

#[tokio::test]
async fn files_before_the_last_compaction_but_one_go() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(&dir, 0..5).await;
    assert_eq!(names_on_disk(&dir, "log"), ["0", "1", "2.compact", "3", "4"]);
    log.add(5, &entries(5)).await.unwrap();
    assert_eq!(names_on_disk(&dir, "log"), ["2.compact", "3", "4", "5.compact"]);
    for epoch in 6..9 {
        log.add(epoch, &entries(epoch)).await.unwrap();
    }
    assert_eq!(names_on_disk(&dir, "log"), ["5.compact", "6", "7", "8.compact"]);
}

#[tokio::test]
async fn a_log_is_the_same_when_reopened_at_every_step() {
    let (kept, reopened) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    litter(&reopened, "log");
    let one = log(&kept);
    assert_eq!(one.latest().await.unwrap(), None);
    assert_eq!(log(&reopened).all().await.unwrap(), [0; 0]);
    for epoch in 0..14 {
        one.add(epoch, &entries(epoch)).await.unwrap();
        log(&reopened).add(epoch, &entries(epoch)).await.unwrap();
        for log in [one.clone(), log(&kept), log(&reopened)] {
            assert_eq!(log.latest().await.unwrap(), Some(epoch));
            assert_eq!(log.all().await.unwrap(), entries_of(0..=epoch));
            assert_eq!(log.get(epoch + 1).await.unwrap(), None);
            // The epochs since the compaction before the last can be told apart, but for that one.
            let oldest = if epoch < 5 { 0 } else { (epoch + 1) / 3 * 3 - 3 };
            for since in oldest..=epoch {
                assert_eq!(log.get(since).await.unwrap(), Some(entries(since)), "{since}");
                let after = since.checked_sub(1);
                assert_eq!(log.between(after, epoch).await.unwrap(), entries_of(since..=epoch));
            }
        }
    }
}

#[tokio::test]
async fn what_was_compacted_away_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    filled(&dir, 0..9).await;
    let log = log(&dir);
    assert!(names_missing(&log.between(Some(3), 8).await, "3"));
    assert!(names_missing(&log.get(2).await, "2"));
    assert_eq!(log.between(None, 8).await.unwrap(), entries_of(0..9));
    assert_eq!(log.between(Some(7), 6).await.unwrap(), [0; 0]);
}

#[tokio::test]
async fn an_epoch_is_added_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let kept = filled(&dir, 0..7).await;
    for log in [kept, log(&dir)] {
        for epoch in 0..7 {
            let error = log.add(epoch, &[]).await.unwrap_err();
            assert!(matches!(error, Error::AlreadyExists { .. }), "{error}");
        }
        assert_eq!(log.all().await.unwrap(), entries_of(0..7));
    }
}

#[tokio::test]
async fn a_log_that_was_overtaken_finds_out() {
    let dir = tempfile::tempdir().unwrap();
    let old = filled(&dir, 0..2).await;
    filled(&dir, 2..5).await;
    for epoch in 2..5 {
        let error = old.clone().add(epoch, &[99]).await.unwrap_err();
        assert!(matches!(error, Error::AlreadyExists { .. }), "{epoch}: {error}");
    }
    old.add(5, &entries(5)).await.unwrap();
    assert_eq!(log(&dir).all().await.unwrap(), entries_of(0..6));
}

#[tokio::test]
async fn a_gap_in_the_epochs_is_closed_by_a_compaction() {
    let epochs = [4, 5, 6, 9, 10, 12, 20, 21, 23, 29];
    let dir = tempfile::tempdir().unwrap();
    for (at, epoch) in epochs.into_iter().enumerate() {
        log(&dir).add(epoch, &entries(epoch)).await.unwrap();
        let so_far = epochs[..=at].iter().copied();
        assert_eq!(log(&dir).all().await.unwrap(), entries_of(so_far), "{epoch}");
    }
    assert_eq!(names_on_disk(&dir, "log"), ["23.compact", "29.compact"]);
}

#[tokio::test]
async fn a_missing_file_is_named() {
    for (lost, is_needed) in [("2.compact", false), ("5.compact", true), ("6", true), ("7", false)]
    {
        let dir = tempfile::tempdir().unwrap();
        filled(&dir, 0..8).await;
        fs::remove_file(dir.path().join("log").join(lost)).unwrap();
        // Without its last file a log looks as it did before the last epoch.
        let all = log(&dir).all().await;
        match lost {
            // The compaction is gone, but what it was made of is not.
            "5.compact" => assert!(names_missing(&all, "5.compact"), "{all:?}"),
            _ => assert_eq!(names_missing(&all, lost), is_needed, "{lost}: {all:?}"),
        }
        let added = log(&dir).add(8, &[]).await;
        assert_eq!(added.is_err(), is_needed, "{lost}: {added:?}");
    }
}

#[tokio::test]
async fn a_log_without_its_beginning_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    filled(&dir, 0..2).await;
    fs::remove_file(dir.path().join("log/0")).unwrap();
    assert!(names_missing(&log(&dir).all().await, "0"));
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    for (file, text) in [("2.compact", "v1\n0\n1\n1x"), ("3", ""), ("4", "v7\n1"), ("4", "40")] {
        let dir = tempfile::tempdir().unwrap();
        filled(&dir, 0..5).await;
        fs::write(dir.path().join("log").join(file), text).unwrap();
        assert!(names_missing(&log(&dir).all().await, file), "{file}");
        assert!(names_missing(&log(&dir).add(5, &[]).await, file), "{file}");
        assert_eq!(log(&dir).latest().await.unwrap(), Some(4));
    }
}

#[tokio::test]
async fn the_interval_may_change() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = vec![];
    for (epoch, interval) in [3, 3, 3, 3, 5, 5, 1, 1, 2, 2, 10, 0].into_iter().enumerate() {
        let log = CompactibleLog::<usize>::new(local(&dir, "log"), interval);
        log.add(epoch as u64, &[epoch]).await.unwrap();
        expected.push(epoch);
        let again = CompactibleLog::<usize>::new(local(&dir, "log"), 4);
        assert_eq!(again.all().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn an_epoch_costs_one_put_and_reads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new();
    let location = storage.open(dir.path().join("log").to_str().unwrap()).unwrap();
    let log = CompactibleLog::<u64>::new(location, 3);
    for epoch in 0..3 {
        log.add(epoch, &entries(epoch)).await.unwrap();
    }
    let before = storage.sync_stats();
    // Nothing of this is looked at again.
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    fs::create_dir(dir.path().join("log")).unwrap();
    for epoch in 3..6 {
        log.add(epoch, &entries(epoch)).await.unwrap();
    }
    let after = storage.sync_stats();
    assert_eq!((after.files - before.files, after.folders - before.folders), (3, 3));
    assert_eq!(log.all().await.unwrap(), entries_of(0..6));
    assert_eq!(self::log(&dir).all().await.unwrap(), entries_of(0..6));
}

#[tokio::test]
async fn whatever_write_fails_the_log_is_whole() {
    let faults = Faults::new();
    let count = {
        let dir = tempfile::tempdir().unwrap();
        run_with(&dir, &faults).await;
        faults.count()
    };
    let deletes = faults.writes().iter().filter(|w| w.kind == WriteKind::Delete).count();
    assert_eq!((count, deletes), (15, 5));
    for number in 0..count {
        for mode in FaultMode::ALL {
            let (dir, faults) = (tempfile::tempdir().unwrap(), Faults::new());
            faults.arm(number, mode);
            run_with(&dir, &faults).await;
            faults.revive();
            // A second run goes on where the first ended.
            run_with(&dir, &faults).await;
            assert_eq!(log(&dir).all().await.unwrap(), entries_of(0..10), "{number} {mode:?}");
        }
    }
}

/// Adds ten epochs, or as many as it gets to.
async fn run_with(dir: &TempDir, faults: &Faults) {
    let storage = FaultyStorage::new(Arc::new(LocalStorage::new()), faults.clone());
    let location = storage.open(dir.path().join("log").to_str().unwrap()).unwrap();
    let log = CompactibleLog::<u64>::new(location, 3);
    let Ok(newest) = log.latest().await else { return };
    for epoch in newest.map_or(0, |newest| newest + 1)..10 {
        if log.add(epoch, &entries(epoch)).await.is_err() {
            return;
        }
    }
}

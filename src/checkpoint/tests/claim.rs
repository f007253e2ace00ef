//! Which of several runs owns a checkpoint.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::seal::sealed;
use super::{litter, local, names_on_disk};
use crate::checkpoint::claim::{Claim, RunEntry};
use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::storage::LocalStorage;
use crate::connector::storage::Storage;
use crate::error::{Error, ErrorKind};
use crate::runtime::task;
use crate::testing::fault::{FaultMode, Faults, FaultyStorage};

fn entry(run_id: &str) -> RunEntry {
    RunEntry { run_id: run_id.to_owned(), timestamp: 7, ..RunEntry::default() }
}

async fn take(dir: &TempDir) -> Claim {
    Claim::take(Checkpoint::new(local(dir, "c")), &entry("run")).await.unwrap()
}

#[tokio::test]
async fn runs_are_numbered_from_zero() {
    let dir = tempfile::tempdir().unwrap();
    litter(&dir, "c/runs");
    for run in 0..12 {
        assert_eq!(take(&dir).await.run(), run);
    }
    let text = fs::read_to_string(dir.path().join("c/runs/0")).unwrap();
    assert_eq!(text, sealed("v1\n{\"runId\":\"run\",\"timestamp\":7}", "0"));
}

#[tokio::test]
async fn a_run_says_that_it_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::new(local(&dir, "c"));
    let claim = take(&dir).await;
    assert!(!Claim::has_ended(&checkpoint, 0).await.unwrap());
    claim.end().await.unwrap();
    assert!(Claim::has_ended(&checkpoint, 0).await.unwrap());
    // The name is no number, and so no run.
    assert_eq!(take(&dir).await.run(), 1);
    assert!(!Claim::has_ended(&checkpoint, 1).await.unwrap());
}

#[tokio::test]
async fn the_newest_claim_fences_all_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = take(&dir).await;
    first.check().await.unwrap();
    let second = take(&dir).await;
    assert!(matches!(first.check().await, Err(Error::Fenced { run: 1, .. })));
    second.check().await.unwrap();
    let third = take(&dir).await;
    for fenced in [&first, &second] {
        let error = fenced.check().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fenced);
        assert!(matches!(&error, Error::Fenced { run: 2, location } if location.ends_with("/c")));
    }
    third.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_start_at_once_get_numbers_of_their_own() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let dir = Arc::clone(&dir);
            task::spawn(async move { take(&dir).await })
        })
        .collect();
    let mut claims = vec![];
    for task in tasks {
        claims.push(task.await.unwrap());
    }
    claims.sort_by_key(Claim::run);
    let runs: Vec<u64> = claims.iter().map(Claim::run).collect();
    assert_eq!(runs, [0, 1, 2, 3, 4, 5, 6, 7]);
    claims.pop().unwrap().check().await.unwrap();
    for claim in claims {
        assert!(matches!(claim.check().await, Err(Error::Fenced { run: 7, .. })));
    }
}

#[tokio::test]
async fn a_claim_that_failed_half_way_uses_its_number_up() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults::new();
    faults.arm(0, FaultMode::DieAfter);
    let storage = FaultyStorage::new(Arc::new(LocalStorage::new()), faults);
    let location = storage.open(dir.path().join("c").to_str().unwrap()).unwrap();
    Claim::take(Checkpoint::new(location), &entry("run")).await.unwrap_err();
    assert_eq!(names_on_disk(&dir, "c/runs"), ["0"]);
    assert_eq!(take(&dir).await.run(), 1);
}

#[tokio::test]
async fn a_run_that_cannot_ask_does_not_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let faults = Faults::new();
    let storage = FaultyStorage::new(Arc::new(LocalStorage::new()), faults.clone());
    let location = storage.open(dir.path().join("c").to_str().unwrap()).unwrap();
    let checkpoint = Checkpoint::new(location);
    let claim = Claim::take(checkpoint.clone(), &entry("run")).await.unwrap();
    faults.arm(1, FaultMode::DieBefore);
    Claim::take(checkpoint, &entry("other")).await.unwrap_err();
    assert_eq!(claim.check().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

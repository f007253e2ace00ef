//! Files: what is written, what is refused, what goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload};

use crate::checkpoint::commit_log::StateFile;
use crate::checkpoint::key_group::KeyGroupSet;
use crate::connector::storage::Location;
use crate::error::{Error, ErrorKind};
use crate::state::changelog::FileFormat;
use crate::state::conformance::{Harness, keys, put, remove, rows, schema};
use crate::state::file::locate;
use crate::state::fixture::{Fixture, operator};
use crate::state::purge::{self, Named};
use crate::state::schema::StateSchema;

fn at(fixture: &Fixture, file: &StateFile) -> Location {
    locate(&fixture.checkpoint.state(&operator()), file)
}

async fn bytes(fixture: &Fixture, file: &StateFile) -> Bytes {
    let at = at(fixture, file);
    at.store.get(&at.path).await.unwrap().bytes().await.unwrap()
}

/// Runs epochs that each put one more row, up to this version.
async fn run_to(fixture: &Fixture, from: u64, to: u64) {
    for version in from..to {
        let store = fixture.open(version).await.unwrap();
        put(&*store, &[((version as i64, Some(1)), 1), ((-1, None), version as i64)]).unwrap();
        fixture.commit(&*store).await;
        drop(store);
        fixture.registry().finish_background().await;
    }
}

async fn reopen_error(fixture: &Fixture, version: u64) -> Error {
    fixture.restart();
    fixture.open(version).await.unwrap_err()
}

#[tokio::test]
async fn a_changelog_holds_what_became_of_each_key() {
    let fixture = Fixture::plain(10);
    let store = fixture.open(0).await.unwrap();
    put(&*store, &[((1, None), 1), ((2, Some(5)), 2)]).unwrap();
    fixture.commit(&*store).await;
    let store = fixture.open(1).await.unwrap();
    put(&*store, &[((1, None), 3), ((3, None), 3), ((4, Some(5)), 4)]).unwrap();
    remove(&*store, &keys(&[(7, None), (2, Some(5)), (4, Some(5))])).unwrap();
    put(&*store, &[((1, None), 5)]).unwrap();
    let commit = fixture.commit(&*store).await;
    assert_eq!(commit.files[1].path, "0/2-0.delta.arrow");
    let bytes = bytes(&fixture, &commit.files[1]).await;
    let batches: Vec<_> = FileFormat::new(&schema()).decode(bytes).unwrap().collect();
    let batch = batches[0].as_ref().unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(batch.deleted.iter().flatten().collect::<Vec<_>>(), [false, false, true]);
    let counts = batch.values[0].as_primitive::<Int64Type>();
    assert_eq!(counts.iter().collect::<Vec<_>>(), [Some(5), Some(3), None]);
    // Pinned: another value means that keys of older checkpoints are not found any more.
    assert_eq!(batch.groups.value(0), 117);
}

#[tokio::test]
async fn an_epoch_without_changes_writes_no_file() {
    let fixture = Fixture::plain(10);
    run_to(&fixture, 0, 1).await;
    let store = fixture.open(1).await.unwrap();
    remove(&*store, &keys(&[(9, None)])).unwrap();
    let commit = fixture.commit(&*store).await;
    assert_eq!(commit, fixture.entries()[&0].state[&operator()][0]);
    fixture.restart();
    assert_eq!(rows(&*fixture.open(2).await.unwrap(), 10).unwrap().len(), 2);
}

#[tokio::test]
async fn an_epoch_done_again_in_the_same_run_leaves_the_first_file_as_it_was() {
    let fixture = Fixture::plain(10);
    let store = fixture.open(0).await.unwrap();
    put(&*store, &[((1, None), 1)]).unwrap();
    let first = store.commit().await.unwrap();
    let store = fixture.open(0).await.unwrap();
    put(&*store, &[((1, None), 2)]).unwrap();
    let second = fixture.commit(&*store).await;
    assert_eq!(second.files[0].path, "0/1-0-1.delta.arrow");
    fixture.restart();
    assert_eq!(rows(&*fixture.open(1).await.unwrap(), 9).unwrap(), [((1, None), 2)].into());
    fixture.note(1, vec![first]);
    fixture.restart();
    assert_eq!(rows(&*fixture.open(1).await.unwrap(), 9).unwrap(), [((1, None), 1)].into());
}

#[tokio::test]
async fn damage_is_found_and_names_the_file() {
    let fixture = Fixture::plain(10);
    run_to(&fixture, 0, 2).await;
    let file = fixture.entries()[&1].state[&operator()][0].files[1].clone();
    let (at, good) = (at(&fixture, &file), bytes(&fixture, &file).await);
    let mut flipped = good.to_vec();
    flipped[good.len() / 2] ^= 1;
    let truncated = good.slice(..good.len() - 1);
    for (damaged, says) in [(flipped.into(), "CRC-32"), (truncated, "bytes, found")] {
        at.store.put(&at.path, PutPayload::from_bytes(damaged)).await.unwrap();
        let error = reopen_error(&fixture, 2).await;
        assert!(
            matches!(&error, Error::Corrupt { path, reason }
            if path.ends_with("state/agg/0/2-0.delta.arrow") && reason.contains(says)),
            "{error}"
        );
    }
    at.store.delete(&at.path).await.unwrap();
    let error = reopen_error(&fixture, 2).await;
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("it is missing"), "{error}");
    at.store.put(&at.path, PutPayload::from_bytes(good)).await.unwrap();
    assert_eq!(rows(&*fixture.open(2).await.unwrap(), 10).unwrap().len(), 3);
}

#[tokio::test]
async fn a_file_of_another_schema_is_refused() {
    let mut fixture = Fixture::plain(10);
    run_to(&fixture, 0, 1).await;
    let StateSchema { key, time, .. } = schema();
    fixture.schema = StateSchema { value: Arc::clone(&key), key, time };
    let error = reopen_error(&fixture, 1).await.to_string();
    assert!(
        error.contains("0/1-0.delta.arrow") && error.contains("expected the columns"),
        "{error}"
    );
}

#[tokio::test]
async fn a_commit_during_which_the_store_changes_fails() {
    let mut fixture = Fixture::plain(1000);
    run_to(&fixture, 0, 3).await;
    fixture.min_deltas = 1;
    for aborts in [false, true] {
        fixture.restart();
        let store = fixture.open(3).await.unwrap();
        put(&*store, &[((1, None), 1)]).unwrap();
        // The chain is so long that the commit waits for the snapshot, which has not begun.
        let mut commit = store.commit();
        assert!(futures::poll!(&mut commit).is_pending());
        match aborts {
            true => store.abort(),
            false => put(&*store, &[((2, None), 1)]).unwrap(),
        }
        assert!(commit.await.is_err());
        store.abort();
        assert_eq!(rows(&*store, 10).unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_missing_entry_of_the_commit_log_is_named() {
    let fixture = Fixture::plain(10);
    let error = fixture.open(4).await.unwrap_err();
    assert!(
        matches!(&error, Error::Corrupt { path, .. } if path.ends_with("commits/3")),
        "{error}"
    );
    fixture.note(4, vec![]);
    let error = fixture.open(4).await.unwrap_err().to_string();
    assert!(error.contains("no partition in it owns key group 0"), "{error}");
}

#[tokio::test]
async fn an_operator_that_the_checkpoint_does_not_know_is_refused() {
    let fixture = Fixture::plain(10);
    run_to(&fixture, 0, 1).await;
    let entry = fixture.entries()[&0].clone();
    let mut request = fixture.request(0, KeyGroupSet::ALL, 1);
    request.operator.0 = "new".to_owned();
    let error = fixture.registry().open_with(&request, async { Ok(Some(entry)) }).await;
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Incompatible { .. }), "{error}");
}

#[tokio::test]
async fn a_snapshot_says_what_its_changelogs_say() {
    let fixture = Fixture::plain(3);
    run_to(&fixture, 0, 3).await;
    let store = fixture.open(3).await.unwrap();
    fixture.registry().finish_background().await;
    remove(&*store, &keys(&[(0, Some(1))])).unwrap();
    let commit = fixture.commit(&*store).await;
    let names: Vec<_> = commit.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(names, ["0/3-0.snapshot.arrow", "0/4-0.delta.arrow"]);
    let live = rows(&*store, 10).unwrap();
    fixture.restart();
    assert_eq!(rows(&*fixture.open(4).await.unwrap(), 10).unwrap(), live);
    let expected = [((-1, None), 2), ((1, Some(1)), 1), ((2, Some(1)), 1)];
    assert_eq!(live, BTreeMap::from(expected));
}

#[tokio::test]
async fn a_snapshot_of_an_aborted_epoch_is_used_by_the_next() {
    let fixture = Fixture::plain(2);
    run_to(&fixture, 0, 2).await;
    let store = fixture.open(2).await.unwrap();
    fixture.registry().finish_background().await;
    assert_eq!(store.commit().await.unwrap().files.len(), 1);
    store.abort();
    let store = fixture.open(2).await.unwrap();
    assert_eq!(store.commit().await.unwrap().files[0].path, "0/2-0.snapshot.arrow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_stays_bounded_when_each_run_is_one_epoch() {
    let fixture = Fixture::plain(2);
    let mut longest = 0;
    for version in 0..20 {
        fixture.restart();
        let store = fixture.open(version).await.unwrap();
        put(&*store, &[((version as i64, None), 1)]).unwrap();
        longest = longest.max(fixture.commit(&*store).await.files.len());
    }
    assert!(longest <= 7, "{longest}");
    fixture.restart();
    assert_eq!(fixture.open(20).await.unwrap().metrics().rows_total, 20);
}

async fn listed(fixture: &Fixture) -> Vec<String> {
    let all = fixture.checkpoint.all_state();
    let files: Vec<_> = all.store.list(Some(&all.path)).try_collect().await.unwrap();
    let mut names: Vec<_> =
        files.iter().map(|f| f.location.filename().unwrap().to_owned()).collect();
    names.sort();
    names
}

async fn purge_from(fixture: &Fixture, oldest: u64, run: u64) -> Vec<String> {
    let files = purge::list(&fixture.checkpoint).await.unwrap();
    let mut named = Named::default();
    for (epoch, entry) in fixture.entries() {
        named.add(&fixture.checkpoint, epoch, &entry);
    }
    named.forget_before(oldest);
    let gone = purge::select(&files, &named, run, &[]);
    purge::delete(&fixture.checkpoint, gone).await.unwrap();
    listed(fixture).await
}

#[tokio::test]
async fn a_purge_keeps_what_is_named_and_what_may_be() {
    let fixture = Fixture::plain(3);
    run_to(&fixture, 0, 5).await;
    // Left over: an aborted attempt, a version that is being written, a file of a newer run.
    let folder = fixture.checkpoint.state(&operator()).child("0");
    for name in ["5-0-1.delta.arrow", "6-0.delta.arrow", "2-1.delta.arrow", "notes.txt"] {
        let at = folder.child(name);
        at.store.put(&at.path, PutPayload::from_static(b"x")).await.unwrap();
    }
    let kept = purge_from(&fixture, 4, 0).await;
    assert_eq!(
        kept,
        [
            "2-1.delta.arrow",
            "3-0.snapshot.arrow",
            "4-0.delta.arrow",
            "5-0.delta.arrow",
            "6-0.delta.arrow",
            "notes.txt"
        ]
    );
    fixture.restart();
    assert_eq!(fixture.open(5).await.unwrap().metrics().rows_total, 6);
}

#[tokio::test]
async fn a_purge_keeps_a_snapshot_that_waits_to_be_named() {
    let fixture = Fixture::plain(2);
    run_to(&fixture, 0, 2).await;
    let store = fixture.open(2).await.unwrap();
    fixture.registry().finish_background().await;
    let files = purge::list(&fixture.checkpoint).await.unwrap();
    let mut named = Named::default();
    for (epoch, entry) in fixture.entries() {
        named.add(&fixture.checkpoint, epoch, &entry);
    }
    let open = fixture.registry().open_snapshots();
    assert!(purge::select(&files, &named, 0, &open).is_empty());
    assert_eq!(purge::select(&files, &named, 0, &[]).len(), 1);
    drop(store);
}

#[tokio::test]
async fn openings_at_the_same_time_load_once() {
    let fixture = Fixture::plain(10);
    run_to(&fixture, 0, 2).await;
    fixture.restart();
    let (one, two) = futures::join!(fixture.open(2), fixture.open(2));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(Arc::ptr_eq(&one, &two));
}

#[tokio::test]
async fn a_snapshot_that_fails_is_tried_again_when_as_many_changelogs_came() {
    let fixture = Fixture::plain(2);
    run_to(&fixture, 0, 1).await;
    let file = fixture.entries()[&0].state[&operator()][0].files[0].clone();
    let (at, good) = (at(&fixture, &file), bytes(&fixture, &file).await);
    at.store.delete(&at.path).await.unwrap();
    run_to(&fixture, 1, 3).await;
    at.store.put(&at.path, PutPayload::from_bytes(good)).await.unwrap();
    run_to(&fixture, 3, 7).await;
    let snapshots: Vec<_> =
        listed(&fixture).await.into_iter().filter(|name| name.contains("snapshot")).collect();
    assert_eq!(snapshots, ["4-0.snapshot.arrow", "6-0.snapshot.arrow"]);
}

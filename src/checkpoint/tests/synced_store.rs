//! What the store syncs, and what it leaves behind when it fails.

use std::fs;
use std::sync::Arc;

use futures::StreamExt;
use object_store::path::Path;
use object_store::{
    Error as StoreError, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    Result as StoreResult,
};
use tempfile::TempDir;

use super::{litter, names_on_disk};
use crate::checkpoint::synced_store::SyncedLocalStore;
use crate::runtime::task;

fn path(dir: &TempDir, name: &str) -> Path {
    Path::from_absolute_path(dir.path().join(name)).unwrap()
}

fn syncs(store: &SyncedLocalStore) -> (u64, u64) {
    let stats = store.sync_stats();
    (stats.files, stats.folders)
}

async fn create(store: &SyncedLocalStore, path: &Path, text: &str) -> StoreResult<()> {
    let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    store.put_opts(path, PutPayload::from(text.to_owned()), options).await.map(|_put| ())
}

async fn text(store: &SyncedLocalStore, path: &Path) -> String {
    String::from_utf8(store.get(path).await.unwrap().bytes().await.unwrap().into()).unwrap()
}

#[tokio::test]
async fn a_put_syncs_the_file_and_its_folder() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    create(&store, &path(&dir, "a"), "1").await.unwrap();
    assert_eq!(syncs(&store), (1, 1));
    store.put(&path(&dir, "a"), "2".into()).await.unwrap();
    assert_eq!(syncs(&store), (2, 2));
    assert_eq!(text(&store, &path(&dir, "a")).await, "2");
    assert!(!store.sync_stats().time.is_zero());
    assert_eq!(names_on_disk(&dir, "."), ["a"]);
}

#[tokio::test]
async fn new_folders_are_synced_up_to_the_first_that_existed() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    create(&store, &path(&dir, "x/y/z/a"), "1").await.unwrap();
    // The names of x, y and z, and then the name of the file.
    assert_eq!(syncs(&store), (1, 4));
    create(&store, &path(&dir, "x/y/z/b"), "1").await.unwrap();
    assert_eq!(syncs(&store), (2, 5));
}

#[tokio::test]
async fn a_put_if_absent_leaves_the_first_file_alone() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    create(&store, &path(&dir, "a"), "first").await.unwrap();
    let error = create(&store, &path(&dir, "a"), "second").await.unwrap_err();
    assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error}");
    assert_eq!(text(&store, &path(&dir, "a")).await, "first");
    assert_eq!(names_on_disk(&dir, "."), ["a"]);
    // The loser relies on the name as well.
    assert_eq!(syncs(&store), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_put_if_absent_at_once_one_wins() {
    let (dir, store) = (tempfile::tempdir().unwrap(), Arc::new(SyncedLocalStore::default()));
    for round in 0..10 {
        let target = path(&dir, &format!("new-{round}/a"));
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                let (store, target) = (Arc::clone(&store), target.clone());
                task::spawn(async move { create(&store, &target, &n.to_string()).await })
            })
            .collect();
        let mut winners = vec![];
        for (n, task) in tasks.into_iter().enumerate() {
            match task.await.unwrap() {
                Ok(()) => winners.push(n.to_string()),
                Err(error) => assert!(matches!(error, StoreError::AlreadyExists { .. }), "{error}"),
            }
        }
        assert_eq!(winners, [text(&store, &target).await]);
    }
}

#[tokio::test]
async fn what_a_killed_process_left_is_never_listed() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    litter(&dir, "f");
    create(&store, &path(&dir, "f/0"), "x").await.unwrap();
    let names = |found: Vec<object_store::ObjectMeta>| {
        let mut names: Vec<String> =
            found.iter().map(|meta| meta.location.filename().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let expected = ["+8", "-1", ".7.crc", "0", "007", "8.tmp", "_SUCCESS"];
    let folder = path(&dir, "f");
    let shallow = store.list_with_delimiter(Some(&folder)).await.unwrap().objects;
    assert_eq!(names(shallow), expected);
    let deep: Vec<_> = store.list(Some(&folder)).map(|meta| meta.unwrap()).collect().await;
    assert_eq!(names(deep), expected);
}

#[cfg(unix)]
#[tokio::test]
async fn a_name_that_is_no_utf_8_hides_no_others() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    create(&store, &path(&dir, "f/a"), "x").await.unwrap();
    fs::write(dir.path().join("f").join(OsStr::from_bytes(b"b\xFF")), "x").unwrap();
    let listed = store.list_with_delimiter(Some(&path(&dir, "f"))).await.unwrap().objects;
    let names: Vec<_> = listed.iter().filter_map(|file| file.location.filename()).collect();
    assert_eq!(names, ["a"]);
}

#[tokio::test]
async fn a_failed_put_names_the_file_and_leaves_nothing() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    fs::create_dir(dir.path().join("taken")).unwrap();
    let error = store.put(&path(&dir, "taken"), "x".into()).await.unwrap_err();
    assert!(error.to_string().contains("/taken"), "{error}");
    fs::write(dir.path().join("file"), "x").unwrap();
    let error = store.put(&path(&dir, "file/below"), "x".into()).await.unwrap_err();
    assert!(error.to_string().contains("file/below"), "{error}");
    assert_eq!(names_on_disk(&dir, "."), ["file", "taken"]);
    assert_eq!(names_on_disk(&dir, "taken"), [""; 0]);
}

#[tokio::test]
async fn an_upload_appears_whole_at_its_end_and_is_durable() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    let target = path(&dir, "big");
    let mut upload = store.put_multipart(&target).await.unwrap();
    let (first, second) = (upload.put_part("first ".into()), upload.put_part("second".into()));
    second.await.unwrap();
    first.await.unwrap();
    assert!(matches!(store.get(&target).await, Err(StoreError::NotFound { .. })));
    assert_eq!(syncs(&store), (0, 0));
    upload.complete().await.unwrap();
    assert_eq!(syncs(&store), (1, 1));
    assert_eq!(text(&store, &target).await, "first second");
    assert!(upload.complete().await.is_err());
    assert_eq!(names_on_disk(&dir, "."), ["big"]);
}

#[tokio::test]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    let mut aborted = store.put_multipart(&path(&dir, "a")).await.unwrap();
    aborted.put_part("x".into()).await.unwrap();
    aborted.abort().await.unwrap();
    assert!(aborted.put_part("x".into()).await.is_err());
    let dropped = store.put_multipart(&path(&dir, "b")).await.unwrap();
    drop(dropped);
    assert_eq!(names_on_disk(&dir, "."), [""; 0]);
}

#[tokio::test]
async fn an_upload_with_a_part_that_was_not_written_fails() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    let mut upload = store.put_multipart(&path(&dir, "a")).await.unwrap();
    drop(upload.put_part("never written".into()));
    upload.put_part("written".into()).await.unwrap();
    assert!(upload.complete().await.is_err());
    assert_eq!(names_on_disk(&dir, "."), [""; 0]);
}

#[tokio::test]
async fn copies_and_renames_are_durable_too() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    fs::write(dir.path().join("a"), "x").unwrap();
    store.copy(&path(&dir, "a"), &path(&dir, "new/b")).await.unwrap();
    // The copy's bytes; the name of the folder and the name in it.
    assert_eq!(syncs(&store), (1, 2));
    store.rename(&path(&dir, "a"), &path(&dir, "new/c")).await.unwrap();
    assert_eq!(syncs(&store), (2, 4));
    assert_eq!(names_on_disk(&dir, "new"), ["b", "c"]);
}

#[tokio::test]
async fn what_cannot_be_promised_is_refused() {
    let (dir, store) = (tempfile::tempdir().unwrap(), SyncedLocalStore::default());
    let version = object_store::UpdateVersion { e_tag: None, version: None };
    let options = PutOptions { mode: PutMode::Update(version), ..PutOptions::default() };
    let error = store.put_opts(&path(&dir, "a"), "x".into(), options).await.unwrap_err();
    assert!(matches!(error, StoreError::NotImplemented { .. }), "{error}");
}

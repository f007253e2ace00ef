//! The log of a file sink's output folder.

use std::fs;

use super::local;
use super::seal::sealed;
use crate::checkpoint::manifest::{SinkFile, committed_files, manifest};
use crate::error::Error;

#[tokio::test]
async fn an_entry_has_the_fields_of_spark() {
    let dir = tempfile::tempdir().unwrap();
    let out = local(&dir, "out");
    let file = SinkFile::added("file:///out/part-0", 917, 1_700_000_000_000);
    manifest(&out).add(0, std::slice::from_ref(&file)).await.unwrap();
    let text = "v1\n{\"path\":\"file:///out/part-0\",\"size\":917,\"isDir\":false,\
         \"modificationTime\":1700000000000,\"blockReplication\":1,\"blockSize\":33554432,\
         \"action\":\"add\"}";
    assert_eq!(
        fs::read_to_string(dir.path().join("out/_spark_metadata/0")).unwrap(),
        sealed(text, "0")
    );
    assert_eq!(committed_files(&out).await.unwrap(), Some(vec![file]));
}

#[tokio::test]
async fn a_folder_without_a_log_has_no_committed_files_to_tell() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(committed_files(&local(&dir, "out")).await.unwrap(), None);
    fs::create_dir(dir.path().join("out")).unwrap();
    fs::write(dir.path().join("out/part-0"), "x").unwrap();
    assert_eq!(committed_files(&local(&dir, "out")).await.unwrap(), None);
}

#[tokio::test]
async fn in_a_log_that_was_only_begun_nothing_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("out/_spark_metadata")).unwrap();
    fs::write(dir.path().join("out/_spark_metadata/.query"), "id").unwrap();
    assert_eq!(committed_files(&local(&dir, "out")).await.unwrap(), Some(vec![]));
}

#[tokio::test]
async fn files_are_given_in_the_order_of_their_epochs_over_compactions() {
    let dir = tempfile::tempdir().unwrap();
    let out = local(&dir, "out");
    for epoch in 0..25 {
        let file = SinkFile::added(format!("file:///out/{epoch}"), epoch, 0);
        manifest(&out).add(epoch, &[file]).await.unwrap();
    }
    let sizes: Vec<u64> =
        committed_files(&out).await.unwrap().unwrap().iter().map(|file| file.size).collect();
    assert_eq!(sizes, (0..25).collect::<Vec<_>>());
    fs::remove_file(dir.path().join("out/_spark_metadata/19.compact")).unwrap();
    assert!(matches!(committed_files(&out).await, Err(Error::Corrupt { .. })));
}

#[tokio::test]
async fn an_epoch_without_rows_names_the_folder_and_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let out = local(&dir, "out");
    let file = SinkFile { crc32: Some(7), ..SinkFile::added("file:///a", 1, 0) };
    manifest(&out).add(0, std::slice::from_ref(&file)).await.unwrap();
    manifest(&out).add(1, &[SinkFile::folder(&out)]).await.unwrap();
    assert_eq!(committed_files(&out).await.unwrap(), Some(vec![file]));
    let log = dir.path().join("out/_spark_metadata");
    fs::copy(log.join("0"), log.join("1")).unwrap();
    assert!(committed_files(&out).await.unwrap_err().to_string().contains("that of `0`"));
}

#[tokio::test]
async fn a_deleted_file_is_not_committed() {
    let dir = tempfile::tempdir().unwrap();
    let out = local(&dir, "out");
    let (kept, gone) = (SinkFile::added("file:///a", 1, 0), SinkFile::added("file:///b", 1, 0));
    let delete = SinkFile { action: "delete".to_owned(), ..gone.clone() };
    manifest(&out).add(0, &[gone, kept.clone()]).await.unwrap();
    manifest(&out).add(1, &[delete]).await.unwrap();
    assert_eq!(committed_files(&out).await.unwrap(), Some(vec![kept]));
}

//! The identity of a query over restarts.

use std::fs;

use tempfile::TempDir;

use super::local;
use super::seal::sealed;
use crate::checkpoint::layout::Checkpoint;
use crate::checkpoint::offset_log::OffsetEntry;
use crate::checkpoint::query_metadata::QueryMetadata;
use crate::error::{Error, Result};

async fn load(dir: &TempDir, new_id: &str) -> Result<QueryMetadata> {
    QueryMetadata::load_or_create(&Checkpoint::new(local(dir, "c")), new_id).await
}

#[tokio::test]
async fn the_first_id_stays() {
    let dir = tempfile::tempdir().unwrap();
    let made = load(&dir, "first").await.unwrap();
    assert_eq!(made, QueryMetadata { id: "first".to_owned(), format_version: 1 });
    let text = fs::read_to_string(dir.path().join("c/metadata")).unwrap();
    assert_eq!(text, sealed("{\"id\":\"first\",\"formatVersion\":1}", "metadata"));
    assert_eq!(load(&dir, "second").await.unwrap(), made);
}

#[tokio::test]
async fn of_two_that_start_at_once_both_get_one_id() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = futures::join!(load(&dir, "a"), load(&dir, "b"));
    assert_eq!(a.unwrap(), b.unwrap());
}

#[tokio::test]
async fn logs_without_metadata_are_no_new_checkpoint() {
    for log in ["offsets", "commits"] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("c").join(log)).unwrap();
        fs::write(dir.path().join("c").join(log).join("4"), "").unwrap();
        let error = load(&dir, "new").await.unwrap_err();
        assert!(matches!(&error, Error::Corrupt { path, .. } if path.ends_with("c/metadata")));
        assert!(error.to_string().contains(&format!("`{log}/4`")), "{error}");
    }
}

#[tokio::test]
async fn metadata_that_cannot_be_read_are_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let checkpoint = Checkpoint::new(local(&dir, "c"));
    checkpoint.offsets().add(0, &OffsetEntry::default()).await.unwrap();
    let cases = [
        ("", "it should be a JSON object"),
        ("{\"id\":\"x\",\"form", "it should be a JSON object"),
        ("{\"id\":\"x\"}", "it has no `formatVersion`"),
        ("[]", "it has no `formatVersion`"),
        ("{\"formatVersion\":1}", "its fields are not those of a query"),
        ("{\"formatVersion\":2,\"name\":\"x\"}", "its format version is 2"),
        ("{\"id\":\"x\",\"formatVersion\":0}", "its format version is 0"),
    ];
    for (text, reason) in cases {
        fs::write(dir.path().join("c/metadata"), text).unwrap();
        let error = load(&dir, "new").await.unwrap_err();
        assert!(matches!(&error, Error::Corrupt { path, .. } if path.ends_with("c/metadata")));
        assert!(error.to_string().contains(reason), "{error}");
    }
}

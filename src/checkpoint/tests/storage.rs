//! From a location as it is given to the folder that it stands for.

use std::fs;

use object_store::ObjectStoreExt;

use crate::checkpoint::storage::LocalStorage;
use crate::connector::storage::Storage;
use crate::error::ErrorKind;

fn path_of(location: &str) -> String {
    LocalStorage::new().open(location).unwrap().path.to_string()
}

fn url_of(location: &str) -> String {
    LocalStorage::new().open(location).unwrap().url
}

#[test]
fn a_plain_path_is_taken_letter_by_letter() {
    assert_eq!(path_of("/data/a b%20c"), "data/a b%20c");
    assert_eq!(path_of("/data/day=1/x?y#z"), "data/day=1/x?y#z");
    assert_eq!(path_of("/data/\u{fc}/\u{6570}"), "data/\u{fc}/\u{6570}");
    assert_eq!(path_of("/"), "");
}

#[test]
fn dots_and_doubled_slashes_are_taken_out() {
    assert_eq!(path_of("//data/./in//x/../y/"), "data/in/y");
    assert_eq!(path_of("/../.."), "");
    assert_eq!(path_of("file:///data/./in/../out/"), "data/out");
}

#[test]
fn a_relative_path_lies_below_the_current_directory() {
    let here = std::env::current_dir().unwrap();
    let here = here.to_str().unwrap().trim_start_matches('/').to_owned();
    assert_eq!(path_of("a/b"), format!("{here}/a/b"));
    assert_eq!(path_of("./a:b/c"), format!("{here}/a:b/c"));
    assert_eq!(path_of("."), here);
}

#[test]
fn a_file_url_is_decoded() {
    assert_eq!(path_of("file:///data/a%20b%2520c"), "data/a b%20c");
    assert_eq!(path_of("file:/data/in"), "data/in");
    assert_eq!(path_of("FILE://localhost/data/in"), "data/in");
    assert_eq!(path_of("file:///data/x?y#z "), "data/x?y#z ");
}

#[test]
fn the_url_of_a_location_opens_the_same_place() {
    let odd = ["/", "/data/a b%20c", "/d=1/x?y#z ", "/\u{6570}/%", "/a\\b/\"q\"/[*]{~}", "/a:b"];
    for given in odd {
        let url = url_of(given);
        assert!(url.starts_with("file:///"), "{url}");
        assert_eq!(path_of(&url), path_of(given), "{url}");
    }
    assert_eq!(url_of("/data/a b%20c"), "file:///data/a%20b%2520c");
}

#[test]
fn the_url_of_a_child_opens_the_child() {
    let storage = LocalStorage::new();
    for name in ["plain", "a b", "50%", "x/y", "q?#", "..", "\u{6570}"] {
        for folder in ["/", "/data/a b"] {
            let child = storage.open(folder).unwrap().child(name);
            assert_eq!(storage.open(&child.url).unwrap().path, child.path, "{}", child.url);
        }
    }
}

#[test]
fn other_schemes_are_unsupported_and_named() {
    for (location, scheme) in [("s3://bucket/x", "`s3`"), ("hdfs:/x", "`hdfs`")] {
        let error = LocalStorage::new().open(location).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(scheme), "{error}");
    }
}

#[test]
fn what_is_no_location_is_invalid() {
    for location in ["", "file:", "file:data", "file://host/data", "/a\nb", "/a\0b", "file:///%FF"]
    {
        let error = LocalStorage::new().open(location).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{location}: {error}");
    }
}

#[tokio::test]
async fn files_land_in_the_very_folder_that_was_named() {
    let dir = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new();
    for name in ["a b%20c", "\u{fc}ber=1", "x?y#z", "100%"] {
        let folder = dir.path().join(name);
        let location = storage.open(folder.to_str().unwrap()).unwrap();
        let file = location.child("f");
        file.store.put(&file.path, "text".into()).await.unwrap();
        assert_eq!(fs::read_to_string(folder.join("f")).unwrap(), "text");
        let listed = location.store.list_with_delimiter(Some(&location.path)).await.unwrap();
        assert_eq!(listed.objects[0].location, file.path);
    }
}

#[tokio::test]
async fn clones_share_the_counts() {
    let dir = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new();
    let clone = storage.clone();
    let file = clone.open(dir.path().join("f").to_str().unwrap()).unwrap();
    file.store.put(&file.path, "x".into()).await.unwrap();
    assert_eq!((storage.sync_stats().files, storage.sync_stats().folders), (1, 1));
}

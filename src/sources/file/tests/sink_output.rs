//! Folders that a file sink has written.

use super::*;

#[tokio::test]
async fn an_output_of_a_file_sink_has_the_files_that_were_committed() {
    let world = World::new();
    world.add("committed", 1, 1);
    world.add("left over", 2, 2);
    let storage = LocalStorage::default();
    let folder = storage.open(&world.path("in")).unwrap();
    let file = SinkFile::added(folder.child("committed").url, 8, 1_704_067_201_000);
    manifest(&folder).add(0, &[file]).await.unwrap();
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    let (epochs, end) = drain(source.as_ref(), None).await;
    assert_eq!(epochs, [[1]]);
    let table = world.table(Freshness::Live).await.unwrap();
    assert_eq!(scanned(&table).await, [1]);
    // What is committed meanwhile is found by those who have read the log already.
    world.add("more", 3, 3);
    let more = SinkFile::added(folder.child("more").url, 8, 1_704_067_203_000);
    manifest(&folder).add(1, &[more]).await.unwrap();
    assert_eq!(drain(source.as_ref(), end).await.0, [[3]]);
    assert_eq!(scanned(&table).await, [1, 3]);
}

#[tokio::test]
async fn a_file_of_a_sink_must_be_what_the_log_says() {
    let world = World::new();
    world.add("part", 1, 1);
    let folder = LocalStorage::default().open(&world.path("in")).unwrap();
    let file = SinkFile::added(folder.child("part").url, 8, 1_704_067_201_000);
    let crc32 = Some(crc32fast::hash(b"{\"v\":1}\n"));
    manifest(&folder).add(0, &[SinkFile { crc32, ..file }]).await.unwrap();
    let verified = [("verifyChecksums", "true")];
    let read = async |options: &[(&str, &str)]| {
        let source = world.start(options).await;
        source.recover(None).await?;
        let end = next(source.as_ref(), None).await.unwrap();
        values(source.as_ref(), None, &end).await
    };
    assert_eq!(read(&verified).await.unwrap(), [1]);
    // Another row of the same length is told by its checksum only.
    world.add("part", 2, 1);
    assert_eq!(read(&[]).await.unwrap(), [2]);
    let error = read(&verified).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("in/part") && error.to_string().contains("checksum"));
    // Rows that are missing, or too many, are told always.
    for rows in ["", "{\"v\":1}\n{\"v\":2}\n"] {
        world.write("part", rows, 1);
        let error = read(&[]).await.unwrap_err();
        assert!(error.to_string().contains("in/part") && error.to_string().contains("says 8"));
        assert!(read(&[("ignoreCorruptFiles", "true")]).await.unwrap().is_empty());
    }
}

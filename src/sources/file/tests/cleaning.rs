//! Files whose rows are done, and files that cannot be read.

use super::*;

/// The names that are in a folder, in order.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const DELETE: &[(&str, &str)] = &[("cleanSource", "delete"), ("maxFilesPerTrigger", "1")];

#[tokio::test]
async fn a_file_goes_when_its_epoch_is_committed_and_not_before() {
    let world = World::new();
    world.add("a", 1, 1);
    world.add("b", 2, 2);
    let source = world.start(DELETE).await;
    source.recover(None).await.unwrap();
    let first = next(source.as_ref(), None).await;
    let second = next(source.as_ref(), first.as_ref()).await;
    assert_eq!(names(&world.folder()), ["a", "b"]);
    source.commit(first.as_ref().unwrap()).await.unwrap();
    assert_eq!(names(&world.folder()), ["b"]);
    // The epoch that is still to come can be read.
    let read = values(source.as_ref(), first.as_ref(), second.as_ref().unwrap()).await;
    assert_eq!(read.unwrap(), [2]);
}

#[tokio::test]
async fn a_run_cleans_up_what_the_run_before_it_left() {
    let world = World::new();
    world.add("a", 1, 1);
    world.add("b", 2, 2);
    let source = world.start(DELETE).await;
    source.recover(None).await.unwrap();
    let first = next(source.as_ref(), None).await;
    let second = next(source.as_ref(), first.as_ref()).await;
    let source = world.start(DELETE).await;
    source.recover(second.as_ref()).await.unwrap();
    source.commit(first.as_ref().unwrap()).await.unwrap();
    assert_eq!(names(&world.folder()), ["b"]);
    source.commit(second.as_ref().unwrap()).await.unwrap();
    assert!(names(&world.folder()).is_empty());
    // A folder that was emptied is no reason not to start.
    let source = world.start(DELETE).await;
    source.recover(second.as_ref()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_written_anew_stays() {
    let world = World::new();
    world.add("a", 1, 1);
    world.add("b", 1, 1);
    let source = world.start(&[("cleanSource", "delete")]).await;
    source.recover(None).await.unwrap();
    let end = next(source.as_ref(), None).await.unwrap();
    world.add("a", 2, 2);
    world.add("b", 1_000, 1);
    source.commit(&end).await.unwrap();
    assert_eq!(names(&world.folder()), ["a", "b"]);
}

#[tokio::test]
async fn an_archive_keeps_the_whole_path_and_what_it_has_already() {
    let world = World::new();
    world.add("a b", 1, 1);
    world.add("c", 2, 2);
    let archive = world.path("done");
    let below = Path::new(&archive).join(world.folder().strip_prefix("/").unwrap());
    fs::create_dir_all(&below).unwrap();
    fs::write(below.join("c"), "kept").unwrap();
    let options = [("cleanSource", "archive"), ("sourceArchiveDir", archive.as_str())];
    let source = world.start(&options).await;
    source.recover(None).await.unwrap();
    let end = next(source.as_ref(), None).await.unwrap();
    source.commit(&end).await.unwrap();
    assert_eq!(names(&below), ["a b", "c"]);
    assert_eq!(fs::read_to_string(below.join("c")).unwrap(), "kept");
    assert_eq!(names(&world.folder()), ["c"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_archive_may_be_on_another_file_system() {
    let world = World::new();
    world.add("a", 1, 1);
    // In memory, and so another one than that of the files, where a machine has it.
    let Ok(archive) = tempfile::tempdir_in("/dev/shm") else { return };
    let root = archive.path().to_str().unwrap();
    let options = [("cleanSource", "archive"), ("sourceArchiveDir", root)];
    let source = world.start(&options).await;
    source.recover(None).await.unwrap();
    let end = next(source.as_ref(), None).await.unwrap();
    source.commit(&end).await.unwrap();
    let below = archive.path().join(world.folder().strip_prefix("/").unwrap());
    assert_eq!(names(&below), ["a"]);
    assert_eq!(fs::read_to_string(below.join("a")).unwrap(), "{\"v\":1}\n");
    assert!(names(&world.folder()).is_empty());
}

#[tokio::test]
async fn an_archive_must_lie_where_the_source_never_looks() {
    let world = World::new();
    let storage = Arc::new(LocalStorage::default());
    for (path, archive, is_fine) in [
        ("in", "in", false),
        ("in", "in/done", false),
        ("in/deep", "in", false),
        ("i?", "in/done", false),
        ("i?/x*", "in/y", true),
        ("in", "done", true),
    ] {
        let (path, archive) = (world.path(path), world.path(archive));
        let options =
            [("path", &*path), ("cleanSource", "archive"), ("sourceArchiveDir", &*archive)];
        let folder = storage.open(&world.path("checkpoint")).unwrap();
        let (clock, storage) = (Arc::new(ManualClock::new(0)), Arc::clone(&storage));
        let definition = world.define(&options).await.unwrap();
        let started =
            definition.start(SourceContext { folder, storage, clock, time_zone: TimeZone::UTC });
        assert_eq!(started.is_ok(), is_fine, "{path} {archive}");
    }
}

#[tokio::test]
async fn files_that_a_sink_wrote_are_not_taken_away() {
    let world = World::new();
    let storage = LocalStorage::default();
    let folder = storage.open(&world.path("in")).unwrap();
    manifest(&folder).add(0, &[]).await.unwrap();
    let source = world.start(DELETE).await;
    let error = source.recover(None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn broken_and_missing_files_are_left_out_and_counted_where_that_is_asked_for() {
    let world = World::new();
    world.add("a.json", 1, 1);
    world.write("b.json.gz", "this is no gzip", 2);
    world.add("c.json", 3, 3);
    let options = [("ignoreCorruptFiles", "true"), ("ignoreMissingFiles", "true")];
    let source = world.start(&options).await;
    source.recover(None).await.unwrap();
    let end = next(source.as_ref(), None).await.unwrap();
    fs::remove_file(world.folder().join("a.json")).unwrap();
    assert_eq!(values(source.as_ref(), None, &end).await.unwrap(), [3]);
    let metrics = source.metrics();
    let count = |name: &str| metrics[name].clone();
    assert_eq!(
        (count("ignoredCorruptFiles"), count("ignoredMissingFiles")),
        ("1".into(), "1".into())
    );
    // One of the two does not forgive the other.
    let source = world.start(&[("ignoreMissingFiles", "true")]).await;
    source.recover(Some(&end)).await.unwrap();
    assert!(values(source.as_ref(), None, &end).await.is_err());
}

#[tokio::test]
async fn counts_begin_anew_when_an_epoch_is_planned() {
    let world = World::new();
    world.write("a", "{\"v\":1}\n{\"v\":\"x\"}\nnope\n", 1);
    let source = world.start(&[("mode", "DROPMALFORMED")]).await;
    source.recover(None).await.unwrap();
    let end = next(source.as_ref(), None).await.unwrap();
    for _again in 0..2 {
        assert_eq!(values(source.as_ref(), None, &end).await.unwrap(), [1]);
        let metrics = source.metrics();
        assert_eq!((&*metrics["malformedRecords"], &*metrics["droppedRecords"]), ("2", "2"));
        assert!(!metrics.contains_key("ignoredCorruptFiles"));
    }
}

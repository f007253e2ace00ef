//! The file source and the file table over real folders.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use tempfile::TempDir;

use crate::checkpoint::manifest::{SinkFile, manifest};
use crate::checkpoint::storage::LocalStorage;
use crate::connector::offset::Offset;
use crate::connector::options::Options;
use crate::connector::source::{
    DefineContext, Freshness, MicroBatchSource, ReadLimit, SourceContext, SourceDefinition,
    SourceFactory,
};
use crate::connector::storage::Storage;
use crate::error::{Error, ErrorKind, Result};
use crate::event_time::zone::TimeZone;
use crate::runtime::clock::ManualClock;
use crate::sources::file::factory::FileSourceFactory;

mod cleaning;
mod columns;
mod parts;
mod sink_output;

/// A folder of files and a checkpoint.
struct World {
    root: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(world.folder()).unwrap();
        world
    }

    fn folder(&self) -> std::path::PathBuf {
        self.root.path().join("in")
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file with one row, last written `second` seconds after 2024 began.
    fn add(&self, name: &str, value: i64, second: u64) {
        self.write(name, &format!("{{\"v\":{value}}}\n"), second);
    }

    fn write(&self, name: &str, text: &str, second: u64) {
        let path = self.folder().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        touch(&path, second);
    }

    async fn define(&self, options: &[(&str, &str)]) -> Result<Arc<dyn SourceDefinition>> {
        let path = self.path("in");
        let mut all: Options = options.iter().copied().collect();
        if all.get("path").is_none() {
            all.set("path", path);
        }
        FileSourceFactory::new("json").define(&all, Some(schema()), &context(false)).await
    }

    async fn start(&self, options: &[(&str, &str)]) -> Arc<dyn MicroBatchSource> {
        let storage = Arc::new(LocalStorage::default());
        let folder = storage.open(&self.path("checkpoint/sources/json-0")).unwrap();
        let clock = Arc::new(ManualClock::new(0));
        let definition = self.define(options).await.unwrap();
        definition
            .start(SourceContext { folder, storage, clock, time_zone: TimeZone::UTC })
            .unwrap()
    }

    async fn table(&self, freshness: Freshness) -> Result<Arc<dyn TableProvider>> {
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::default());
        self.define(&[]).await?.table(&storage, freshness).await
    }
}

fn touch(path: &Path, second: u64) {
    let time = UNIX_EPOCH + Duration::from_secs(1_704_067_200 + second);
    let file = File::options().write(true).open(path).unwrap();
    file.set_times(FileTimes::new().set_modified(time)).unwrap();
}

fn context(infer_schema: bool) -> DefineContext {
    let storage = Arc::new(LocalStorage::default());
    DefineContext { infer_schema, ..DefineContext::new(storage) }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("v", DataType::Int64, false)]))
}

async fn next(source: &dyn MicroBatchSource, start: Option<&Offset>) -> Option<Offset> {
    source.latest_offset(start, ReadLimit::Configured).await.unwrap()
}

async fn values(
    source: &dyn MicroBatchSource,
    start: Option<&Offset>,
    end: &Offset,
) -> Result<Vec<i64>> {
    let mut all = vec![];
    for partition in source.plan(start, end, 4).await? {
        let stream = source.read(&partition, None).await?;
        let batches: Vec<_> = stream.try_collect().await.map_err(Error::from)?;
        all.extend(ints(&batches));
    }
    Ok(all)
}

fn ints(batches: &[RecordBatch]) -> Vec<i64> {
    let columns = batches.iter().map(|batch| batch.column(0).as_primitive::<Int64Type>());
    columns.flat_map(|column| column.values().to_vec()).collect()
}

/// Runs epochs from `start` until nothing is left, and gives the values of each and the end.
async fn drain(
    source: &dyn MicroBatchSource,
    mut start: Option<Offset>,
) -> (Vec<Vec<i64>>, Option<Offset>) {
    let mut epochs = vec![];
    loop {
        let end = next(source, start.as_ref()).await;
        if end == start {
            return (epochs, end);
        }
        epochs.push(values(source, start.as_ref(), end.as_ref().unwrap()).await.unwrap());
        if let Some(done) = &start {
            source.commit(done).await.unwrap();
        }
        start = end;
    }
}

#[tokio::test]
async fn a_file_that_is_too_old_is_counted_once() {
    let world = World::new();
    world.add("future.json", 1, 10_000_000);
    let source = world.start(&[("maxFileAge", "7d")]).await;
    source.recover(None).await.unwrap();
    let (epochs, end) = drain(source.as_ref(), None).await;
    assert_eq!(epochs, [[1]]);
    assert!(!source.metrics().contains_key("filesTooOld"));
    world.add("late.json", 2, 0);
    for _ in 0..2 {
        assert_eq!(next(source.as_ref(), end.as_ref()).await, end);
        assert_eq!(source.metrics()["filesTooOld"], "1");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_passed_over() {
    let world = World::new();
    world.add("a.json", 1, 0);
    let folder = world.folder();
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket.json")).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(folder.join("fifo.json"))
            .status()
            .unwrap()
            .success()
    );
    std::os::unix::fs::symlink("nowhere", folder.join("dangling.json")).unwrap();
    std::os::unix::fs::symlink("self.json", folder.join("self.json")).unwrap();
    std::os::unix::fs::symlink("..", folder.join("up")).unwrap();
    world.add("deep/b.json", 2, 1);
    std::os::unix::fs::symlink("..", folder.join("deep/back")).unwrap();
    for (options, expected) in
        [(&[][..], vec![vec![1]]), (&[("recursiveFileLookup", "true")], vec![vec![1, 2]])]
    {
        let source = world.start(options).await;
        source.recover(None).await.unwrap();
        assert_eq!(drain(source.as_ref(), None).await.0, expected);
        fs::remove_dir_all(world.root.path().join("checkpoint")).unwrap();
    }
    let rows = scanned(&world.table(Freshness::Live).await.unwrap()).await;
    assert_eq!(rows, [1]);
    let pipe = world.path("in/fifo.json");
    let error = world.define(&[("path", &pipe)]).await.unwrap_err();
    assert!(error.to_string().contains("FIFO"), "{error}");
}

#[tokio::test]
async fn files_come_in_the_order_in_which_they_were_written() {
    let world = World::new();
    world.add("c.json", 1, 1);
    world.add("b.json", 3, 2);
    world.add("a.json", 2, 2);
    world.add("0.json", 4, 3);
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    assert_eq!(drain(source.as_ref(), None).await.0, [[1, 2, 3, 4]]);
    let source = world.start(&[("latestFirst", "true"), ("fileNameOnly", "true")]).await;
    assert_eq!(source.to_string(), format!("FileStreamSource[file://{}]", world.path("in")));
}

#[tokio::test]
async fn a_file_without_a_byte_is_passed_over_whatever_its_format() {
    let world = World::new();
    world.write("a", "", 1);
    for format in ["arrow", "csv", "json", "parquet", "text"] {
        let factory = FileSourceFactory::new(format);
        let path = world.path("in");
        let column = Field::new("value", DataType::Utf8, true);
        let options: Options = [("path", path.as_str())].into_iter().collect();
        let schema = Some(Arc::new(Schema::new(vec![column])));
        let definition = factory.define(&options, schema, &context(false)).await.unwrap();
        let storage: Arc<dyn Storage> = Arc::new(LocalStorage::default());
        let table = definition.table(&storage, Freshness::Live).await.unwrap();
        let rows = SessionContext::new().read_table(table).unwrap().collect().await.unwrap();
        assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 0, "{format}");
    }
    world.add("b", 1, 2);
    let options: Options = [("path", world.path("in"))].into_iter().collect();
    let inferred = FileSourceFactory::new("json").define(&options, None, &context(true)).await;
    assert_eq!(inferred.unwrap().schema().field(0).name(), "v");
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    assert_eq!(drain(source.as_ref(), None).await.0, [[1]]);
}

#[tokio::test]
async fn the_newest_files_come_first_where_that_is_asked_for() {
    let world = World::new();
    for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
        world.add(name, at as i64, at as u64);
    }
    let source = world.start(&[("latestFirst", "true"), ("maxFilesPerTrigger", "1")]).await;
    source.recover(None).await.unwrap();
    let first = next(source.as_ref(), None).await;
    world.add("d", 3, 3);
    let (epochs, _) = drain(source.as_ref(), first).await;
    assert_eq!(epochs, [[3], [1], [0]]);
}

#[tokio::test]
async fn an_epoch_takes_no_more_than_the_limit() {
    let world = World::new();
    for n in 0..5 {
        world.add(&format!("f{n}"), n, n as u64);
    }
    let source = world.start(&[("maxFilesPerTrigger", "2")]).await;
    source.recover(None).await.unwrap();
    assert_eq!(drain(source.as_ref(), None).await.0, [vec![0, 1], vec![2, 3], vec![4]]);
    let world = World::new();
    world.add("big", 1_000_000_000, 0);
    world.add("small1", 1, 1);
    world.add("small2", 2, 2);
    let source = world.start(&[("maxBytesPerTrigger", "16")]).await;
    source.recover(None).await.unwrap();
    assert_eq!(drain(source.as_ref(), None).await.0, [vec![1_000_000_000], vec![1, 2]]);
}

#[tokio::test]
async fn a_trigger_that_takes_everything_goes_over_the_limit() {
    let world = World::new();
    world.add("a", 1, 1);
    world.add("b", 2, 2);
    world.add("c", 3, 3);
    let source = world.start(&[("maxFilesPerTrigger", "1")]).await;
    source.recover(None).await.unwrap();
    let first = next(source.as_ref(), None).await;
    let end = source.latest_offset(first.as_ref(), ReadLimit::AllAvailable).await.unwrap();
    assert_eq!(values(source.as_ref(), first.as_ref(), &end.unwrap()).await.unwrap(), [2, 3]);
}

#[tokio::test]
async fn without_new_files_the_offset_stands_still_and_nothing_is_logged() {
    let world = World::new();
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    assert_eq!(next(source.as_ref(), None).await, None);
    world.add("a", 1, 1);
    let end = next(source.as_ref(), None).await;
    assert_eq!(end.as_ref().unwrap().to_string(), r#"{"logOffset":0}"#);
    assert_eq!(next(source.as_ref(), end.as_ref()).await, end);
    // A file that is written again is the same file.
    world.add("a", 9, 9);
    assert_eq!(next(source.as_ref(), end.as_ref()).await, end);
    let log = fs::read_dir(world.path("checkpoint/sources/json-0")).unwrap();
    assert_eq!(log.count(), 1);
}

#[tokio::test]
async fn an_entry_that_no_epoch_was_promised_is_adopted() {
    let world = World::new();
    world.add("a", 1, 1);
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    let first = next(source.as_ref(), None).await.unwrap();
    world.add("b", 2, 2);
    let second = next(source.as_ref(), Some(&first)).await.unwrap();
    // The offsets of neither, of the first, or of both epochs were written before the crash.
    world.add("c", 3, 3);
    for (last, epochs) in [
        (None, vec![vec![1], vec![2], vec![3]]),
        (Some(&first), vec![vec![2], vec![3]]),
        (Some(&second), vec![vec![3]]),
    ] {
        let source = world.start(&[]).await;
        source.recover(last).await.unwrap();
        assert_eq!(drain(source.as_ref(), last.cloned()).await.0, epochs, "after {last:?}");
    }
}

#[tokio::test]
async fn an_epoch_that_runs_again_reads_the_same_rows() {
    let world = World::new();
    world.add("a", 1, 1);
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    let first = next(source.as_ref(), None).await.unwrap();
    world.add("b", 2, 2);
    let second = next(source.as_ref(), Some(&first)).await.unwrap();
    world.add("late", 0, 0);
    // The file grows, which it must not; what the epoch reads stays.
    let mut text = fs::read_to_string(world.folder().join("b")).unwrap();
    text.push_str("{\"v\":22}\n");
    world.write("b", &text, 5);
    let source = world.start(&[]).await;
    source.recover(Some(&second)).await.unwrap();
    assert_eq!(values(source.as_ref(), Some(&first), &second).await.unwrap(), [2]);
    assert_eq!(values(source.as_ref(), None, &second).await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn the_log_is_compacted_and_stays_whole_over_restarts() {
    let world = World::new();
    let mut start: Option<Offset> = None;
    for n in 0..33 {
        world.add(&format!("f{n}"), n, n as u64);
        let source = world.start(&[]).await;
        source.recover(start.as_ref()).await.unwrap();
        let (epochs, end) = drain(source.as_ref(), start.clone()).await;
        assert_eq!(epochs, [[n]]);
        let before = start.replace(end.unwrap());
        let again = world.start(&[]).await;
        again.recover(start.as_ref()).await.unwrap();
        let end = start.as_ref().unwrap();
        assert_eq!(values(again.as_ref(), before.as_ref(), end).await.unwrap(), [n]);
    }
    let names = fs::read_dir(world.path("checkpoint/sources/json-0")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.collect();
    assert!(names.iter().any(|name| name == "29.compact") && names.len() < 20, "{names:?}");
}

#[tokio::test]
async fn an_entry_that_another_run_wrote_first_is_adopted() {
    let world = World::new();
    let slow = world.start(&[]).await;
    slow.recover(None).await.unwrap();
    assert_eq!(next(slow.as_ref(), None).await, None);
    world.add("a", 1, 1);
    let fast = world.start(&[]).await;
    fast.recover(None).await.unwrap();
    let first = next(fast.as_ref(), None).await.unwrap();
    world.add("b", 2, 2);
    // The slow run lists both files, and finds that the entry with the first is there already.
    let (epochs, _) = drain(slow.as_ref(), None).await;
    assert_eq!(epochs, [[1], [2]]);
    assert_eq!(values(slow.as_ref(), None, &first).await.unwrap(), [1]);
}

#[tokio::test]
async fn files_that_could_not_be_logged_are_taken_again() {
    let world = World::new();
    world.add("a", 1, 1);
    // A file stands where the folder of the checkpoint should be.
    fs::write(world.path("checkpoint"), "").unwrap();
    let source = world.start(&[]).await;
    assert!(source.latest_offset(None, ReadLimit::Configured).await.is_err());
    fs::remove_file(world.path("checkpoint")).unwrap();
    assert_eq!(drain(source.as_ref(), None).await.0, [[1]]);
}

#[tokio::test]
async fn a_log_that_lost_entries_is_said_to_be_damaged() {
    let world = World::new();
    world.add("a", 1, 1);
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    let end = next(source.as_ref(), None).await.unwrap();
    fs::remove_dir_all(world.path("checkpoint")).unwrap();
    let error = world.start(&[]).await.recover(Some(&end)).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    let foreign = Offset::new(serde_json::json!({"partition": 1}));
    assert!(world.start(&[]).await.recover(Some(&foreign)).await.is_err());
}

#[tokio::test]
async fn a_frozen_end_lets_nothing_in_that_comes_later() {
    let world = World::new();
    for n in 0..3 {
        world.add(&format!("f{n}"), n, n as u64);
    }
    let source = world.start(&[("maxFilesPerTrigger", "2")]).await;
    source.recover(None).await.unwrap();
    source.freeze_end().await.unwrap();
    world.add("later", 9, 9);
    assert_eq!(drain(source.as_ref(), None).await.0, [vec![0, 1], vec![2]]);
}

#[tokio::test]
async fn hidden_files_and_folders_inside_are_left_out() {
    let world = World::new();
    world.add("a.json", 1, 1);
    world.add("_b.json", 2, 2);
    world.add(".c.json", 3, 3);
    world.add("sub/d.json", 4, 4);
    world.add("sub/_e/f.json", 5, 5);
    world.add("g.csv", 6, 6);
    let listed = async |options: &[(&str, &str)]| {
        let _gone = fs::remove_dir_all(world.path("checkpoint"));
        let source = world.start(options).await;
        source.recover(None).await.unwrap();
        drain(source.as_ref(), None).await.0.concat()
    };
    assert_eq!(listed(&[]).await, [1, 6]);
    assert_eq!(listed(&[("recursiveFileLookup", "true")]).await, [1, 4, 6]);
    assert_eq!(listed(&[("pathGlobFilter", "*.json")]).await, [1]);
    let glob = world.path("in/{s*,a}*");
    assert_eq!(listed(&[("path", &glob)]).await, [1, 4]);
    let glob = world.path("in/*/*.json");
    assert_eq!(listed(&[("path", &glob)]).await, [4]);
    let file = world.path("in/g.csv");
    assert_eq!(listed(&[("path", &file)]).await, [6]);
    let empty = world.path("empty");
    fs::create_dir(&empty).unwrap();
    assert!(listed(&[("path", &empty)]).await.is_empty());
    let nowhere = world.path("nowhere*");
    assert!(listed(&[("path", &nowhere)]).await.is_empty());
}

#[tokio::test]
async fn a_path_that_is_not_there_is_refused_at_the_first_start() {
    let world = World::new();
    let nowhere = world.path("nowhere");
    let source = world.start(&[("path", &nowhere)]).await;
    let error = source.recover(None).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { what: "path", .. }), "{error}");
}

#[tokio::test]
async fn a_name_with_blanks_and_signs_is_found_again() {
    let world = World::new();
    for (at, name) in ["a b.json", "100%.json", "gr\u{fc}n#1?.json"].into_iter().enumerate() {
        world.add(name, at as i64, at as u64);
    }
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    assert_eq!(drain(source.as_ref(), None).await.0, [[0, 1, 2]]);
}

#[tokio::test]
async fn a_file_that_vanished_is_an_error_that_names_it() {
    let world = World::new();
    world.add("a.json", 1, 1);
    let source = world.start(&[]).await;
    source.recover(None).await.unwrap();
    let end = next(source.as_ref(), None).await.unwrap();
    fs::remove_file(world.folder().join("a.json")).unwrap();
    let error = values(source.as_ref(), None, &end).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("a.json"), "{error}");
}

#[tokio::test]
async fn a_file_much_older_than_the_newest_is_ignored() {
    let world = World::new();
    world.add("old", 0, 0);
    world.add("new", 1, 100);
    let source = world.start(&[("maxFileAge", "10s")]).await;
    source.recover(None).await.unwrap();
    let end = next(source.as_ref(), None).await;
    assert_eq!(values(source.as_ref(), None, end.as_ref().unwrap()).await.unwrap(), [0, 1]);
    world.add("too old", 2, 89);
    world.add("old enough", 3, 90);
    assert_eq!(drain(source.as_ref(), end.clone()).await.0, [[3]]);
    let source = world.start(&[("maxFileAge", "10s")]).await;
    source.recover(end.as_ref()).await.unwrap();
    assert_eq!(drain(source.as_ref(), end).await.0, [[3]]);
}

async fn scanned(table: &Arc<dyn TableProvider>) -> Vec<i64> {
    let session = SessionContext::new();
    session.register_table("t", Arc::clone(table)).unwrap();
    let rows = session.table("t").await.unwrap().collect().await.unwrap();
    let mut values = ints(&rows);
    values.sort_unstable();
    let counted = session.table("t").await.unwrap().count().await.unwrap();
    assert_eq!(counted, values.len());
    values
}

#[tokio::test]
async fn a_table_is_a_snapshot_or_what_is_there() {
    let world = World::new();
    assert!(scanned(&world.table(Freshness::Live).await.unwrap()).await.is_empty());
    world.add("a", 1, 1);
    let snapshot = world.table(Freshness::Snapshot).await.unwrap();
    let live = world.table(Freshness::Live).await.unwrap();
    world.add("b", 2, 2);
    assert_eq!(scanned(&snapshot).await, [1]);
    assert_eq!(scanned(&live).await, [1, 2]);
}

#[tokio::test]
async fn a_schema_is_given_or_inferred() {
    let world = World::new();
    let options: Options = [("path", world.path("in"))].into_iter().collect();
    let factory = FileSourceFactory::new("json");
    let error = factory.define(&options, None, &context(false)).await.unwrap_err();
    assert!(error.to_string().contains("spark.sql.streaming.schemaInference"), "{error}");
    let error = factory.define(&options, None, &context(true)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    world.write("a", "{\"n\":1,\"s\":\"x\"}", 1);
    let inferred = factory.define(&options, None, &context(true)).await.unwrap().schema();
    let names: Vec<_> = inferred.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["n", "s"]);
    let given = world.define(&[]).await.unwrap();
    assert!(given.schema().field(0).is_nullable());
    assert_eq!(given.format(), "json");
}

#[tokio::test]
async fn files_that_were_listed_are_kept_for_the_next_epochs_as_the_options_say() {
    for (options, expected) in [
        // Kept: the file that comes later waits until the listed ones are taken.
        (vec![], vec![vec![0], vec![1], vec![2], vec![3]]),
        (vec![("maxCachedFiles", "1")], vec![vec![0], vec![1], vec![9], vec![2], vec![3]]),
    ] {
        let world = World::new();
        for n in 0..4 {
            world.add(&format!("f{n}"), n, 10 + n as u64);
        }
        let options: Vec<_> = [("maxFilesPerTrigger", "1")].into_iter().chain(options).collect();
        let source = world.start(&options).await;
        source.recover(None).await.unwrap();
        let first = next(source.as_ref(), None).await;
        let mut epochs =
            vec![values(source.as_ref(), None, first.as_ref().unwrap()).await.unwrap()];
        world.add("older", 9, 5);
        epochs.extend(drain(source.as_ref(), first).await.0);
        let end = expected.len();
        assert_eq!(epochs[..end], expected, "{options:?}");
        assert_eq!(epochs.concat().len(), 5);
    }
}

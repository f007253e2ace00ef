//! The file sink over folders of the file system.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef};
use arrow::ipc::reader::FileReader;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use datafusion::prelude::SessionContext;
use flate2::read::GzDecoder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

use crate::checkpoint::manifest::{METADATA_FOLDER, SinkFile, committed_files};
use crate::checkpoint::storage::LocalStorage;
use crate::connector::conformance::{self, SinkHarness, batch, run_epoch, schema, write};
use crate::connector::options::Options;
use crate::connector::output_mode::OutputMode;
use crate::connector::sink::{
    SinkBatch, SinkContext, SinkFactory, SinkSession, SinkState, StreamSink,
};
use crate::connector::storage::{Location, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::clock::ManualClock;
use crate::sinks::file::factory::FileSinkFactory;

struct Harness {
    folder: TempDir,
    factory: FileSinkFactory,
    options: Vec<(&'static str, &'static str)>,
    partition_by: Vec<String>,
    clock: ManualClock,
}

impl Harness {
    fn json() -> Self {
        Self::of(FileSinkFactory::json())
    }

    fn of(factory: FileSinkFactory) -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            factory,
            options: vec![],
            partition_by: vec![],
            clock: ManualClock::new(1_700_000_000_000),
        }
    }

    fn path(&self) -> String {
        self.folder.path().to_str().unwrap().to_owned()
    }

    fn location(&self) -> Location {
        LocalStorage::default().open(&self.path()).unwrap()
    }

    async fn open(&self, schema: SchemaRef) -> Result<Arc<dyn StreamSink>> {
        let mut options: Options = self.options.iter().copied().collect();
        options.set("path", self.path());
        let context = SinkContext {
            partition_by: self.partition_by.clone(),
            clock: Arc::new(self.clock.clone()),
            ..context(schema)
        };
        self.factory.open(&options, context).await
    }

    async fn committed(&self) -> Vec<SinkFile> {
        committed_files(&self.location()).await.unwrap().unwrap_or_default()
    }

    /// The names of all data files, committed or not, with the folders that they lie in.
    fn data_files(&self) -> Vec<String> {
        let mut names = vec![];
        find(self.folder.path(), "", &mut names);
        names.sort_unstable();
        names
    }

    fn local(&self, file: &SinkFile) -> std::path::PathBuf {
        let location = LocalStorage::default().open(&file.path).unwrap();
        let local = Path::new("/").join(location.path.as_ref());
        assert!(local.starts_with(self.folder.path()), "{local:?}");
        local
    }
}

/// The data files below a folder, by the names that they have in it.
fn find(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let full = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            find(&entry.path(), &format!("{full}/"), names);
        } else if name.starts_with("part-") {
            names.push(full);
        }
    }
}

/// A name without the part that is another one in each attempt.
fn without_random(name: &str) -> String {
    let at = name.find("part-").unwrap() + 11;
    format!("{}*{}", &name[..at], &name[at + 36..])
}

fn context(schema: SchemaRef) -> SinkContext {
    SinkContext {
        query_name: None,
        schema,
        partition_by: vec![],
        storage: Arc::new(LocalStorage::default()),
        clock: Arc::new(ManualClock::new(1_700_000_000_000)),
        session: SinkSession(SessionContext::new()),
    }
}

#[async_trait]
impl SinkHarness for Harness {
    async fn sink(&self) -> Result<Arc<dyn StreamSink>> {
        self.open(schema()).await
    }

    async fn visible(&self) -> Result<Vec<i64>> {
        let files = self.committed().await;
        Ok(files.iter().flat_map(|file| values(&self.local(file))).collect())
    }
}

fn values(file: &Path) -> Vec<i64> {
    let text = |file: &Path| fs::read_to_string(file).unwrap();
    match file.extension().unwrap().to_str().unwrap() {
        "json" => {
            let text = text(file);
            let rows = text.lines().map(serde_json::from_str::<serde_json::Value>);
            return rows.map(|row| row.unwrap()["v"].as_i64().unwrap()).collect();
        }
        "csv" => return text(file).lines().map(|line| line.parse().unwrap()).collect(),
        "arrow" => {
            let reader = FileReader::try_new(fs::File::open(file).unwrap(), None).unwrap();
            let columns =
                reader.map(|rows| rows.unwrap().column(0).as_primitive::<Int64Type>().clone());
            return columns.flat_map(|column| column.values().to_vec()).collect();
        }
        _ => (),
    }
    let bytes = Bytes::from(fs::read(file).unwrap());
    let batches = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    let columns = batches.map(|rows| rows.unwrap().column(0).as_primitive::<Int64Type>().clone());
    columns.flat_map(|column| column.values().to_vec()).collect()
}

fn append(epoch: u64, run: u64) -> SinkBatch {
    batch(epoch, run, OutputMode::Append)
}

#[tokio::test]
async fn it_keeps_the_promises_of_a_sink() {
    for factory in [
        FileSinkFactory::arrow(),
        FileSinkFactory::csv(),
        FileSinkFactory::json(),
        FileSinkFactory::parquet(),
    ] {
        let fresh = || Harness::of(factory);
        conformance::rows_are_visible_once_after_commit(&fresh()).await.unwrap();
        conformance::a_repeated_epoch_has_no_effect(&fresh()).await.unwrap();
        conformance::an_aborted_epoch_leaves_nothing_visible(&fresh()).await.unwrap();
    }
}

#[tokio::test]
async fn files_and_their_entries_look_as_spark_makes_them() {
    let harness = Harness::of(FileSinkFactory::parquet());
    let sink = harness.sink().await.unwrap();
    run_epoch(sink.as_ref(), &append(0, 0), &[&[1], &[], &[2]]).await.unwrap();
    let names = harness.data_files();
    // A partition without rows has no file.
    assert_eq!(names.len(), 2);
    assert!(names[0].starts_with("part-00000-") && names[1].starts_with("part-00002-"));
    assert!(names.iter().all(|name| name.ends_with("-c000.snappy.parquet")), "{names:?}");
    for (file, name) in harness.committed().await.iter().zip(&names) {
        assert_eq!(harness.local(file), harness.folder.path().join(name));
        assert_eq!(file.size, fs::metadata(harness.local(file)).unwrap().len());
        assert_eq!(file.crc32, Some(crc32fast::hash(&fs::read(harness.local(file)).unwrap())));
        assert_eq!((file.modification_time, file.action.as_str()), (1_700_000_000_000, "add"));
    }
    assert_eq!(sink.to_string(), format!("FileSink[{}]", harness.location().url));
}

#[tokio::test]
async fn the_compression_shows_in_the_name() {
    for (compression, end) in [("zstd", "-c000.zstd.parquet"), ("none", "-c000.parquet")] {
        let mut harness = Harness::of(FileSinkFactory::parquet());
        harness.options.push(("compression", compression));
        let sink = harness.sink().await.unwrap();
        run_epoch(sink.as_ref(), &append(0, 0), &[&[1, 2]]).await.unwrap();
        assert!(harness.data_files()[0].ends_with(end));
        assert_eq!(harness.visible().await.unwrap(), [1, 2]);
    }
}

#[tokio::test]
async fn files_of_a_run_that_died_before_its_commit_are_never_seen() {
    let harness = Harness::json();
    let died = harness.sink().await.unwrap();
    died.begin(&append(0, 0)).await.unwrap();
    write(died.as_ref(), &append(0, 0), &[&[1], &[2]]).await.unwrap();
    drop(died);
    assert_eq!(harness.data_files().len(), 2);

    let next = harness.sink().await.unwrap();
    let state = run_epoch(next.as_ref(), &append(0, 1), &[&[1], &[2]]).await.unwrap();
    assert_eq!(state, SinkState::Open);
    assert_eq!(harness.visible().await.unwrap(), [1, 2]);
}

#[tokio::test]
async fn an_epoch_is_done_for_a_run_that_starts_after_its_commit() {
    let harness = Harness::json();
    for run in 0..3 {
        let sink = harness.sink().await.unwrap();
        let state = run_epoch(sink.as_ref(), &append(0, run), &[&[1]]).await.unwrap();
        assert_eq!(state == SinkState::AlreadyDone, run > 0);
    }
    assert_eq!(harness.visible().await.unwrap(), [1]);
    assert_eq!(harness.data_files().len(), 1);
}

#[tokio::test]
async fn an_epoch_without_rows_has_an_entry_without_files() {
    let harness = Harness::json();
    let sink = harness.sink().await.unwrap();
    run_epoch(sink.as_ref(), &append(0, 0), &[&[], &[]]).await.unwrap();
    assert!(harness.folder.path().join(METADATA_FOLDER).join("0").exists());
    assert!(harness.committed().await.is_empty() && harness.data_files().is_empty());
    let restarted = harness.sink().await.unwrap();
    assert_eq!(restarted.begin(&append(0, 1)).await.unwrap(), SinkState::AlreadyDone);
}

#[tokio::test]
async fn an_abort_removes_files_also_those_whose_message_was_lost() {
    let harness = Harness::json();
    let sink = harness.sink().await.unwrap();
    sink.begin(&append(0, 0)).await.unwrap();
    let mut messages = write(sink.as_ref(), &append(0, 0), &[&[1], &[2]]).await.unwrap();
    messages.pop();
    sink.abort(&append(0, 0), messages).await.unwrap();
    assert!(harness.data_files().is_empty());
}

#[tokio::test]
async fn an_abort_after_a_commit_that_seemed_to_fail_keeps_what_the_log_names() {
    let harness = Harness::json();
    let sink = harness.sink().await.unwrap();
    sink.begin(&append(0, 0)).await.unwrap();
    let messages = write(sink.as_ref(), &append(0, 0), &[&[1], &[2]]).await.unwrap();
    // The entry reaches the log, and this sink never hears of it.
    let other = harness.sink().await.unwrap();
    other.commit(&append(0, 0), messages.clone()).await.unwrap();
    sink.abort(&append(0, 0), messages.clone()).await.unwrap();
    assert_eq!(harness.visible().await.unwrap(), [1, 2]);
    sink.commit(&append(0, 0), messages).await.unwrap();
    assert_eq!(harness.visible().await.unwrap(), [1, 2]);
    assert_eq!(sink.begin(&append(0, 0)).await.unwrap(), SinkState::AlreadyDone);
}

#[tokio::test]
async fn of_two_runs_at_once_one_commits_and_the_files_of_the_other_go() {
    let harness = Harness::json();
    let (old, new) = (harness.sink().await.unwrap(), harness.sink().await.unwrap());
    old.begin(&append(0, 0)).await.unwrap();
    new.begin(&append(0, 1)).await.unwrap();
    let of_old = write(old.as_ref(), &append(0, 0), &[&[1]]).await.unwrap();
    let of_new = write(new.as_ref(), &append(0, 1), &[&[1]]).await.unwrap();
    new.commit(&append(0, 1), of_new).await.unwrap();
    old.commit(&append(0, 0), of_old).await.unwrap();
    assert_eq!(harness.visible().await.unwrap(), [1]);
    assert_eq!(harness.data_files().len(), 1);
}

#[tokio::test]
async fn many_epochs_survive_the_compaction_of_the_log() {
    let harness = Harness::json();
    for epoch in 0..25 {
        // A new run now and then, so that the log is read from its files too.
        let sink = harness.sink().await.unwrap();
        for epoch in [epoch * 2, epoch * 2 + 1] {
            let value = i64::try_from(epoch).unwrap();
            run_epoch(sink.as_ref(), &append(epoch, 0), &[&[value]]).await.unwrap();
        }
    }
    assert_eq!(harness.visible().await.unwrap(), (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_folder_with_the_output_of_another_query_is_refused() {
    let harness = Harness::json();
    let other = SinkBatch { query_id: "query-b".to_owned(), ..append(0, 0) };
    // Both begin in an empty folder; the first to commit owns it.
    let (mine, theirs) = (harness.sink().await.unwrap(), harness.sink().await.unwrap());
    theirs.begin(&other).await.unwrap();
    run_epoch(mine.as_ref(), &append(0, 0), &[&[1]]).await.unwrap();
    let messages = write(theirs.as_ref(), &other, &[&[2]]).await.unwrap();
    let error = theirs.commit(&other, messages.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    theirs.abort(&other, messages).await.unwrap();

    let later = harness.sink().await.unwrap().begin(&other).await.unwrap_err();
    assert_eq!(later.kind(), ErrorKind::Invalid);
    assert!(later.to_string().contains(&harness.path()), "{later}");
    assert_eq!(harness.visible().await.unwrap(), [1]);
    assert_eq!(harness.data_files().len(), 1);
}

#[tokio::test]
async fn a_folder_whose_log_nobody_owns_is_refused() {
    let harness = Harness::json();
    let sink = harness.sink().await.unwrap();
    run_epoch(sink.as_ref(), &append(0, 0), &[&[1]]).await.unwrap();
    let owner = harness.folder.path().join(METADATA_FOLDER).join(".query");
    fs::remove_file(&owner).unwrap();
    let error = harness.sink().await.unwrap().begin(&append(1, 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    fs::write(&owner, "query-a").unwrap();
    let error = harness.sink().await.unwrap().begin(&append(1, 1)).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_log_that_has_gone_is_an_error_while_there_are_files() {
    for (column, kept) in [(None, None), (Some("p"), None), (None, Some(".query"))] {
        let mut harness = Harness::json();
        harness.partition_by = column.into_iter().map(str::to_owned).collect();
        run_keyed(&harness, 0, &[keyed(&[(1, "a")])]).await;
        for entry in fs::read_dir(harness.folder.path().join(METADATA_FOLDER)).unwrap() {
            let entry = entry.unwrap();
            if kept.is_none_or(|kept| entry.file_name() != kept) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        let sink = harness.open(keyed(&[]).schema()).await.unwrap();
        let error = sink.begin(&append(1, 1)).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("put the log back"), "{error}");
    }
}

#[tokio::test]
async fn a_query_may_go_on_in_an_empty_folder() {
    let harness = Harness::json();
    let sink = harness.sink().await.unwrap();
    assert_eq!(sink.begin(&append(7, 0)).await.unwrap(), SinkState::Open);
    // The attempt dies, and what it wrote is no sign of a log that was lost.
    write(sink.as_ref(), &append(7, 0), &[&[1]]).await.unwrap();
    let sink = harness.sink().await.unwrap();
    run_epoch(sink.as_ref(), &append(7, 1), &[&[2]]).await.unwrap();
    assert_eq!(harness.visible().await.unwrap(), [2]);
    // From then on it is.
    fs::remove_file(harness.folder.path().join(METADATA_FOLDER).join("7.compact")).unwrap();
    let error = harness.sink().await.unwrap().begin(&append(8, 2)).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_large_file_goes_up_in_parts() {
    let harness = Harness::json();
    let sink = harness.sink().await.unwrap();
    let epoch = append(0, 0);
    sink.begin(&epoch).await.unwrap();
    let mut writer = sink.writer(&epoch, 0).await.unwrap();
    let numbers: Vec<i64> = (1_000_000_000..1_000_100_000).collect();
    for _ in 0..10 {
        writer.write(conformance::rows(&numbers).unwrap()).await.unwrap();
    }
    let message = writer.finish().await.unwrap();
    sink.commit(&epoch, vec![message]).await.unwrap();
    assert!(harness.committed().await[0].size > 16 * 1024 * 1024);
    assert_eq!(harness.visible().await.unwrap(), numbers.repeat(10));
}

#[tokio::test]
async fn options_that_cannot_be_used_are_refused() {
    let open = |factory: FileSinkFactory, options: &[(&str, &str)]| {
        let options: Options = options.iter().copied().collect();
        async move { factory.open(&options, context(schema())).await.unwrap_err().to_string() }
    };
    let (json, parquet) = (FileSinkFactory::json(), FileSinkFactory::parquet());
    assert!(open(json, &[]).await.contains("needs the option `path`"));
    assert!(open(json, &[("path", "/o"), ("compression", "bzip2")]).await.contains("`bzip2`"));
    assert!(open(json, &[("path", "/o"), ("dateFormat", "nnn")]).await.contains("`dateFormat`"));
    assert!(open(json, &[("path", "/o"), ("timeZone", "Mars")]).await.contains("`Mars`"));
    assert!(open(json, &[("path", "/o"), ("lineSep", "")]).await.contains("`lineSep`"));
    assert!(open(json, &[("path", "/o"), ("maxRecordsPerFile", "x")]).await.contains("`x`"));
    let csv = FileSinkFactory::csv();
    for (option, value) in [("sep", ""), ("delimiter", "\\x"), ("escape", "ab"), ("encoding", "x")]
    {
        assert!(open(csv, &[("path", "/o"), (option, value)]).await.contains(option));
    }
    assert!(open(parquet, &[("path", "/o"), ("compression", "lzo")]).await.contains("`lzo`"));
    assert!(open(parquet, &[("path", "/o"), ("retention", "old")]).await.contains("`retention`"));
}

#[tokio::test]
async fn columns_that_differ_in_case_only_are_refused() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let field = |name: &str| Field::new(name, column.data_type().clone(), true);
    let rows = RecordBatch::try_new(
        Arc::new(Schema::new(vec![field("User"), field("user")])),
        vec![Arc::clone(&column), Arc::clone(&column)],
    );
    let error = Harness::json().open(rows.unwrap().schema()).await.unwrap_err();
    assert!(error.to_string().contains("`user`"), "{error}");
}

#[tokio::test]
async fn only_append_mode_is_taken() {
    let sink = Harness::json().sink().await.unwrap();
    assert!(sink.supports(OutputMode::Append) && sink.can_recover(OutputMode::Append));
    assert!(!sink.supports(OutputMode::Update) && !sink.supports(OutputMode::Complete));
    assert!(!sink.counts_rows());
}

/// Two columns, `v` and `p`: the text of a number is the folder that it goes to.
fn keyed(values: &[(i64, &str)]) -> RecordBatch {
    let (numbers, texts): (Vec<i64>, Vec<&str>) = values.iter().copied().unzip();
    let columns: [(&str, ArrayRef); 2] =
        [("v", Arc::new(Int64Array::from(numbers))), ("p", Arc::new(StringArray::from(texts)))];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Runs an epoch of [`keyed`] rows by one writer.
async fn run_keyed(harness: &Harness, epoch: u64, batches: &[RecordBatch]) {
    let schema = batches[0].schema();
    let sink = harness.open(Arc::clone(&schema)).await.unwrap();
    let epoch = SinkBatch { schema, ..append(epoch, 0) };
    sink.begin(&epoch).await.unwrap();
    let mut writer = sink.writer(&epoch, 0).await.unwrap();
    for rows in batches {
        writer.write(rows.clone()).await.unwrap();
    }
    let message = writer.finish().await.unwrap();
    sink.commit(&epoch, vec![message]).await.unwrap();
}

#[tokio::test]
async fn rows_go_to_the_folders_of_their_values_and_the_log_names_them_as_spark_does() {
    let mut harness = Harness::json();
    harness.partition_by = vec!["P".to_owned()];
    run_keyed(&harness, 0, &[keyed(&[(1, "a b/c"), (2, "x")]), keyed(&[(3, "a b/c")])]).await;
    let names: Vec<_> = harness.data_files().iter().map(|name| without_random(name)).collect();
    assert_eq!(names, ["p=a b%2Fc/part-00000-*.c000.json", "p=x/part-00000-*.c000.json"]);
    let committed = harness.committed().await;
    let urls: Vec<_> = committed.iter().map(|file| without_random(&file.path)).collect();
    let base = harness.location().url;
    assert!(urls.contains(&format!("{base}/p=a%20b%252Fc/part-00000-*.c000.json")), "{urls:?}");
    let mut values = harness.visible().await.unwrap();
    values.sort_unstable();
    assert_eq!(values, [1, 2, 3]);
    let first = fs::read_to_string(harness.folder.path().join(&harness.data_files()[0])).unwrap();
    assert_eq!(first, "{\"v\":1}\n{\"v\":3}\n");
}

#[tokio::test]
async fn each_of_many_folders_has_one_file_though_its_rows_come_in_many_batches() {
    for factory in [FileSinkFactory::json(), FileSinkFactory::parquet()] {
        let mut harness = Harness::of(factory);
        harness.partition_by = vec!["p".to_owned()];
        let texts: Vec<String> = (0..300).map(|key| key.to_string()).collect();
        let rows: Vec<(i64, &str)> =
            (0..).zip(&texts).map(|(value, text)| (value, text.as_str())).collect();
        run_keyed(&harness, 0, &vec![keyed(&rows); 20]).await;
        let mut values = harness.visible().await.unwrap();
        values.sort_unstable();
        let expected: Vec<i64> = (0..300).flat_map(|value| [value; 20]).collect();
        assert_eq!(values, expected);
        assert_eq!(harness.data_files().len(), 300);
    }
}

#[tokio::test]
async fn an_abort_removes_the_files_in_folders_too() {
    let mut harness = Harness::json();
    harness.partition_by = vec!["p".to_owned()];
    let rows = keyed(&[(1, "a%b"), (2, "c")]);
    let sink = harness.open(rows.schema()).await.unwrap();
    let epoch = SinkBatch { schema: rows.schema(), ..append(0, 0) };
    sink.begin(&epoch).await.unwrap();
    let mut writer = sink.writer(&epoch, 0).await.unwrap();
    writer.write(rows).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(harness.data_files().len(), 2);
    sink.abort(&epoch, vec![]).await.unwrap();
    assert!(harness.data_files().is_empty());
}

#[tokio::test]
async fn a_full_file_is_followed_by_the_next() {
    let mut harness = Harness::json();
    harness.options.push(("maxRecordsPerFile", "2"));
    let sink = harness.sink().await.unwrap();
    sink.begin(&append(0, 0)).await.unwrap();
    let mut writer = sink.writer(&append(0, 0), 0).await.unwrap();
    writer.write(conformance::rows(&[1, 2, 3, 4, 5]).unwrap()).await.unwrap();
    let message = writer.finish().await.unwrap();
    sink.commit(&append(0, 0), vec![message]).await.unwrap();
    let names: Vec<_> = harness.data_files().iter().map(|name| without_random(name)).collect();
    let name = |number: u32| format!("part-00000-*-c{number:03}.json");
    assert_eq!(names, [name(0), name(1), name(2)]);
    assert_eq!(harness.visible().await.unwrap(), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_file_of_the_target_size_is_full() {
    let mut harness = Harness::json();
    harness.options.push(("millstream.targetFileSize", "1000"));
    let sink = harness.sink().await.unwrap();
    let all: Vec<i64> = (0..500).collect();
    sink.begin(&append(0, 0)).await.unwrap();
    let mut writer = sink.writer(&append(0, 0), 0).await.unwrap();
    for rows in all.chunks(50) {
        writer.write(conformance::rows(rows).unwrap()).await.unwrap();
    }
    let message = writer.finish().await.unwrap();
    sink.commit(&append(0, 0), vec![message]).await.unwrap();
    let sizes: Vec<u64> = harness.committed().await.iter().map(|file| file.size).collect();
    let (_, full) = sizes.split_last().unwrap();
    assert!(full.len() == 4 && full.iter().all(|size| (1_000..2_000).contains(size)), "{sizes:?}");
    assert_eq!(harness.visible().await.unwrap(), all);
}

#[tokio::test]
async fn files_beyond_the_retention_drop_out_of_the_log_when_it_is_compacted() {
    let mut harness = Harness::json();
    harness.options.push(("retention", "1h"));
    for epoch in 0..10 {
        // A new run each time, so that what was dropped is gone from the files of the log.
        let sink = harness.sink().await.unwrap();
        run_epoch(sink.as_ref(), &append(epoch, epoch), &[&[epoch as i64]]).await.unwrap();
        let seen = harness.visible().await.unwrap().len() as u64;
        assert_eq!(seen, if epoch < 9 { epoch + 1 } else { 5 });
        harness.clock.advance(Duration::from_secs(15 * 60));
    }
    assert_eq!(harness.visible().await.unwrap(), [5, 6, 7, 8, 9]);
    assert_eq!(harness.data_files().len(), 10, "the files themselves stay");
}

#[tokio::test]
async fn compressed_and_other_encoded_files_have_their_names_and_bytes() {
    let mut harness = Harness::of(FileSinkFactory::csv());
    harness.options.extend([("compression", "gzip"), ("encoding", "UTF-16LE"), ("header", "true")]);
    let sink = harness.sink().await.unwrap();
    run_epoch(sink.as_ref(), &append(0, 0), &[&[1, 22]]).await.unwrap();
    let name = harness.data_files().remove(0);
    assert!(name.ends_with("-c000.csv.gz"), "{name}");
    let file = fs::File::open(harness.folder.path().join(name)).unwrap();
    let mut bytes = vec![];
    GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    let expected: Vec<u8> = "v\n1\n22\n".bytes().flat_map(|byte| [byte, 0]).collect();
    assert_eq!(bytes, expected);
}

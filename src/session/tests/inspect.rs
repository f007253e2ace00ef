//! What is told of a checkpoint: the rows that the state has, whatever files they are in, and
//! nothing is changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use datafusion::logical_expr::col;

use crate::checkpoint::storage::LocalStorage;
use crate::connector::storage::{Location, Storage};
use crate::error::Result;
use crate::query::inspect::inspect;
use crate::session::session::StreamSession;

/// Runs a windowed count over one row for each of these seconds, an epoch for each list.
async fn run(checkpoint: &Path, epochs: &[&[i64]]) -> Result<()> {
    let session = StreamSession::builder()
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.streaming.stateStore.minDeltasForSnapshot", "2")
        .build()?;
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let schema = Schema::new(vec![Field::new("at", time, true)]);
    let (table, frame) = session.memory_stream(&schema)?;
    let query = frame
        .with_watermark("at", "10 seconds")?
        .group_by(vec![col("at")])
        .count()?
        .write_stream()
        .format("noop")
        .output_mode("update")
        .option("checkpointLocation", checkpoint.display().to_string())
        .start()
        .await?;
    for seconds in epochs {
        let micros = seconds.iter().map(|second| second * 1_000_000);
        let column = TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC");
        let column = Arc::new(column) as _;
        table.add(&RecordBatch::try_from_iter_with_nullable([("at", column, true)])?)?;
        query.process_all_available().await?;
    }
    query.stop().await
}

fn location(folder: &Path) -> Location {
    LocalStorage::new().open(&folder.display().to_string()).unwrap()
}

/// All files below a folder with their bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            all.push((path, bytes));
        }
    }
    all.sort();
    all
}

#[tokio::test]
async fn state_is_counted_over_snapshots_and_changes_and_nothing_is_written() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[&[1, 2, 3, 100], &[101, 102], &[103], &[104], &[105]]).await?;
    let before = files(folder.path());
    let summary = inspect(&location(folder.path())).await?;
    assert_eq!(files(folder.path()), before);

    let [operator] = summary.operators.as_slice() else { panic!("{:?}", summary.operators) };
    // The first three are behind the watermark, 95 seconds.
    assert_eq!((operator.rows(), operator.partitions.len()), (6, 2));
    assert!(operator.partitions.iter().any(|p| p.last_snapshot.is_some()), "{operator:?}");
    assert_eq!(summary.watermark.as_deref(), Some("1970-01-01T00:01:35.000Z"));
    assert_eq!((summary.in_flight_epoch, summary.oldest_epoch), (None, Some(0)));
    assert_eq!(summary.run.map(|run| run.runs), Some(1));
    assert!(summary.sources[0].committed.is_some());
    Ok(())
}

#[tokio::test]
async fn an_epoch_without_its_commit_is_in_flight() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[&[1], &[2]]).await?;
    let summary = inspect(&location(folder.path())).await?;
    let last = summary.committed_epoch.unwrap();
    fs::remove_file(folder.path().join(format!("commits/{last}"))).unwrap();
    let summary = inspect(&location(folder.path())).await?;
    assert_eq!(summary.in_flight_epoch, Some(last));
    assert_eq!(summary.committed_epoch, last.checked_sub(1));
    Ok(())
}

#[tokio::test]
async fn a_damaged_state_file_is_named() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), &[&[1, 2, 3, 4]]).await?;
    let state = files(&folder.path().join("state"));
    let (path, mut bytes) = state.into_iter().find(|(path, _)| path.extension().is_some()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = inspect(&location(folder.path())).await.unwrap_err().to_string();
    assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    Ok(())
}

//! A durable keyed count, epoch by epoch, against DataFusion's own count of the same files.
//!
//! `cargo bench --bench keyed_count` writes 50 parquet files with 5 M rows over 1 M keys, counts
//! them as a batch query and as a stream of one epoch a file (update mode, durable), and prints the
//! ratio of the two from one run.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use millstream::prelude::*;
use millstream::runtime::clock::Stopwatch;
use parquet::arrow::ArrowWriter;

const FILES: usize = 50;
const ROWS_PER_FILE: usize = 100_000;
const KEYS: u64 = 1_000_000;
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let input = folder.path().join("in");
    std::fs::create_dir(&input)?;
    write_input(&input)?;
    let rows = FILES * ROWS_PER_FILE;
    for round in 0..ROUNDS {
        let batch = batch_count(&input).await?;
        let checkpoint = folder.path().join(format!("checkpoint-{round}"));
        let stream = stream_count(&input, &checkpoint).await?;
        let rate = |took: Duration| rows as f64 / took.as_secs_f64() / 1e6;
        println!(
            "round {round}: batch {:.2} M rows/s, stream {:.2} M rows/s, ratio {:.2}",
            rate(batch),
            rate(stream),
            batch.as_secs_f64() / stream.as_secs_f64()
        );
    }
    Ok(())
}

fn write_input(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("k", DataType::Int64, true),
        Field::new("v", DataType::Int64, true),
    ]));
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for file in 0..FILES {
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        let keys: Int64Array =
            (0..ROWS_PER_FILE).map(|_| i64::try_from(next() % KEYS).ok()).collect();
        let values: Int64Array =
            (0..ROWS_PER_FILE).map(|_| i64::try_from(next() % 1000).ok()).collect();
        let batch =
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(keys), Arc::new(values)])?;
        let output = File::create(folder.join(format!("{file:03}.parquet")))?;
        let mut writer = ArrowWriter::try_new(output, Arc::clone(&schema), None)?;
        writer.write(&batch)?;
        writer.close()?;
    }
    Ok(())
}

async fn batch_count(input: &Path) -> Result<Duration, Box<dyn std::error::Error>> {
    let context = SessionContext::new();
    let path = input.display().to_string();
    context.register_parquet("t", &path, ParquetReadOptions::default()).await?;
    let watch = Stopwatch::start();
    let counted = context.sql("SELECT k, count(*) AS n FROM t GROUP BY k").await?.collect().await?;
    let took = watch.elapsed();
    assert!(counted.iter().map(RecordBatch::num_rows).sum::<usize>() > 900_000);
    Ok(took)
}

async fn stream_count(
    input: &Path,
    checkpoint: &Path,
) -> Result<Duration, Box<dyn std::error::Error>> {
    let session = StreamSession::new()?;
    let stream = session
        .read_stream()
        .format("parquet")
        .schema("k BIGINT, v BIGINT")
        .option("maxFilesPerTrigger", 1)
        .load_path(&input.display().to_string())
        .await?
        .group_by(vec![col("k")])
        .count()?;
    let watch = Stopwatch::start();
    let query = stream
        .write_stream()
        .format("noop")
        .output_mode(OutputMode::Update)
        .trigger(Trigger::AvailableNow)
        .option("checkpointLocation", checkpoint.display().to_string())
        .start()
        .await?;
    query.await_termination(None).await?;
    let took = watch.elapsed();
    let last = query.last_progress().ok_or("no epoch ran")?;
    assert_eq!(last.batch_id, FILES as u64 - 1);
    assert!(last.state_operators[0].num_rows_total > 900_000);
    let mut phases = std::collections::BTreeMap::<String, u64>::new();
    for report in query.recent_progress() {
        for (phase, micros) in &report.duration_us {
            *phases.entry(phase.clone()).or_default() += micros;
        }
        for operator in &report.state_operators {
            *phases.entry("  updates".to_owned()).or_default() +=
                operator.all_updates_time_ms * 1000;
            *phases.entry("  state commit".to_owned()).or_default() +=
                operator.commit_time_ms * 1000;
        }
    }
    for (phase, micros) in phases {
        println!("  {phase:<20} {:>8} ms", micros / 1000);
    }
    Ok(took)
}

//! What an epoch costs beyond its work: ten rows at a time through a durable keyed count.
//!
//! `cargo bench --bench epoch_overhead` prints the median and the 99th percentile of each phase,
//! how many syncs an epoch makes and their share. All epochs belong to one run of one query on the
//! local disk; compare numbers of one machine only.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use millstream::checkpoint::storage::LocalStorage;
use millstream::prelude::*;

const WARM_UP: usize = 50;
const EPOCHS: usize = 500;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    for partitions in [1, 2] {
        let folder = tempfile::tempdir()?;
        measure(folder.path(), partitions).await?;
    }
    Ok(())
}

async fn measure(folder: &Path, partitions: u32) -> Result<(), Box<dyn std::error::Error>> {
    let input = folder.join("in");
    fs::create_dir(&input)?;
    let storage = LocalStorage::new();
    let session = StreamSession::builder()
        .config("spark.sql.shuffle.partitions", partitions.to_string())
        .config("spark.sql.streaming.numRecentProgressUpdates", "10000")
        .with_storage(Arc::new(storage.clone()))
        .build()?;
    let query = session
        .read_stream()
        .format("json")
        .schema("k BIGINT, v BIGINT")
        .load_path(&input.display().to_string())
        .await?
        .group_by(vec![col("k")])
        .agg(vec![count(lit(1_i64)).alias("n"), sum(col("v")).alias("s")])?
        .write_stream()
        .format("noop")
        .output_mode(OutputMode::Update)
        .option("checkpointLocation", folder.join("checkpoint").display().to_string())
        .start()
        .await?;
    let mut syncs = Vec::with_capacity(EPOCHS);
    for epoch in 0..WARM_UP + EPOCHS {
        let rows: String =
            (0..10).map(|row| format!("{{\"k\":{},\"v\":{row}}}\n", epoch * 7 + row)).collect();
        let hidden = folder.join("next.json");
        fs::write(&hidden, rows)?;
        let before = storage.sync_stats();
        fs::rename(&hidden, input.join(format!("{epoch:06}.json")))?;
        query.process_all_available().await?;
        let after = storage.sync_stats();
        syncs.push((
            after.files + after.folders - before.files - before.folders,
            after.time - before.time,
        ));
    }
    query.stop().await?;
    let mut progress = query.recent_progress();
    progress.retain(|report| report.is_epoch());
    let mut phases: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for report in progress.iter().skip(WARM_UP) {
        for (phase, micros) in &report.duration_us {
            phases.entry(phase.clone()).or_default().push(*micros);
        }
    }
    let syncs = &syncs[WARM_UP..];
    let mut beyond: Vec<u64> = progress[WARM_UP..]
        .iter()
        .zip(syncs)
        .map(|(report, (_, time))| {
            report.duration_us["triggerExecution"].saturating_sub(micros(*time))
        })
        .collect();
    println!("\n{partitions} state partition(s), {} epochs of 10 rows", progress.len() - WARM_UP);
    println!("{:<22} {:>10} {:>10}", "phase", "p50 us", "p99 us");
    for (phase, values) in &mut phases {
        print_line(phase, values);
    }
    let mut sync_times: Vec<u64> = syncs.iter().map(|(_, time)| micros(*time)).collect();
    let total: u64 = phases["triggerExecution"].iter().sum();
    let share = 100.0 * sync_times.iter().sum::<u64>() as f64 / total as f64;
    print_line("syncs", &mut sync_times);
    print_line("beyond the syncs", &mut beyond);
    let count: u64 = syncs.iter().map(|(count, _)| *count).sum();
    println!("syncs an epoch: {:.1}, {share:.0} % of the time", count as f64 / syncs.len() as f64);
    Ok(())
}

fn print_line(name: &str, values: &mut [u64]) {
    values.sort_unstable();
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    println!("{name:<22} {:>10} {:>10}", at(0.5), at(0.99));
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
